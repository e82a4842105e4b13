"""One policy at work in a sandbox of its own."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from sweagent.agent.loop import Agent, Ending, Viewer
from sweagent.agent.state import RunState
from sweagent.agent.view import ViewBuilder
from sweagent.agent.view_summary import SummarisingViewer
from sweagent.config import Settings
from sweagent.errors import ContextOverflowError, FixIssueError, UsageError
from sweagent.exit_status import ExitStatus
from sweagent.patch import Patch
from sweagent.patch_store import Candidate, best_of
from sweagent.policy import Budget, Caller, HumanPolicy, LitellmPolicy, policy_for
from sweagent.repository import tracked_paths
from sweagent.run.context import RunContext
from sweagent.run.errors import RunCutError
from sweagent.run.limits import Left
from sweagent.run.record import Used, path_of
from sweagent.run.rounds import Rounds
from sweagent.run.steps import Steps, digest
from sweagent.run.workbench import Workbench, number_of
from sweagent.tool_api import load_tools
from sweagent.trajectory import (
    AnyEvent,
    AttemptEnded,
    FeedbackGiven,
    Reproduction,
    Step,
    VerdictGiven,
)

_VERDICT_SHARE = 1 / 6
"""The part of an attempt's time, at the most, that is kept for the verification at its end."""

_LEAST_SECONDS = 1.0
"""A verification for which no time is left says what can be said without running anything for long."""

_DIFFERENCES = 8
"""Lines that the policy is told of what came otherwise in a sandbox that was made anew."""

_E = TypeVar("_E", bound=Step)


