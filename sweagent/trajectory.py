"""The trajectory: typed events, and what policy and tools exchange in them."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from sweagent.config import Origin
from sweagent.exit_status import ExitStatus
from sweagent.frozen import Frozen
from sweagent.task import Task
from sweagent.verdict import Verdict

FORMAT_VERSION = 1


class Action(Frozen):
    """One call of a tool, as the policy asked for it."""

    id: str
    """The provider's id of the call, or one made by the parser; unique within a reply."""
    tool: str
    arguments: dict[str, Any] = {}


class Reproduction(Frozen):
    """A script or a test that shows the issue: it fails before the fix and passes after it."""

    path: str
    """The file, relative to the repository's root."""
    content: str
    command: str
    """The shell command, from the repository's root, whose exit status tells."""
    kind: Literal["test", "script"] = "script"
    files: dict[str, str] = {}
    """Contents, by path, of the further files that it needs, such as data that a test reads."""
    faster: float = 0.0
    """It shows slowness: it ends well on both sides, and has to be so many times as fast with the fix; 0 otherwise."""

    @property
    def paths(self) -> tuple[str, ...]:
        """All its files; they are scratch work and no part of the patch."""
        return (self.path, *self.files)


class Observation(Frozen):
    """What came of an action. The text is all that the model sees of it."""

    text: str
    status: Literal["ok", "error", "timeout", "refused"] = "ok"
    exit_code: int | None = None
    truncated: bool = False
    submitted: bool = False
    """The policy says that it is done. What it says does not decide anything."""
    summary: str = ""
    """With `submitted`: the policy's own account of cause and change, untrusted."""
    reproduction: Reproduction | None = None
    named_tests: tuple[str, ...] = ()
    """Tests that the policy ran or named; the verifier runs them too."""
    declined: bool = False
    """A person did not let the action be run."""
    edited: dict[str, Any] | None = None
    """The arguments that a person had it run with instead of the policy's."""


class Usage(Frozen):
    """Tokens of one call of a model. `prompt_tokens` includes the cached ones."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in Usage.model_fields})


class Reply(Frozen):
    """A policy's answer: what it thought and what it wants done.

    `problem` is set when the reply could not be understood (in whole or in part): nothing of it is executed, and the
    text of `problem` is sent back to the policy.
    """

    thought: str = ""
    actions: tuple[Action, ...] = ()
    problem: str | None = None
    repairs: tuple[str, ...] = ()
    """What the parser mended, for the record."""
    finish_reason: str | None = None
    usage: Usage = Usage()
    cost: float | None = 0.0
    """US dollars; None when the price is unknown."""
    model: str = ""
    provider_fields: dict[str, Any] = {}
    """What the provider wants to be given back with this message (thinking blocks, signatures)."""


class Event(Frozen):
    """Base of all events."""

    time: datetime = Field(default_factory=lambda: datetime.now(UTC))
    scope: str = ""
    """The attempt that it belongs to; the first attempt, and the run as a whole, have no name."""


class Step(Event):
    """Base of the events by which a step of a strategy ends; a resumed strategy has its answer from them."""

    digest: str = ""
    """Of what was asked for; a resumed run has to ask for the same."""


class RunStarted(Event):
    """The first event: all that is needed to run the task again."""

    type: Literal["run_started"] = "run_started"
    format: int = FORMAT_VERSION
    version: str
    run_id: str
    task: Task
    settings: dict[str, Any]
    origin: Origin = Origin()
    """Where the settings came from."""
    strategy_digest: str = ""
    """Of the file of a strategy of the user's own."""


class SandboxStarted(Event):
    """A sandbox is ready for the agent."""

    type: Literal["sandbox_started"] = "sandbox_started"
    kind: str
    image: str | None = None
    seconds: float = 0.0
    contacts: tuple[str, ...] = ()
    """The hosts that were reached or refused when its environment was made, one a line."""


class PromptWritten(Event):
    """The first messages of the view."""

    type: Literal["prompt_written"] = "prompt_written"
    system: str
    task: str
    parts: dict[str, int] = {}
    """Characters of the parts of `task`: the issue, the repository's guides, the hints."""


class ReplyReceived(Event):
    """The policy answered; nothing has been executed yet."""

    type: Literal["reply_received"] = "reply_received"
    step: int
    reply: Reply
    seconds: float = 0.0
    """How long the policy took."""


class ActionDone(Event):
    """An action was executed."""

    type: Literal["action_done"] = "action_done"
    step: int
    action_id: str
    observation: Observation
    seconds: float = 0.0


class FeedbackGiven(Step):
    """The harness told the policy something that no action asked for."""

    type: Literal["feedback_given"] = "feedback_given"
    step: int
    kind: Literal["malformed", "nudge", "verifier", "limit", "resumed", "user", "strategy"]
    text: str


class ViewCompacted(Event):
    """Old outputs, up to and including a step, were dropped from the model's context; the log keeps them."""

    type: Literal["view_compacted"] = "view_compacted"
    up_to_step: int
    summary: str = ""
    reason: Literal["budget", "refused"] = "budget"


class CallReserved(Event):
    """Room in the budget is held for a call of a model; it is sent after this event is on disk.

    A call without a `CallSettled` was in flight when the run was killed: what was reserved counts as spent.
    """

    type: Literal["call_reserved"] = "call_reserved"
    call: int
    """Its number, unique within the run."""
    model: str
    purpose: str
    cost: float | None
    """US dollars at the worst; None when the price is unknown."""
    tokens: int
    """Prompt and completion tokens at the worst."""


