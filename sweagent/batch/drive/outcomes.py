"""Typed result of an instance, and the outcome it counts as."""

import json
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator

from sweagent.atomic_write import write_atomically
from sweagent.errors import StorageError
from sweagent.exit_status import ExitStatus
from sweagent.frozen import Frozen
from sweagent.trajectory import Usage
from sweagent.verdict import Verdict

FILE = "outcome.json"
"""The name of an instance's result in its folder."""


class Outcome(StrEnum):
    """What an instance counts as. Infrastructure is never the model's failure."""

    RESOLVED = "resolved"
    """Graded: the tests that must pass do."""
    UNRESOLVED = "unresolved"
    """Graded: some do not, or the patch cannot be applied."""
    NO_PATCH = "no patch"
    LIMIT = "limit"
    """A limit of steps, time, money or context ended the run, and it is not resolved."""
    INFRASTRUCTURE = "infrastructure"
    """Engine, image, disk or provider failed more often than is retried; a resumed batch runs it again."""
    USAGE = "usage"
    """The record, the repository or a setting cannot be used: somebody has to mend it; a resumed batch tries again."""
    INTEGRITY = "integrity"
    """Graded, but the check against forgery raised a flag: look at it before counting it."""
    UNGRADED = "ungraded"
    """There is a patch, and nobody has graded it yet."""

    @property
    def final(self) -> bool:
        """Whether a batch that is started again leaves the instance alone."""
        return self not in (Outcome.INFRASTRUCTURE, Outcome.USAGE)


class InstanceResult(Frozen):
    """How an instance ended. Written once, when it is final."""

    instance_id: str
    repo: str = ""
    exit_status: ExitStatus
    """Of the run, as in `result.json`; `infrastructure` or `usage` when it never came to an end of its own."""
    message: str = ""
    verdict: Annotated[Verdict | None, BeforeValidator(lambda said: said or None)] = None
    """Of the product's own proof; the official grading does not depend on it."""
    patch: str = ""
    """The patch that is submitted."""
    model: str = ""
    cost: float | None = 0.0
    """US dollars of all attempts; None when a price is unknown."""
    usage: Usage = Usage()
    steps: int = 0
    prompt: dict[str, int] = {}
    """Characters of all requests by what they were: tools, issue, observations of each tool …"""
    seconds: float = 0.0
    """Wall time of all attempts, waiting for images and retries left out."""
    starts: int = 1
    """How often it was started, over all batches that were killed."""
    faults: tuple[str, ...] = ()
    """Failures of the infrastructure on the way, each in one line."""
    image: str = ""
    """The image that was used; empty when there was none."""
    image_bytes: int = 0
    """Size of the image on disk, with what it shares with others."""
    folder_bytes: int = 0
    """Size of the run's folder."""
    ended: datetime

    @property
    def outcome(self) -> Outcome:
        """What it counts as before it is graded."""
        return outcome_of(self)


def outcome_of(result: InstanceResult, *, resolved: bool | None = None, flagged: bool = False) -> Outcome:
    """What an instance counts as.

    Args:
        result: how its run ended.
        resolved: what the grading says; None when it has not been graded.
        flagged: the integrity check raised a flag.
    """
    if result.exit_status is ExitStatus.INFRASTRUCTURE:
        return Outcome.INFRASTRUCTURE
    if result.exit_status is ExitStatus.USAGE:
        return Outcome.USAGE
    if flagged:
        return Outcome.INTEGRITY
    if resolved:
        return Outcome.RESOLVED
    if result.exit_status.is_limit and (resolved is False or not result.patch):
        return Outcome.LIMIT
    if not result.patch:
        return Outcome.NO_PATCH
    return Outcome.UNGRADED if resolved is None else Outcome.UNRESOLVED


def write_result(folder: Path, result: InstanceResult) -> None:
    """Keep an instance's result, as a whole or not at all.

    Args:
        folder: the instance's folder.
        result: what is kept.

    Raises:
        StorageError: the disk refuses it; what was there before is whole.
    """
    # Not by pydantic: bytes of a patch that are not UTF-8 are half surrogate pairs, which JSON can hold as escapes.
    write_atomically(folder / FILE, json.dumps(result.model_dump(mode="json"), indent=1) + "\n")


def read_result(folder: Path) -> InstanceResult | None:
    """The result in an instance's folder; None when the instance has not ended.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageError(f"cannot read {folder / FILE}: {error}", "check the file's permissions") from error
    try:
        return InstanceResult.model_validate(json.loads(text))
    except ValueError as error:
        raise StorageError(
            f"{folder / FILE} is not a result of this version of fix-issue",
            "remove the file to run the instance again",
        ) from error


def read_results(output: Path) -> dict[str, InstanceResult]:
    """The results in a batch's folder, by instance.

    Raises:
        StorageError: one cannot be read.
    """
    found = (read_result(file.parent) for file in sorted(output.glob(f"*/{FILE}")))
    return {result.instance_id: result for result in found if result is not None}


def count(outcomes: Iterable[Outcome]) -> dict[Outcome, int]:
    """How many there are of each, those that do not occur left out."""
    listed = list(outcomes)
    return {outcome: listed.count(outcome) for outcome in Outcome if outcome in listed}
