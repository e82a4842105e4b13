"""Estimate the tokens of a text without a provider's vocabulary."""

import re

_PIECE = re.compile(r"[^\W\d_]+|\d+|_+|[^\w\s]|\n[ \t]*|[ \t]{2,}")


def count_tokens(text: str) -> int:
    """Estimate the tokens of a text: a word costs one for six characters begun, as do three digits or a sign."""
    total = 0
    for piece in _PIECE.findall(text):
        first = piece[0]
        if first.isalpha():
            total += (len(piece) + 5) // 6 if piece.isascii() else len(piece)
        elif first.isdigit():
            total += (len(piece) + 2) // 3
        else:
            total += 1
    return total
