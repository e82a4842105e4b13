"""Read another job's record as something hostile."""

import hashlib
from pathlib import Path

from pydantic import ValidationError

from sweagent.attempt_events import of_the_chosen
from sweagent.errors import StorageError
from sweagent.frozen import Frozen
from sweagent.run_folder import Result, RunFolder
from sweagent.trajectory import ActionDone, Reproduction, RunStarted
from sweagent.trajectory_file import read_events

LIMITS = {
    "patch.diff": 20_000_000,
    "proof.json": 50_000_000,
    "whole.json": 200_000_000,
    "result.json": 5_000_000,
    "trajectory.jsonl": 500_000_000,
}
"""Bytes of the files that are read; nothing else is."""
_NAMED_TESTS = 200


class Claims(Frozen):
    """What the job of the agent says of its run. None of it is believed; the verdict is not even read."""

    run_id: str = ""
    summary: str = ""
    reproduction: Reproduction | None = None
    named_tests: tuple[str, ...] = ()
    result: Result | None = None


def digest(folder: Path) -> str:
    """What stands for the files of an artifact that are read, whoever carries it from job to job.

    Args:
        folder: of the artifact, already checked.
    """
    whole = hashlib.sha256()
    for name in sorted(LIMITS):
        path = folder / name
        content = path.read_bytes() if path.is_file() else b""
        whole.update(f"{name} {path.is_file()} {len(content)}\n".encode() + content)
    return whole.hexdigest()


def check_files(folder: Path) -> None:
    """Refuse files that are no files, or too large to be read.

    Raises:
        StorageError: one is.
    """
    for name, limit in LIMITS.items():
        path = folder / name
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise StorageError(f"{name} in the artifact is no file", "run the workflow again")
        if path.exists() and path.stat().st_size > limit:
            raise StorageError(f"{name} in the artifact has more than {limit:,} bytes", "run the workflow again")


def claims_of(folder: RunFolder) -> Claims:
    """Read what a run says of itself.

    Raises:
        StorageError: a file cannot be read, or contains something that no run writes.
    """
    check_files(folder.path)
    run_id, summary, named = "", "", dict[str, None]()
    reproduction, result = None, None
    try:
        for event in of_the_chosen(read_events(folder.trajectory)):
            if isinstance(event, RunStarted):
                run_id = event.run_id
            if isinstance(event, ActionDone):
                reproduction = event.observation.reproduction or reproduction
                named.update(dict.fromkeys(event.observation.named_tests))
                summary = event.observation.summary if event.observation.submitted else summary
        if folder.result.exists():
            result = Result.model_validate_json(folder.result.read_bytes())
        claims = Claims(
            run_id=run_id[:200],
            summary=summary[:20_000],
            reproduction=reproduction,
            named_tests=tuple(named)[:_NAMED_TESTS],
            result=result,
        )
        # Half a character or an infinite number can be read, and not be written again.
        Claims.model_validate_json(claims.model_dump_json())
    except (ValidationError, ValueError, RecursionError) as error:
        raise StorageError(
            f"the artifact contains something that no run writes: {type(error).__name__}", HINT
        ) from error
    return claims


HINT = "run the workflow again; if it says so again, look at the artifact of the agent's job"
