"""Judge candidates beside each other: proofs, the pool of reproductions, weakening ones."""

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

from sweagent.patch_store import Candidate
from sweagent.run.context import RunContext
from sweagent.trajectory import Reproduction, VerdictGiven, VerificationStarted
from sweagent.verdict import Verdict
from sweagent.verify import Proof, Ticker, judge_pool, verify
from sweagent.verify.proof import Origin

_LEAST_SECONDS = 1.0

Passes = tuple[bool | None, ...]


class Judged(NamedTuple):
    """What became of some candidates, in their order.

    Attributes:
        candidates: with their proofs.
        passes: whether each passes each reproduction of the pool.
        weakening: the same of the weakening reproductions, for those that are verified.
    """

    candidates: list[Candidate]
    passes: list[Passes]
    weakening: list[Passes]


class Panel:
    """Judges in the time that is left.

    Args:
        context: of the run.
        path: of the run that asks, for the log.
        seconds: that it may take.
    """

    def __init__(self, context: RunContext, path: str, seconds: float) -> None:
        self._context, self._path = context, path
        self._deadline = time.monotonic() + seconds

    def judge(
        self,
        candidates: Sequence[Candidate],
        pool: Mapping[str, Reproduction],
        weakening: Mapping[str, Reproduction],
        until: Verdict | None,
    ) -> Judged:
        """Prove each candidate that has no proof yet, and run all reproductions on all of them.

        Raises:
            SandboxError: no environment could be made.
            StorageError: the log cannot be written.
        """
        candidates = [self._proved_before(item) for item in candidates]
        # What nobody has registered is proved by what the pool has for it, which therefore is asked first.
        passes = self._matrix(candidates, pool)
        judged: list[Candidate] = []
        for item, row in zip(candidates, passes, strict=True):
            reached = until is not None and any(other.verdict is until for other in judged)
            judged.append(item if item.proof or reached or not item.patch else self._prove(item, pool, row))
        verified = [item for item in judged if item.verdict is Verdict.VERIFIED]
        rows = dict(zip((item.number for item in verified), self._matrix(verified, weakening), strict=True))
        return Judged(judged, passes, [rows.get(item.number, ()) for item in judged])

    def _proved_before(self, candidate: Candidate) -> Candidate:
        """The candidate with its proof, where it was proved before a kill or by an earlier verification."""
        file = self._context.candidates.file(candidate)
        events = self._context.log.of(candidate.attempt)
        proved = any(isinstance(event, VerdictGiven) and event.proof_file == file for event in events)
        return self._context.candidates.get(candidate.number) or candidate if proved else candidate

    @property
    def _left(self) -> float:
        return max(_LEAST_SECONDS, self._deadline - time.monotonic())

    def _matrix(self, candidates: Sequence[Candidate], pool: Mapping[str, Reproduction]) -> list[Passes]:
        context = self._context
        if not pool or not candidates:
            return [() for _ in candidates]
        count = f"{len(pool)} reproduction{'s' * (len(pool) != 1)}"
        context.note(f"running {count} on {len(candidates)} candidate{'s' * (len(candidates) != 1)}")
        settings = context.settings.verify
        return judge_pool(
            context.task,
            [item.patch for item in candidates],
            tuple(pool.values()),
            sandboxes=lambda: context.open_for_judgement(context.workplace),
            test_command=context.workplace.test_command,
            settings=settings.model_copy(update={"seconds": min(settings.seconds, self._left)}),
            known=_known(candidates, pool),
            kept=context.kept,
        )

    def _prove(self, candidate: Candidate, pool: Mapping[str, Reproduction], row: Passes) -> Candidate:
        context, start, settings = self._context, time.monotonic(), self._context.settings.verify
        seconds = min(settings.seconds, self._left)
        context.log.record(
            VerificationStarted(scope=candidate.attempt, step=0, sha256=candidate.patch.sha256, seconds=seconds)
        )
        reproduction = candidate.reproduction or _speaking(tuple(pool.values()), row)
        with nullcontext(context.verifying) if context.verifying else Ticker(context.note) as progress:
            proof: Proof = verify(
                context.task,
                candidate.patch,
                sandboxes=lambda: context.open_for_judgement(context.workplace),
                reproduction=reproduction,
                named_tests=candidate.named_tests,
                test_command=context.workplace.test_command,
                lacks=context.workplace.lacks,
                settings=settings.model_copy(update={"seconds": seconds}),
                progress=progress,
                kept=context.kept,
            ).model_copy(update={"contacts": context.workplace.contacts})
        judged = context.candidates.judged(candidate, proof)
        context.log.record(
            VerdictGiven(
                scope=candidate.attempt,
                step=0,
                verdict=proof.verdict,
                reason=proof.reason,
                proof_file=context.candidates.file(judged),
                seconds=time.monotonic() - start,
            )
        )
        return judged


def judge_in_time(
    context: RunContext,
    path: str,
    seconds: float,
    candidates: Sequence[Candidate],
    pool: Mapping[str, Reproduction],
    weakening: Mapping[str, Reproduction],
    until: Verdict | None,
) -> dict[str, Any]:
    """Judge candidates as a step of a run.

    Args:
        context: of the run.
        path: of the run that asks.
        seconds: that it has left.
        candidates: to be judged.
        pool: reproductions that rank.
        weakening: those that may only weaken.
        until: stop proving candidates once one has this verdict.

    Returns:
        What the log keeps of it.
    """
    start, before = time.monotonic(), context.log.used(path).seconds
    context.log.record(VerificationStarted(scope=f"{path}verify", step=0, sha256="", seconds=seconds))
    done = Panel(context, path, max(_LEAST_SECONDS, seconds)).judge(candidates, pool, weakening, until)
    # The proofs have counted their own time.
    counted = context.log.used(path).seconds - before
    return {
        "proofs": [item.proof is not None for item in done.candidates],
        "passes": done.passes,
        "weakening": done.weakening,
        "pool": [*pool],
        "seconds": max(0.0, time.monotonic() - start - counted),
    }


def _speaking(pool: Sequence[Reproduction], row: Passes) -> Reproduction | None:
    """The reproduction by which a candidate is proved that brought none: the first that it passes, else any."""
    shown = [item for item, passed in zip(pool, row, strict=False) if passed is not None]
    passed = [item for item, passed in zip(pool, row, strict=False) if passed]
    return next(iter((*passed, *shown, *pool)), None)


def _known(candidates: Sequence[Candidate], pool: Mapping[str, Reproduction]) -> dict[tuple[int, int], bool]:
    """What the proofs of the candidates say of their own reproductions."""
    known: dict[tuple[int, int], bool] = {}
    for row, candidate in enumerate(candidates):
        question = candidate.proof.question if candidate.proof else None
        for column, registered in enumerate(pool.values()):
            if candidate.proof and question and registered == question.reproduction:
                judged = candidate.proof.reproductions
                own = next((item for item in judged if item.origin is Origin.REGISTERED and item.shows_issue), None)
                if own:
                    known[row, column] = own.accepted
    return known
