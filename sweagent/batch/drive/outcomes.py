"""Typed result of an instance, and the outcome it counts as."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator

from sweagent.atomic_write import append_line
from sweagent.errors import StorageError
from sweagent.exit_status import ExitStatus
from sweagent.frozen import Frozen
from sweagent.trajectory import Usage
from sweagent.verdict import Verdict

FILE = "results.jsonl"
"""The results in a batch's folder, one a line, in the order in which they came."""


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
    """How an instance ended."""

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
    contacts: tuple[str, ...] = ()
    """The hosts that its runs reached or were refused, one a line."""
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


def append_result(output: Path, result: InstanceResult) -> None:
    """Add a result to those of a batch; the last one of an instance counts.

    Args:
        output: the batch's folder.
        result: what is added.

    Raises:
        StorageError: the disk refuses it; what was there before is whole.
    """
    append_line(output / FILE, result_line(result))


def result_line(result: InstanceResult) -> bytes:
    """A result as a line of the ledger."""
    # Not by pydantic: bytes of a patch that are not UTF-8 are half surrogate pairs, which JSON can hold as escapes.
    return json.dumps(result.model_dump(mode="json")).encode("ascii") + b"\n"


def result_of(line: bytes, path: Path) -> InstanceResult:
    """Read a line of the ledger.

    Raises:
        StorageError: it is no result.
    """
    try:
        return InstanceResult.model_validate(json.loads(line))
    except ValueError as error:
        raise StorageError(
            f"{path} has a line that is not a result of this version of fix-issue",
            "remove the line to run its instance again",
        ) from error


def read_results(output: Path) -> dict[str, InstanceResult]:
    """The results in a batch's folder, by instance, sorted.

    Raises:
        StorageError: one cannot be read.
    """
    path = output / FILE
    try:
        with path.open("rb") as file:
            # A last line without its end was torn off by a kill; its instance is run to its end again.
            found = [result_of(line, path) for line in file if line.endswith(b"\n")]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error}", "check the file's permissions") from error
    latest = {result.instance_id: result for result in found}
    return {name: latest[name] for name in sorted(latest)}


def count(outcomes: Iterable[Outcome]) -> dict[Outcome, int]:
    """How many there are of each, those that do not occur left out."""
    counted = Counter(outcomes)
    return {outcome: counted[outcome] for outcome in Outcome if counted[outcome]}
