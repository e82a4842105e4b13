"""Words that name what a word of prose means.

The table beside this module, `related_words.txt.gz`, was learned by `benchmarks/learn_akin.py` from the
documentation of many projects; no network and no neural network has a part in it.
"""

import gzip
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

_LEAST = 20
"""Cosine in per cent below which two words have nothing to do with each other."""


def akin(word: str) -> dict[str, float]:
    """Return the words that are near a stemmed word, each with how near it is, from 0 to 1."""
    fields = _table().get(word, "").split(" ")
    nearness = ((other, int(cosine)) for other, cosine in zip(fields[::2], fields[1::2], strict=False))
    return {other: (cosine - _LEAST) / (100 - _LEAST) for other, cosine in nearness if cosine > _LEAST}


@lru_cache(maxsize=1)
def _table() -> Mapping[str, str]:
    """The line of each word."""
    text = gzip.decompress(Path(__file__).with_name("related_words.txt.gz").read_bytes()).decode("utf-8")
    return {word: line for word, _, line in (line.partition(" ") for line in text.splitlines())}
