"""Several models as one policy."""

from collections.abc import Sequence
from typing import Protocol

from sweagent.errors import BudgetExceededError, ContextOverflowError, PolicyError
from sweagent.policy.base import Policy, ToolSchema, View
from sweagent.trajectory import Reply


class ModelPolicy(Policy, Protocol):
    """A policy with a model behind it."""

    @property
    def uses_text_format(self) -> bool:
        """The model must be told how to write its calls as text."""

    def write(self, view: View, purpose: str) -> str:
        """Let the model write a text instead of acting; see `LitellmPolicy.write`."""


class FallbackPolicy:
    """Asks the first policy; when it cannot answer, the next.

    Args:
        policies: in the order in which they are asked.
    """

    def __init__(self, policies: Sequence[ModelPolicy]) -> None:
        self._policies = tuple(policies)

    @property
    def name(self) -> str:
        """The first policy's name."""
        return self._policies[0].name

    @property
    def uses_text_format(self) -> bool:
        """Whether one of the models must be told how to write its calls as text."""
        return any(policy.uses_text_format for policy in self._policies)

    def respond(self, view: View, tools: Sequence[ToolSchema]) -> Reply:
        """See `sweagent.policy.base.Policy`."""
        for policy in self._policies[:-1]:
            try:
                return policy.respond(view, tools)
            except (BudgetExceededError, ContextOverflowError):
                raise
            except PolicyError:
                continue
        return self._policies[-1].respond(view, tools)

    def write(self, view: View, purpose: str) -> str:
        """Let the first model write a text."""
        return self._policies[0].write(view, purpose)


class RoulettePolicy:
    """Lets the policies answer in turn, by the number of the step, so that a resumed run takes the same turns.

    Args:
        name: of the mix.
        policies: who takes turns.
    """

    def __init__(self, name: str, policies: Sequence[ModelPolicy]) -> None:
        self.name = name
        self._policies = tuple(policies)

    @property
    def uses_text_format(self) -> bool:
        """Whether one of the models must be told how to write its calls as text."""
        return any(policy.uses_text_format for policy in self._policies)

    def respond(self, view: View, tools: Sequence[ToolSchema]) -> Reply:
        """See `sweagent.policy.base.Policy`."""
        return self._policies[(view.step - 1) % len(self._policies)].respond(view, tools)

    def write(self, view: View, purpose: str) -> str:
        """Let the first model write a text."""
        return self._policies[0].write(view, purpose)
