# What a function of Python does, whatever its file and line.
import hashlib


def stamp(code):
    parts = [repr(code.co_code), repr(code.co_names)]
    for item in code.co_consts:
        inner = stamp(item) if type(item) is type(code) else item
        parts.append(repr(sorted(map(repr, item)) if type(item) is frozenset else inner))
    return hashlib.sha256("|".join(parts).encode("utf-8", "replace")).hexdigest()[:20]
