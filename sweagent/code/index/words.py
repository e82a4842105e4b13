"""How source text and prose become words that can be compared."""

import re
from collections import Counter
from functools import lru_cache
from itertools import filterfalse

IDENTIFIER = re.compile(r"[^\W\d]\w*")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+")
_BLANKED = bytes(code if code >= 128 or chr(code).isalnum() or chr(code) == "_" else 32 for code in range(256))
"""Blanks for what stands between ASCII identifiers: a translation and a split are four times as fast as a search."""
_STOP_WORDS = """
a an and are as at be been but by can could did do does doing done for from had has have having he her here
him his how i if in into is it its itself just me more most my no nor not now of off on once only or other our
out over own same she should so some such than that the their them then there these they this those through to
too under until up use used using very was we were what when where which while who whom why will with would
you your self also like get see any all one two however since still able want need may might following example
issue bug problem please expected actual result behavior behaviour version python code file line work works
working way think seems etc e g
"""
_STOP = frozenset(_STOP_WORDS.split())
_WORDS_OF_REPORTS = """
add adds added adding allow allows another appear argument because before after behave bad both break breaks broken
call calls called calling case cause causes change changes check correct correctly crash crashes currently default
different does doesn't doesn don don't ensure error errors exception fail fails failed failing failure first fix handle
handled handling have ignore ignored improve incorrect incorrectly inconsistent instead invalid make makes message miss
missing new not object option output possible prevent raise raises raised raising recent remove removed report return
returns returned returning set setting should show shows something string support supports supported take try trying
type unable unexpected update value values warn well without wrong give gives given provide provided keep change lead
leads result results throw throws produce produces
"""
_KEEP = frozenset(
    {"string", "king", "ring", "during", "this", "class", "process", "address", "access", "alias", "canvas"}
)


def words_of(text: str) -> list[str]:
    """The identifiers of a text as they are written, in their order; numbers may stand among them."""
    words = _runs(text)
    if text.isascii():
        return words
    return [part for word in words for part in ((word,) if word.isascii() else IDENTIFIER.findall(word))]


def identifiers(text: str) -> Counter[str]:
    """Count the identifiers of a text as they are written."""
    counts = Counter(_runs(text))
    for run in list(filterfalse(str.isascii, counts)):
        count = counts.pop(run)
        for word in IDENTIFIER.findall(run):
            counts[word] += count
    for number in list(filterfalse(str.isidentifier, counts)):
        del counts[number]
    return counts


def _runs(text: str) -> list[str]:
    """What stands between blanks and ASCII punctuation."""
    return text.encode("utf-8", "replace").translate(_BLANKED).decode("utf-8").split()


@lru_cache(maxsize=1 << 18)
def parts(identifier: str) -> tuple[str, ...]:
    """Return the stemmed, lower-case words of an identifier, and the whole of it when it has several.

    `getHTTPResponse` gives `get`, `http`, `respons` and `gethttpresponse`.
    """
    plain = identifier.islower() and identifier.replace("_", "").isalpha()
    split = identifier.split("_") if plain else _PARTS.findall(identifier.lower() if plain else identifier)
    found = [stem(part.lower()) for part in split if part]
    if len(found) > 1:
        found = [part for part in found if len(part) > 1]
        found.append(identifier.lower().strip("_"))
    return tuple(dict.fromkeys(found))


def terms(text: str, *, whole: bool = True) -> Counter[str]:
    """Count the words of a question, without those that carry no meaning.

    Args:
        text: prose, code, or names.
        whole: count an identifier of several words as one word too.
    """
    counts: Counter[str] = Counter()
    for identifier, count in identifiers(text).items():
        if identifier.lower() in _STOP:
            continue
        found = parts(identifier)
        for part in found if whole or len(found) == 1 else found[:-1]:
            if part not in _STOP and len(part) > 1:
                counts[part] += count
    return counts


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Cut the endings that inflect English words; crude, for prose and names go through the same cut."""
    if len(word) < 4 or word in _KEEP:
        return word
    if word.endswith("ies") and len(word) > 4:
        word = f"{word[:-3]}y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed", "ation", "er"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)]
            if word[-1] == word[-2] and word[-1] not in "sl":
                word = word[:-1]
            break
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


OF_REPORTS = frozenset(stem(word) for word in _WORDS_OF_REPORTS.split())
"""Stemmed words with which reports of any project tell of a fault or a wish: they say little of the place."""
