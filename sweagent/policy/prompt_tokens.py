"""Bound a prompt's tokens by what the provider counted before."""

import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sweagent.policy.replies.chat_format import size_of

OVERHEAD = 1_000
"""Tokens that providers add of their own (chat template, instructions for tool use)."""
_SLACK = 64
"""Tokens that the template may add around messages that are new."""
_REMEMBERED = 8
_WITHOUT_WEIGHT = frozenset({"cache_control", "type"})
"""Keys that change from call to call, or that no tokeniser sees."""


class Part(NamedTuple):
    """A message or a tool of a prompt."""

    digest: int
    size: int
    """Bytes; no tokeniser in use makes more tokens than that."""


def parts_of(*groups: Sequence[dict[str, Any]]) -> tuple[Part, ...]:
    """The parts of a prompt, from its messages and tools as they are sent."""
    return tuple(Part(hash(tuple(_texts(item))), size_of([item])) for group in groups for item in group)


class PromptTokens:
    """Remembers how many tokens the provider counted for the last prompts.

    A prompt has at most the tokens of an earlier one and one token a byte of what is new in it. That holds whoever sent
    the earlier one, so threads may share this.
    """

    def __init__(self) -> None:
        self._counted: deque[tuple[Counter[int], int]] = deque(maxlen=_REMEMBERED)
        self._lock = threading.Lock()

    def most(self, prompt: Sequence[Part]) -> int:
        """The most tokens that a prompt can have."""
        with self._lock:
            counted = tuple(self._counted)
        bounds = [tokens + _new(prompt, known) + _SLACK for known, tokens in counted]
        return min([sum(part.size for part in prompt) + OVERHEAD, *bounds])

    def learn(self, prompt: Sequence[Part], tokens: int) -> None:
        """Remember what the provider counted."""
        with self._lock:
            self._counted.append((Counter(part.digest for part in prompt), tokens))


def _new(prompt: Sequence[Part], known: Counter[int]) -> int:
    """Bytes of the parts that an earlier prompt did not have."""
    left = known.copy()
    total = 0
    for part in prompt:
        if left[part.digest] > 0:
            left[part.digest] -= 1
        else:
            total += part.size
    return total


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in _WITHOUT_WEIGHT:
                yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    else:
        yield str(value)
