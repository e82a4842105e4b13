"""Judge what an attempt submits, and send it back a few times."""

import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext

from sweagent.agent.journal import Journal
from sweagent.agent.loop import Ending
from sweagent.agent.state import RunState
from sweagent.config import Settings
from sweagent.errors import SandboxError
from sweagent.exit_status import ExitStatus
from sweagent.patch_store import Candidate
from sweagent.run.context import RunContext
from sweagent.run.workbench import Workbench, number_of
from sweagent.trajectory import AnyEvent, FeedbackGiven, Reproduction, VerdictGiven, VerificationStarted
from sweagent.verify import Proof, Ticker, feedback, verify

_LEAST_SECONDS = 1.0
"""A verification for which no time is left says what can be said without running anything for long."""

_Submission = tuple[str, Reproduction | None, tuple[str, ...]]
"""What a verdict depends on: the patch, the reproduction and the tests that the policy named."""


class Rounds:
    """The verifications of one attempt.

    Args:
        context: what the attempts share.
        settings: of the attempt.
        journal: of the attempt.
        past: the attempt's events before the run was resumed.
    """

    def __init__(self, context: RunContext, settings: Settings, journal: Journal, past: Sequence[AnyEvent]) -> None:
        self._context, self._settings, self._journal = context, settings, journal
        self._judged, self._told = self._judged_before(past)

    def begin(self, bench: Workbench, seconds: float, until: int) -> None:
        """Judge from now on what is on a workbench.

        Args:
            bench: where the attempt works.
            seconds: that are left for its work and for all verifications.
            until: the number of rounds, all works of the attempt together, after which nothing is sent back.
        """
        self._bench, self._until = bench, until
        self._deadline = time.monotonic() + seconds

    def _submission(self, candidate: Candidate) -> _Submission:
        state = self._journal.state
        return candidate.patch.sha256, state.reproduction, tuple(state.named_tests)

    def was_judged(self, candidate: Candidate) -> bool:
        """Whether just what the policy submits with this candidate was judged last."""
        return self._judged is not None and self._judged[0] == self._submission(candidate)

    def judge(self) -> str | None:
        """Judge a submission; say what the policy can mend, as long as there are rounds left.

        A submission that nothing of the policy's own makes better stands, and costs no round.

        A policy that submits again just what was judged stands by it: the verdict would be the same.
        """
        candidate = self._bench.take(self.was_judged)
        if not self._settings.verify.enabled:
            return None
        stands = self._told and self.was_judged(candidate)
        proof = self.verify(candidate)
        if stands or self._journal.state.rounds >= self._until:
            return None
        self._told = True
        return feedback(proof, self._journal.state.summary) or None

    def verify(self, candidate: Candidate) -> Proof:
        """Judge a candidate in the time that is left, unless just the same was judged before."""
        context, state = self._context, self._journal.state
        submission = self._submission(candidate)
        if self._judged and self._judged[0] == submission:
            if candidate.proof is None:
                # Another candidate, by what was left out of it alone.
                self._give(candidate, self._judged[1], 0.0)
            return self._judged[1]
        left = max(_LEAST_SECONDS, self._deadline - time.monotonic())
        settings = self._settings.verify
        settings = settings.model_copy(update={"seconds": min(settings.seconds, left)})
        self._journal.record(
            VerificationStarted(step=state.step, sha256=candidate.patch.sha256, seconds=settings.seconds)
        )
        start = time.monotonic()
        with nullcontext(context.verifying) if context.verifying else Ticker(context.note) as progress:
            proof = verify(
                context.task,
                candidate.patch,
                sandboxes=lambda: context.open_for_judgement(context.workplace),
                reproduction=state.reproduction,
                named_tests=tuple(state.named_tests),
                test_command=context.workplace.test_command,
                lacks=context.workplace.lacks,
                settings=settings,
                progress=progress,
                kept=context.kept,
            ).model_copy(update={"contacts": context.workplace.contacts})
        self._judged, self._told = (submission, proof), False
        self._give(candidate, proof, time.monotonic() - start)
        return proof

    def _give(self, candidate: Candidate, proof: Proof, seconds: float) -> None:
        """Keep the proof of a candidate, and put its verdict into the log."""
        store = self._context.candidates
        file, step = store.file(store.judged(candidate, proof)), self._journal.state.step
        self._journal.record(
            VerdictGiven(step=step, verdict=proof.verdict, reason=proof.reason, proof_file=file, seconds=seconds)
        )

    def conclude(self, ending: Ending) -> Ending:
        """Take and judge what an ending without a submission has left behind."""
        if ending.status is ExitStatus.SUBMITTED:
            return ending
        try:
            candidate = self._bench.take(self.was_judged)
            if ending.status.can_be_judged and self._settings.verify.enabled:
                self.verify(candidate)
        except SandboxError as error:
            self._context.note(f"the work tree is out of reach: {error}")
        return ending

    def _judged_before(self, past: Sequence[AnyEvent]) -> tuple[tuple[_Submission, Proof] | None, bool]:
        """What was judged last before a kill, and whether the policy was told of it."""
        found, told = _last_verdict(past)
        candidate = self._context.candidates.get(found[0]) if found else None
        if not found or candidate is None or candidate.proof is None:
            return None, False
        return ((candidate.patch.sha256, *found[1:]), candidate.proof), told


def _last_verdict(
    past: Iterable[AnyEvent],
) -> tuple[tuple[int, Reproduction | None, tuple[str, ...]] | None, bool]:
    """The candidate's number, the reproduction and the named tests of the last verdict; whether feedback followed."""
    state, found, told = RunState(), None, False
    for event in past:
        state.apply(event)
        if isinstance(event, VerdictGiven) and event.proof_file:
            found, told = (number_of(event) or 0, state.reproduction, tuple(state.named_tests)), False
        if isinstance(event, FeedbackGiven) and event.kind == "verifier":
            told = True
    return found, told
