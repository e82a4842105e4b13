"""A plan of the work, which stays in view."""

from pydantic import BaseModel, Field

from sweagent.tool_api import ToolContext
from sweagent.trajectory import Observation

READ_ONLY = True
PINNED = True
ALIASES = ("todo", "todo_write", "update_plan", "write_plan")


class Item(BaseModel, extra="forbid"):
    """One thing to do."""

    what: str = Field(max_length=300)
    done: bool = False


class Parameters(BaseModel, extra="forbid"):
    """The whole plan; it replaces the one before."""

    items: list[Item] = Field(min_length=1, max_length=12)


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Write the plan of your work, or write it anew with what is done and what changed. It stays in your view."""
    lines = (f"{number}. [{'x' if item.done else ' '}] {item.what}" for number, item in enumerate(parameters.items, 1))
    return Observation(text="\n".join(lines))
