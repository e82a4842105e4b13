"""Plan edits with what depends on them, before anybody writes one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from sweagent.frozen import Frozen
from sweagent.run.repository_texts import Place, code_of, dependants_of
from sweagent.run.role_prompts import role_prompt

if TYPE_CHECKING:
    from sweagent.run.run import Run


class Edit(Frozen):
    """One edit."""

    path: str
    definition: str = Field(default="", description="function, method or class, such as `Class.method`")
    change: str = Field(description="what is to change, and why")


class Plan(Frozen):
    """The plan."""

    cause: str = ""
    edits: tuple[Edit, ...] = Field(default=(), max_length=12)

    @property
    def text(self) -> str:
        """For the one who makes the edits."""
        edits = (f"{number}. {edit.path} {edit.definition}: {edit.change}" for number, edit in enumerate(self.edits, 1))
        return "\n".join([f"Cause: {self.cause}", *edits])

    @property
    def definitions(self) -> list[str]:
        """Those that it names."""
        return [edit.definition for edit in self.edits if edit.definition]

    @property
    def paths(self) -> list[str]:
        """The files that it names."""
        return [edit.path for edit in self.edits]


def plan_edits(run: "Run", places: Sequence[Place], **settings: Any) -> Plan:
    """A model's plan of edits, given the callers, subclasses and tests that the index knows.

    After R. Bairi et al., "CodePlan: Repository-level Coding using LLMs and Planning" (2023, arXiv:2309.12499).

    Args:
        run: whose issue it is.
        places: where the issue seems to belong.
        settings: of the question.

    Returns:
        The plan; without edits where none was given.
    """
    texts = {"code": code_of(run, places), "dependants": dependants_of(run, places), "lessons": run.notes}
    answers = run.ask(role_prompt(run, "planner", **texts), Plan, role="planner", **settings)
    return answers[0] if answers else Plan()
