"""The Policy protocol: who decides the next actions."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol

from sweagent.frozen import Frozen
from sweagent.trajectory import Action, Reply


class Message(Frozen):
    """One message of the view, independent of any provider."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    actions: tuple[Action, ...] = ()
    """With `assistant`: the calls it made."""
    action_id: str | None = None
    """With `tool`: the call that it answers."""
    provider_fields: dict[str, Any] = {}
    cache_boundary: bool = False
    """The view up to and including this message will be sent again byte for byte."""


class View(Frozen):
    """What the policy is shown: a view of the log."""

    messages: tuple[Message, ...]
    step: int


class ToolSchema(Frozen):
    """A tool as the policy knows it."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON schema of the arguments, an object."""
    aliases: tuple[str, ...] = ()
    """Names by which models call it without being told to; they are not told of them."""
    shell: bool = False
    """The main argument is a shell command."""
    main_argument: str = ""


class Caller(NamedTuple):
    """Who asks a policy, and what for.

    Attributes:
        scope: the attempt or the question, by its path in the run; empty for the first attempt.
        purpose: of the calls, in the report of what was spent.
        forced_tool: the one tool that has to be called; empty leaves the choice to the model.
        inherited: steps that a fork has from another attempt.
    """

    scope: str = ""
    purpose: str = "agent"
    forced_tool: str = ""
    inherited: int = 0


class Policy(Protocol):
    """Decides. Each implementation is complete enough that everything above it is tested without a key."""

    @property
    def name(self) -> str:
        """A name for the record, for example the model's."""

    def respond(self, view: View, tools: Sequence[ToolSchema]) -> Reply:
        """Answer the view.

        Raises:
            ContextOverflowError: the view is larger than the model's window.
            PolicyError: the provider refused for good, or retries are used up.
            BudgetExceededError: the call could overshoot a limit; nothing was sent.
        """
