"""From text to seconds."""

import re

from .units import seconds_of

_PART = re.compile(r"\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[a-zA-Z]+)\s*,?")


class DurationError(ValueError):
    """The text is no duration."""


def parse(text):
    """Seconds of a duration such as `1h 30m`, `2 days` or `-5s`."""
    rest = text.strip()
    sign = 1
    if rest.startswith("-"):
        sign, rest = -1, rest[1:]
    if not rest:
        raise DurationError("empty duration")
    total = 0
    position = 0
    while position < len(rest):
        part = _PART.match(rest, position)
        if part is None:
            raise DurationError(f"cannot read {rest[position:]!r}")
        total += _amount(part["number"]) * _unit(part["unit"])
        position = part.end()
    return sign * total


def _amount(number):
    return int(float(number))


def _unit(name):
    try:
        return seconds_of(name)
    except KeyError:
        raise DurationError(f"unknown unit {name!r}") from None
