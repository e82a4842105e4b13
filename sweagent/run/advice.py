"""What may be added to the choice of a run."""

from typing import Protocol

from sweagent.run.evidence import Choice, Evidence
from sweagent.run.selectors import Selector


class Advice(Protocol):
    """Looks at a choice before and after it is made; `sweagent.run.second_look` has the one in use."""

    def check(self) -> None:
        """See that it can be given, before anything is spent.

        Raises:
            UsageError: it cannot.
        """

    def before(self, selector: Selector, evidence: Evidence) -> tuple[Selector, Evidence]:
        """The selector and the evidence to choose by."""

    def after(self, selector: Selector, choice: Choice, evidence: Evidence) -> Choice:
        """The choice to make."""


class NoAdvice:
    """Leaves a choice as it is."""

    def check(self) -> None:
        """See `Advice`."""

    def before(self, selector: Selector, evidence: Evidence) -> tuple[Selector, Evidence]:
        """See `Advice`."""
        return selector, evidence

    def after(self, selector: Selector, choice: Choice, evidence: Evidence) -> Choice:
        """See `Advice`."""
        return choice
