"""Write what a run came to: patch, proof, result."""

import time

from sweagent.agent.accounting import prompt_account
from sweagent.agent.loop import Ending
from sweagent.config import Origin, Settings
from sweagent.errors import ExitCode, RunInterruptedError
from sweagent.patch import FileKind, Patch
from sweagent.patch_store import Candidates
from sweagent.run.evidence import Choice, Evidence
from sweagent.run.record import RunLog
from sweagent.run.run import Run
from sweagent.run_folder import Result, RunFolder
from sweagent.trajectory_file import read_events
from sweagent.verdict import Verdict
from sweagent.verify import Proof, Selection


def write_result(
    folder: RunFolder,
    ending: Ending,
    log: RunLog,
    *,
    run_id: str,
    settings: Settings,
    origin: Origin,
    run: Run | None,
    choice: Choice | None,
    candidates: Candidates,
    started: float,
) -> Result:
    """Write what was chosen; of a run that was cut, the best candidate, the latest of equals.

    Args:
        folder: of the run.
        ending: what ended it.
        log: of the run.
        run_id: its name.
        settings: of the run.
        origin: where they came from.
        run: as its strategy saw it; None when that did not begin.
        choice: of the strategy; None when it was cut.
        candidates: all that were stored.
        started: the monotonic moment at which this process began it.

    Raises:
        StorageError: the folder cannot be written.
    """
    best = choice.candidate if choice else candidates.best()
    patch, proof = (best.patch, best.proof) if best else (None, None)
    attempts = run.attempts if run else ()
    evidence = run.evidence if run else Evidence()
    several = len(attempts) > 1 or len(evidence.items) > 1
    selected = bool(choice) and (several or bool(evidence.weakening) or bool(choice and choice.remarks))
    if proof and choice and selected:
        proof = _with_selection(proof, choice, evidence)
    _write_files(folder, patch, proof)
    verdict = proof.verdict if proof else best.verdict if best else Verdict.NO_PATCH
    if verdict is Verdict.UNVERIFIED and not proof and not settings.verify.enabled:
        verdict = Verdict.NOT_VERIFIED
    dropped = patch.dropped if patch is not None else ()
    result = Result(
        run_id=run_id,
        folder=str(folder.path),
        exit_status=ending.status,
        message=ending.message,
        verdict=verdict,
        reason=proof.reason if proof else ending.message,
        exit_code=_exit_code(ending, patch, proof),
        patch_file=str(folder.patch) if patch else None,
        proof_file=str(folder.proof) if proof else None,
        withheld_file=str(folder.withheld) if patch is not None and patch.withheld else None,
        files=tuple(item.path for item in patch.kept) if patch else (),
        left_out={item.path: item.reason for item in dropped if item.kind is not FileKind.CACHE},
        model=settings.model.name,
        cost=log.spending.cost,
        usage=log.spending.usage,
        spending=tuple(line.model_dump(mode="json") for line in log.spending.lines),
        steps=sum(attempt.steps for attempt in attempts),
        prompt=prompt_account(read_events(folder.trajectory)).total,
        attempts=max(1, len(attempts)),
        selection=choice.reason if choice and selected else "",
        seconds=time.monotonic() - started,
        origin=origin,
    )
    folder.write(folder.result, result.model_dump_json(indent=2))
    return result


def _write_files(folder: RunFolder, patch: Patch | None, proof: Proof | None) -> None:
    if patch:
        folder.write(folder.patch, patch.text)
    if patch is not None and patch.withheld:
        folder.write(folder.withheld, patch.withheld)
    if proof:
        folder.write(folder.proof, proof.model_dump_json(indent=2))


def _with_selection(proof: Proof, choice: Choice, evidence: Evidence) -> Proof:
    """The proof with how it was chosen; where the selector abstained, or others weakened it, it proves nothing."""
    weakened = choice.candidate is not None and evidence.of(choice.candidate).weakened
    reason = f"{choice.reason}; an independent reproduction fails with the patch" if weakened else choice.reason
    selection = Selection(
        selector=choice.selector,
        candidates=len(evidence.items),
        pool=evidence.pool,
        weakening=evidence.weakening,
        tests_compared=tuple(item.tests_compared for item in evidence.items),
        reason=reason,
        abstained=choice.abstained,
        remarks=choice.remarks,
    )
    if not (choice.abstained or weakened) or proof.verdict not in (Verdict.VERIFIED, Verdict.NEEDS_REVIEW):
        return proof.model_copy(update={"selection": selection})
    return proof.model_copy(
        update={"selection": selection, "verdict": Verdict.UNVERIFIED, "reason": reason, "proved": ""}
    )


def _exit_code(ending: Ending, patch: Patch | None, proof: Proof | None) -> int:
    if isinstance(ending.error, RunInterruptedError):
        return ending.error.exit_code
    if not patch and ending.error is not None and ending.status.is_failure:
        return ending.error.exit_code
    if proof is not None:
        return proof.verdict.exit_code
    return ExitCode.UNVERIFIED if patch else ExitCode.NO_PATCH
