"""Sizes as people write them."""

import re

from sweagent.errors import UsageError

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parse_size(text: str) -> int:
    """Bytes of a size such as `512m` or `4g`.

    Raises:
        UsageError: it is not a size.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", text.strip().lower())
    if not match or float(match[1]) <= 0:
        raise UsageError(f"{text!r} is not a size", "write it like 512m or 4g")
    return int(float(match[1]) * _UNITS[match[2]])
