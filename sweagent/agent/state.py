"""Fold a run's events into its state."""

from dataclasses import dataclass, field

from sweagent.policy.money.spending import Spending
from sweagent.trajectory import (
    Action,
    ActionDone,
    AnyEvent,
    FeedbackGiven,
    Observation,
    ReplyReceived,
    Reproduction,
    TimeLost,
    VerdictGiven,
)


@dataclass
class Turn:
    """One reply and what came of it.

    Attributes:
        reply: the event of the reply.
        observations: those of its actions that are done, in order.
    """

    reply: ReplyReceived
    observations: list[Observation] = field(default_factory=list)


@dataclass
class RunState:
    """What the loop needs to know of the past; `apply` folds one event into it.

    Attributes:
        turns: replies with their observations, oldest first.
        pending: actions of the last reply that are not done yet.
        malformed: replies in a row that could not be understood.
        submission: the observation of a submission that nobody has judged yet.
        summary: the policy's own account of its change, untrusted.
        reproduction: the last one registered.
        named_tests: tests that the policy ran or named.
        rounds: submissions that were judged and sent back.
        nudged_at: number of turns when the policy was last told that it repeats itself.
        spending: tokens and money of all calls.
        seconds: time spent by the policy, by actions and by the verifier.
        inherited: turns that were made by the attempt from which this one was forked.
    """

    turns: list[Turn] = field(default_factory=list)
    pending: list[Action] = field(default_factory=list)
    malformed: int = 0
    submission: Observation | None = None
    summary: str = ""
    reproduction: Reproduction | None = None
    named_tests: dict[str, None] = field(default_factory=dict)
    rounds: int = 0
    nudged_at: int | None = None
    spending: Spending = field(default_factory=Spending)
    seconds: float = 0.0
    inherited: int = 0

    @property
    def step(self) -> int:
        """The number of replies so far; steps count from 1."""
        return len(self.turns)

    def begin(self) -> None:
        """Let a forked attempt begin here: what was done so far was not its own effort, nor its submission."""
        self.inherited = len(self.turns)
        self.submission, self.malformed, self.rounds = None, 0, 0
        self.spending, self.seconds = Spending(), 0.0

    def apply(self, event: AnyEvent) -> None:
        """Fold one event into the state."""
        self.spending.apply(event)
        match event:
            case ReplyReceived():
                self._reply(event)
            case ActionDone():
                self._action(event)
            case FeedbackGiven(kind="nudge"):
                self.nudged_at = len(self.turns)
            case FeedbackGiven(kind="user" | "strategy"):
                self.submission = None
                self.malformed = 0
            case FeedbackGiven(kind="verifier"):
                self.rounds += 1
                self.submission = None
            case VerdictGiven() | TimeLost():
                self.seconds += event.seconds

    def _reply(self, event: ReplyReceived) -> None:
        reply = event.reply
        self.turns.append(Turn(event))
        self.pending = [] if reply.problem else list(reply.actions)
        self.malformed = self.malformed + 1 if reply.problem else 0
        self.seconds += event.seconds

    def _action(self, event: ActionDone) -> None:
        observation = event.observation
        self.turns[-1].observations.append(observation)
        self.pending = [] if observation.submitted else self.pending[1:]
        self.seconds += event.seconds
        self.named_tests.update(dict.fromkeys(observation.named_tests))
        if observation.reproduction:
            self.reproduction = observation.reproduction
        if observation.submitted:
            self.submission = observation
            self.summary = observation.summary or self.summary