class Attempt:
    """One conversation with a policy, which a strategy lets work as often as it likes.

    Between two of its works it has no sandbox; what it has done is in the log and in its last candidate. When a run is
    resumed, works that had come to their end are answered from the log, and it shows itself as it was then.

    Args:
        context: what it shares with others.
        scope: its name in the log.
        role: for people.
        settings: of this attempt.
        limits: what it may use.
        budget: of the run that it belongs to.
        inherited: the events of the attempt that it was forked from, up to then.
        fork: of its run.
        stepped: told what its run has used, after each step.
    """

    def __init__(
        self,
        context: RunContext,
        scope: str,
        role: str,
        settings: Settings,
        limits: Left,
        budget: Budget,
        inherited: Sequence[AnyEvent],
        fork: Callable[..., "Attempt"],
        stepped: Callable[[Used], None],
    ) -> None:
        self.scope = scope
        self._fork, self._stepped = fork, stepped
        self.role = role
        self.settings = settings
        self.inherited = tuple(inherited)
        self._context = context
        self._tools = load_tools(settings.tools, settings.tool_folders)
        self._view = ViewBuilder(settings.model, tools=self._tools.values())
        self._journal = context.log.journal(scope, self._view, self.inherited)
        own = Budget(limits.dollars, limits.tokens, parent=budget, record=self._journal.record)
        own.start_from(self._journal.state.spending)
        # Made first: what is wrong with it must not wait for the build of an environment.
        caller = Caller(scope, inherited=self._journal.state.inherited)
        self._policy = policy_for(settings, own, context.waiting, caller)
        if isinstance(self._policy, HumanPolicy):
            self._policy.offer_paths(tracked_paths(context.task.repository))
        self._limits = settings.limits.model_copy(update={"seconds": limits.seconds})
        self._steps = Steps(context.log, scope, (AttemptEnded, FeedbackGiven))
        self._seen: int | None = 0
        """Events of the log up to which it shows itself; None for all, once it did something in this process."""
        self._ending: Ending | None = None
        past = [event for event in context.log.past if event.scope == scope]
        self._rounds = Rounds(context, settings, self._journal, past)

    @property
    def reproduction(self) -> Reproduction | None:
        """What the policy registered last."""
        return self._state.reproduction

    @property
    def reproductions(self) -> tuple[Reproduction, ...]:
        """All that the policy registered, the newest of each file."""
        turns = (observation for turn in self._state.turns for observation in turn.observations)
        return tuple({item.reproduction.path: item.reproduction for item in turns if item.reproduction}.values())

    @property
    def steps(self) -> int:
        """Replies so far, those that a fork inherited left out."""
        state = self._state
        return state.step - state.inherited

    @property
    def ending(self) -> Ending | None:
        """How its last work ended; None before the first."""
        return self._ending

    @property
    def best(self) -> Candidate | None:
        """Its candidate with the best verdict, the latest of equals."""
        return best_of(own) if (own := self.candidates) else None

    @property
    def shown_reproduction(self) -> Reproduction | None:
        """What the policy registered last, if the proof of its best candidate says that it shows the issue."""
        proof, registered = self.best.proof if self.best else None, self.reproduction
        shown = {item.name for item in proof.reproductions if item.shows_issue} if proof else set()
        return registered if registered and registered.path in shown else None

    @property
    def candidates(self) -> list[Candidate]:
        """Its patches that were taken so far, with the proofs that they had then."""
        return self._candidates_among(self._context.log.of(self.scope, self._seen))

    @property
    def unheard(self) -> bool:
        """Whether a user's word waits for it, or a work in the log was not asked for yet."""
        spoken = False
        for event in self._own_events:
            spoken = (spoken or _is_word(event)) and not isinstance(event, AttemptEnded)
        return self._steps.left or spoken

    def say(self, text: str) -> None:
        """Tell the policy something before its next step.

        Raises:
            StrategyChangedError: the log of a resumed run holds something else in this place.
        """
        asked = digest("say", text)
        if not self._next(FeedbackGiven, asked, "say something"):
            step = self._state.step
            self._record(FeedbackGiven(step=step, kind="strategy", text=text, digest=asked))

    def work(self, steps: int | None = None, rounds: int | None = None) -> Ending:
        """Let the policy work until it submits what stands or something ends it; what is left is judged.

        Args:
            steps: pause after so many more steps, without a verdict; None goes on to an end.
            rounds: how often a submission that is not verified goes back to the policy; None for `verify.rounds`.

        Returns:
            How it ended: `paused`, `submitted`, or at a limit.

        Raises:
            RunCutError: the infrastructure failed, or somebody stopped the run.
            SandboxError: no sandbox or environment could be made.
            StorageError: the log cannot be written.
            StrategyChangedError: the log of a resumed run holds something else in this place.
        """
        asked = digest("work", steps, rounds)
        recorded = self._next(AttemptEnded, asked, "let it work")
        if recorded:
            self._ending = _ending_of(recorded)
            return self._ending
        until = self._state.rounds + (self.settings.verify.rounds if rounds is None else rounds)
        ending = self._work(steps, until)
        if ending.status.unfinished:
            raise RunCutError(ending)
        self._record(
            AttemptEnded(
                status=ending.status, message=ending.message, contacts=self._context.workplace.contacts, digest=asked
            )
        )
        self._ending = ending
        return ending

    def take(self) -> Candidate:
        """The patch as its last work left it; an empty one before the first."""
        latest = (*self._candidates_among(self.inherited), *self.candidates)[-1:]
        if latest:
            return latest[0]
        base_commit = self._context.task.repository.base_commit
        return Candidate(number=0, attempt=self.scope, patch=Patch(base_commit=base_commit, text=""))

    @property
    def _own_events(self) -> list[AnyEvent]:
        return self._context.log.of(self.scope)

    @property
    def _state(self) -> RunState:
        """As the strategy has to see it: when a run is resumed, as it was at the step that was answered last."""
        if self._seen is None:
            return self._journal.state
        state = RunState()
        for event in self.inherited:
            state.apply(event)
        state.begin()
        for event in self._context.log.of(self.scope, self._seen):
            state.apply(event)
        return state

    def fork(self, role: str | None = None, *, share: float = 1.0, **changes: Any) -> "Attempt":
        """Begin an attempt with what this one was told, said and did; see `Run.fork`."""
        return self._fork(self, role, share=share, **changes)

    def _candidates_among(self, events: Iterable[AnyEvent]) -> list[Candidate]:
        store, found, judged = self._context.candidates, dict[int, Candidate](), set[int]()
        for event in events:
            number = number_of(event)
            candidate = store.get(number) if number is not None else None
            if candidate is not None:
                found[candidate.number] = candidate
                if isinstance(event, VerdictGiven):
                    judged.add(candidate.number)
        return [item if item.number in judged else item.unjudged for item in found.values()]

    def _next(self, kind: type[_E], asked: str, what: str) -> _E | None:
        mark = self._steps.next(kind, asked, what)
        if mark is None or not isinstance(mark.event, kind):
            return None
        self._seen = mark.number + 1
        self._stepped(mark.used)
        return mark.event

    def _record(self, event: AnyEvent) -> None:
        self._journal.record(event)
        self._seen = None
        self._stepped(self._context.log.used(path_of(self.scope)))

    def _work(self, steps: int | None, until: int) -> Ending:
        context, state = self._context, self._journal.state
        pause_at = None if steps is None else self._state.step + steps
        self._seen = None
        context.begin()
        with Workbench(context, self.scope, self.settings, self._tools, self._journal, self.inherited) as bench:
            if context.loading:
                context.loading.result()
            bench.begin(self._policy)
            agent = Agent(
                policy=self._policy,
                tools=self._tools,
                context=bench.tool_context,
                journal=self._journal,
                viewer=self._viewer(),
                limits=self._limits,
                judge=self._rounds.judge,
                recover=bench.recover,
                stop=context.stop,
                steering=context.steering,
                reserve=self._kept_for_the_verdict,
                pause_at=pause_at,
            )
            self._rounds.begin(bench, self._limits.seconds - state.seconds, until)
            try:
                return self._rounds.conclude(agent.run())
            except FixIssueError:
                raise
            except Exception:
                # A fault of our own must not cost the work that was done.
                bench.take(self._rounds.was_judged)
                raise

    @property
    def _kept_for_the_verdict(self) -> float:
        """Seconds of its time that the verification at its end may need."""
        verification = self.settings.verify
        return min(verification.seconds, self._limits.seconds * _VERDICT_SHARE) if verification.enabled else 0.0

    def _viewer(self) -> Viewer:
        if not self.settings.model.summaries:
            return self._view
        if not isinstance(self._policy, LitellmPolicy):
            raise UsageError("summaries need a single model", "leave out model.summaries, fallbacks and mixes")
        return SummarisingViewer(self._view, self._policy)


def _is_word(event: AnyEvent) -> bool:
    return isinstance(event, FeedbackGiven) and event.kind == "user"


def _ending_of(event: AttemptEnded) -> Ending:
    overflow = event.status is ExitStatus.CONTEXT_OVERFLOW
    return Ending(event.status, event.message, ContextOverflowError(event.message) if overflow else None)
