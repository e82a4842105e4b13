"""Mark lines for people as build output or as a failure."""

import logging


class BuildOutput(str):
    """What a build printed: shown only when much is asked for."""

    __slots__ = ()


class FailureNote(str):
    """Something failed that is tried again: shown also when little is asked for."""

    __slots__ = ()


def level_of(line: str) -> int:
    """The level at which a line for people is logged."""
    if isinstance(line, FailureNote):
        return logging.WARNING
    return logging.DEBUG if isinstance(line, BuildOutput) else logging.INFO
