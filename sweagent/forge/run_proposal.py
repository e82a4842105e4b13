"""A recorded run as a proposal."""

import hashlib
from collections.abc import Collection
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from sweagent.attempt_events import of_the_chosen
from sweagent.errors import StorageError, UsageError
from sweagent.forge.artifact import HINT, check_files
from sweagent.forge.proposal import Proposal, WholeProof
from sweagent.run_folder import Result, RunFolder
from sweagent.task import Task
from sweagent.trajectory import ActionDone, RunStarted
from sweagent.trajectory_file import read_events
from sweagent.verdict import Verdict
from sweagent.verify import Proof, render_markdown, with_accepted

WHOLE_FILE = "whole.json"
"""With a follow-up: the proofs of the whole pull request."""
WHOLE: TypeAdapter[tuple[WholeProof, ...]] = TypeAdapter(tuple[WholeProof, ...])


def task_of(folder: RunFolder) -> Task:
    """The task that a run was started with.

    Raises:
        StorageError: the record cannot be read.
        UsageError: it is not the record of a run.
    """
    first = next(iter(read_events(folder.trajectory)), None)
    if not isinstance(first, RunStarted):
        raise UsageError(f"{folder.trajectory} does not begin as a run does", "give the folder of a run")
    return first.task


def proposal_of(folder: RunFolder, *, run_url: str = "", accept: Collection[str] = ()) -> Proposal:
    """Read what a run proposes: its patch, and the proof of exactly this patch.

    Args:
        folder: the run's folder.
        run_url: where people can read the whole run.
        accept: findings for review that the user has looked at; see `VerifySettings.accept`.

    Raises:
        StorageError: a file of the run cannot be read.
        UsageError: the proof is of another patch.
    """
    check_files(folder.path)
    task = task_of(folder)
    diff = _read(folder.patch)
    proof = _proof(folder, diff)
    proof = with_accepted(proof, accept) if proof and accept else proof
    result = _result(folder)
    summary, registered, run_id = "", None, ""
    for event in of_the_chosen(read_events(folder.trajectory)):
        if isinstance(event, RunStarted):
            run_id = event.run_id
        if isinstance(event, ActionDone):
            registered = event.observation.reproduction or registered
            summary = event.observation.summary if event.observation.submitted else summary
    accepted = proof.reproduction if proof else None
    held = registered if accepted and registered and accepted.name == registered.path else None
    try:
        proposal = Proposal(
            issue=task.issue,
            base_commit=task.repository.base_commit,
            diff=diff,
            verdict=proof.verdict if proof else Verdict.UNVERIFIED,
            reason=proof.reason if proof else "the run ended before the patch was judged",
            proof_markdown=render_markdown(proof) if proof else "",
            to_review=_to_review(proof) if proof else (),
            not_checked=proof.not_checked if proof else (),
            summary=summary,
            model=result.model if result else "",
            steps=result.steps if result else 0,
            cost=result.cost if result else None,
            seconds=result.seconds if result else 0.0,
            run_url=run_url,
            version=proof.version if proof else "",
            run_id=run_id,
            reproductions=(held,) if held else (),
            whole=_whole(folder),
        )
        proposal.model_dump_json(exclude={"diff"})  # half a character can be read, and not be written again
    except (ValidationError, OverflowError, PydanticSerializationError) as error:
        raise StorageError(
            f"the record of the run contains something that no run writes: {_named(error)}", HINT
        ) from error
    return proposal


def _to_review(proof: Proof) -> tuple[str, ...]:
    return tuple(f"{item.location}: {item.detail} [{item.rule}]" for item in proof.to_review)


def _named(error: Exception) -> str:
    """Name the fields that are wrong, without their values."""
    if not isinstance(error, ValidationError):
        return "a number without an end" if isinstance(error, OverflowError) else "text that is no Unicode"
    return ", ".join(sorted({".".join(map(str, item["loc"])) for item in error.errors()}))[:200]


def _proof(folder: RunFolder, diff: bytes) -> Proof | None:
    if not folder.proof.exists():
        return None
    try:
        proof = Proof.model_validate_json(_read(folder.proof))
    except ValidationError as error:
        raise StorageError(f"{folder.proof} is no proof", "judge the patch again: fix-issue verify") from error
    if diff.strip() and proof.patch_sha256 != hashlib.sha256(diff).hexdigest():
        raise UsageError(
            f"{folder.patch} is not the patch that was judged", "judge it: fix-issue verify, or take the original"
        )
    return proof


def _whole(folder: RunFolder) -> tuple[WholeProof, ...]:
    path = folder.path / WHOLE_FILE
    if not path.exists():
        return ()
    try:
        return WHOLE.validate_json(_read(path))
    except ValidationError as error:
        raise StorageError(f"{path} contains no proofs", "judge the patch again") from error


def _result(folder: RunFolder) -> Result | None:
    if not folder.result.exists():
        return None
    try:
        return Result.model_validate_json(_read(folder.result))
    except ValidationError as error:
        raise StorageError(f"{folder.result} is no result of a run", "it may come from another version") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error}", "check the run's folder") from error
