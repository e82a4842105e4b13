"""The face of a run for strategies: attempts, evidence, choice."""

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from sweagent.config import Settings, with_changes
from sweagent.patch_store import Candidate
from sweagent.policy import policy_for
from sweagent.run.attempt import Attempt
from sweagent.run.context import RunContext
from sweagent.run.errors import StrategyChangedError
from sweagent.run.evidence import CandidateEvidence, Choice, Evidence
from sweagent.run.selectors import Selector
from sweagent.settings_record import open_values, without_secrets
from sweagent.trajectory import AttemptStarted, CandidateChosen, PoolJudged, Reproduction
from sweagent.verify import judge_pool
from sweagent.verify.proof import Origin

_LEAST_SECONDS = 1.0


class Left(NamedTuple):
    """What a run may still use; None where there is no limit."""

    dollars: float | None
    tokens: int | None
    seconds: float

    @property
    def enough(self) -> bool:
        """Whether an attempt can do anything with it."""
        dollars = self.dollars is None or self.dollars > 0
        return dollars and (self.tokens is None or self.tokens > 0) and self.seconds > _LEAST_SECONDS


class Run:
    """One task being solved, as a strategy sees it.

    Every call is a step that the log holds: when a run is resumed, the strategy runs again from its start, and what was
    done is answered from the log. A strategy must therefore depend on nothing but what this gives it.

    Args:
        context: what the attempts share.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._attempts: list[Attempt] = []
        self._pool: tuple[str, ...] = ()
        self._passes: dict[int, tuple[bool | None, ...]] = {}
        self._choices = 0

    @property
    def settings(self) -> Settings:
        """Of the run."""
        return self._context.settings

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Those that were begun, in their order."""
        return tuple(self._attempts)

    @property
    def left(self) -> Left:
        """What the run may still use; while a resumed one repeats what it did, as it was then."""
        log, limits = self._context.log, self.settings.limits
        spent, seconds = log.used_until([attempt.scope for attempt in self._attempts]) or (log.spending, log.seconds)
        return Left(
            None if limits.cost is None else limits.cost - spent.dollars,
            None if limits.tokens is None else limits.tokens - spent.tokens,
            limits.seconds - seconds,
        )

    def check(self, **changes: Any) -> None:
        """See that an attempt with these settings could be made, before anything is spent.

        Raises:
            UsageError: it could not.
        """
        policy_for(with_changes(self.settings, changes), self._context.budget)

    def attempt(self, role: str = "coder", *, share: float = 1.0, **changes: Any) -> Attempt:
        """Begin an attempt.

        Args:
            role: for people.
            share: the part of what the run has left that it may use; all of it sets no limits of its own but the time.
            changes: settings of this attempt, nested as the settings are: `model={"temperature": 0.7}`.

        Raises:
            StrategyChangedError: the log of a resumed run holds another attempt in this place.
            UsageError: its settings cannot be used.
        """
        # The first one is the run of old, so that its log can be gone on with, and nothing is longer than it was.
        scope = "" if not self._attempts else f"{role}{len(self._attempts) + 1}"
        settings = with_changes(self.settings, changes) if changes else self.settings
        digest = _digest(role, share, open_values(changes))
        recorded = self._context.log.recorded(AttemptStarted, scope)
        if recorded and recorded[0].digest != digest:
            raise StrategyChangedError(f"attempt {len(self._attempts) + 1} has another role, share or settings")
        started = recorded[0] if recorded else self._start(scope, role, digest, share, settings, changed=bool(changes))
        attempt = Attempt(self._context, scope, settings, started)
        self._attempts.append(attempt)
        return attempt

    def _start(
        self, scope: str, role: str, digest: str, share: float, settings: Settings, *, changed: bool
    ) -> AttemptStarted:
        dollars, tokens, seconds = self.left
        part = share < 1
        started = AttemptStarted(
            scope=scope,
            role=role,
            digest=digest,
            model=settings.model.name,
            settings=without_secrets(settings) if changed else None,
            cost=dollars * share if part and dollars is not None else None,
            tokens=int(tokens * share) if part and tokens is not None else None,
            # In a log from before attempts were events, the first one has been at work already.
            seconds=(seconds if scope else self.settings.limits.seconds) * share,
        )
        self._context.log.record(started)
        return started

    @property
    def evidence(self) -> Evidence:
        """The best candidate of each attempt, with what the pool said of it."""
        found = [attempt.best for attempt in self._attempts]
        items = (
            CandidateEvidence(candidate=candidate, passes=self._passes.get(candidate.number, ()))
            for candidate in found
            if candidate is not None
        )
        return Evidence(items=tuple(items), pool=self._pool)

    def compare(self) -> Evidence:
        """Run the reproductions of all attempts on the candidates of all; nobody's verdict changes by that.

        Raises:
            StrategyChangedError: the log of a resumed run holds another comparison.
            SandboxError: no environment could be made.
        """
        candidates = [item.candidate for item in self.evidence.items if item.candidate.patch]
        pool = _pool(self._attempts)
        digest = _digest([item.patch.sha256 for item in candidates], [item.model_dump() for item in pool.values()])
        recorded = self._context.log.standing(PoolJudged)
        if recorded and recorded[-1].digest != digest:
            raise StrategyChangedError("other candidates are compared")
        judged = recorded[-1] if recorded else self._judge(candidates, pool, digest)
        self._pool = tuple(pool)
        self._passes = {int(number): passes for number, passes in judged.passes.items()}
        return self.evidence

    def _judge(self, candidates: list[Candidate], pool: Mapping[str, Reproduction], digest: str) -> PoolJudged:
        context, start = self._context, time.monotonic()
        left = max(_LEAST_SECONDS, context.seconds_left)
        rows: list[tuple[bool | None, ...]] = [() for _ in candidates]
        if len(candidates) > 1 and pool:
            context.note(f"running {len(pool)} reproductions on {len(candidates)} candidates")
            settings = self.settings.verify
            rows = judge_pool(
                context.task,
                [item.patch for item in candidates],
                tuple(pool.values()),
                sandboxes=lambda: context.open_for_judgement(context.workplace),
                test_command=context.workplace.test_command,
                settings=settings.model_copy(update={"seconds": min(settings.seconds, left)}),
                known=_known(candidates, pool),
                kept=context.kept,
            )
        numbers = (str(item.number) for item in candidates)
        passes = dict(zip(numbers, rows, strict=True))
        judged = PoolJudged(digest=digest, passes=passes, seconds=time.monotonic() - start)
        context.log.record(judged)
        return judged

    def choose(self, selector: Selector, evidence: Evidence) -> Choice:
        """Let a selector choose what is delivered.

        Raises:
            StrategyChangedError: it chooses another candidate than before the run was resumed.
        """
        choice = selector(evidence)
        number = choice.candidate.number if choice.candidate else None
        recorded = self._context.log.standing(CandidateChosen)
        if len(recorded) <= self._choices:
            self._context.log.record(
                CandidateChosen(
                    selector=choice.selector,
                    candidate=number,
                    attempt=choice.candidate.attempt if choice.candidate else "",
                    reason=choice.reason,
                    abstained=choice.abstained,
                )
            )
        elif recorded[self._choices].candidate != number:
            raise StrategyChangedError("another candidate is chosen")
        self._choices += 1
        return choice


def _pool(attempts: list[Attempt]) -> dict[str, Reproduction]:
    """The reproductions that were seen to show the issue, by unique names."""
    pool: dict[str, Reproduction] = {}
    for number, attempt in enumerate(attempts, 1):
        best, registered = attempt.best, attempt.reproduction
        proof = best.proof if best else None
        shown = {item.name for item in proof.reproductions if item.shows_issue} if proof else set()
        if registered and registered.path in shown and registered not in pool.values():
            pool[f"{registered.path} (attempt {number})"] = registered
    return pool


def _known(candidates: list[Candidate], pool: Mapping[str, Reproduction]) -> dict[tuple[int, int], bool]:
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


def _digest(*asked: Any) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:16]