class CallOutcome(StrEnum):
    """What became of a call that room was reserved for."""

    ANSWERED = "answered"
    UNSURE = "unsure"
    """It was sent and its answer never came whole: what was reserved counts as spent."""
    REFUSED = "refused"
    """It was not sent, or the provider refused it: nothing was used."""


class CallSettled(Event):
    """A reservation was ended."""

    type: Literal["call_settled"] = "call_settled"
    call: int
    outcome: CallOutcome
    usage: Usage = Usage()
    cost: float | None = 0.0
    """US dollars of an answered call; None when the price is unknown."""


class Limit(StrEnum):
    """A limit of a run."""

    COST = "cost"
    TOKENS = "tokens"
    PRICE = "price"
    """The price of a model is unknown, so that a limit in dollars cannot be kept."""
    SECONDS = "seconds"
    STEPS = "steps"


class LimitReached(Event):
    """A limit kept something from being done."""

    type: Literal["limit_reached"] = "limit_reached"
    limit: Limit
    message: str
    purpose: str = "agent"
    """What was not done: the purpose of a call, or `agent` for the next step."""


class AttemptStarted(Step):
    """A policy begins to work on the task in a sandbox of its own."""

    type: Literal["attempt_started"] = "attempt_started"
    role: str
    forked_from: str | None = None
    """The scope of the attempt whose conversation and work tree it begins with."""
    model: str = ""
    settings: dict[str, Any] | None = None
    """Where they differ from the run's; without secrets."""
    cost: float | None = None
    """US dollars that it may spend; None for all that the run has."""
    tokens: int | None = None
    seconds: float
    """Wall time that it and its verifications may take."""


class AttemptEnded(Step):
    """An attempt came to its end, or was paused; for the work until here a resumed run opens no sandbox again."""

    type: Literal["attempt_ended"] = "attempt_ended"
    status: ExitStatus
    message: str = ""
    contacts: tuple[str, ...] = ()
    """The hosts that were reached or refused by then, by its sandboxes too, one a line."""


class PoolJudged(Event):
    """The reproductions of all attempts were run on the candidates of all; only in logs of version 0.1.0."""

    type: Literal["pool_judged"] = "pool_judged"
    digest: str
    passes: dict[str, tuple[bool | None, ...]]
    seconds: float = 0.0


class AnswerReceived(Event):
    """A policy answered a question of the strategy's; the question is the scope."""

    type: Literal["answer_received"] = "answer_received"
    purpose: str
    reply: Reply
    problem: str = ""
    """Why the answer cannot be used; it is asked for again."""
    missing: str = ""
    """Why nothing was, or will be, asked for any more: a limit."""
    seconds: float = 0.0


class StepDone(Step):
    """A step of a strategy that is no other event: questions, composed candidates, verifications, gathered items."""

    type: Literal["step_done"] = "step_done"
    kind: str
    result: dict[str, Any] = {}
    seconds: float = 0.0


class CandidateChosen(Step):
    """A selector chose among the candidates of a run."""

    type: Literal["candidate_chosen"] = "candidate_chosen"
    selector: str
    candidate: int | None
    """Its number; None when there is none."""
    attempt: str = ""
    """The scope that it comes from."""
    reason: str = ""
    abstained: bool = False
    """Nothing tells the best ones apart: the verdict is at most `unverified`."""


class PatchTaken(Event):
    """The harness took the patch from the work tree and stored it in the run's folder."""

    type: Literal["patch_taken"] = "patch_taken"
    step: int
    file: str
    sha256: str
    files: tuple[str, ...] = ()
    shell: str | None = None
    """A command that brings a fresh shell to the folder and variables of this moment; None where that is not known."""


class VerificationStarted(Event):
    """The verifier begins to judge a patch."""

    type: Literal["verification_started"] = "verification_started"
    step: int
    sha256: str
    """Of the patch."""
    seconds: float
    """Wall time that it may take: what its own limit and the run's leave."""


class VerdictGiven(Event):
    """The verifier judged a patch."""

    type: Literal["verdict_given"] = "verdict_given"
    step: int
    verdict: Verdict
    reason: str = ""
    proof_file: str = ""
    seconds: float = 0.0
    """How long the verification took; it counts against the run's limit."""


class TimeLost(Event):
    """A run was killed, or stopped, while something was in flight; it counts as time when the run is resumed."""

    type: Literal["time_lost"] = "time_lost"
    seconds: float


class RunEnded(Event):
    """The last event of a run, unless the run is resumed."""

    type: Literal["run_ended"] = "run_ended"
    exit_status: ExitStatus
    message: str = ""
    cost: float | None = 0.0
    usage: Usage = Usage()
    steps: int = 0
    seconds: float = 0.0


AnyEvent = Annotated[
    RunStarted
    | SandboxStarted
    | PromptWritten
    | ReplyReceived
    | ActionDone
    | FeedbackGiven
    | ViewCompacted
    | CallReserved
    | CallSettled
    | LimitReached
    | AttemptStarted
    | AttemptEnded
    | PoolJudged
    | AnswerReceived
    | StepDone
    | CandidateChosen
    | PatchTaken
    | VerificationStarted
    | VerdictGiven
    | TimeLost
    | RunEnded,
    Field(discriminator="type"),
]
