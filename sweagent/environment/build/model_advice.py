"""Ask a policy what to change after a failed build.

Its answer is data of the recipe's own types. Whatever it says runs only where all builds run: without secrets, on a
network that leads to the package registries only.
"""

from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from sweagent.config import Settings
from sweagent.environment.bases.host_packages import distribution_name
from sweagent.environment.build.recipe_text import as_text
from sweagent.environment.build.remedies import Remedy
from sweagent.environment.docker_build import Log
from sweagent.environment.recipe import DebianPackage, Line, OneLine, Recipe, SystemPackage, Version
from sweagent.errors import PolicyError, UsageError
from sweagent.frozen import Frozen
from sweagent.policy.base import Message, Policy, ToolSchema, View
from sweagent.resources import resource

if TYPE_CHECKING:
    from sweagent.policy import Budget

_TOOL = "change_environment"
_SHOWN = 6_000
"""Characters of the build's output that the policy sees."""


class Advice(Frozen):
    """What to change of a recipe whose build failed; what is left empty stays as it is."""

    why: str = Field(default="", max_length=500, description="the cause of the failure, in one sentence")
    system: tuple[DebianPackage, ...] = Field(default=(), max_length=20, description="Debian packages to add")
    add: tuple[OneLine, ...] = Field(default=(), max_length=20, description="requirements to add, with their versions")
    leave_out: tuple[OneLine, ...] = Field(default=(), max_length=20, description="names of requirements to leave out")
    toolchain: Version = Field(default="", description="another version of the interpreter or compiler")
    install: tuple[OneLine, ...] = Field(
        default=(),
        max_length=10,
        description="shell commands that install the repository, in place of the present ones",
    )


def adviser_of(settings: Settings, log: Log, budget: "Budget | None" = None) -> Policy | None:
    """The model of some settings with a budget for advice, or None when they allow none.

    A model that cannot be asked (its price is unknown, say) is named in the log.

    Args:
        settings: of the run.
        log: receives lines for people.
        budget: of the run; what advice costs counts in it too.
    """
    if not settings.images.advice_cost or not settings.model.name:
        return None
    from sweagent.policy import Budget
    from sweagent.policy.base import Caller
    from sweagent.policy.factory import make_policy

    own = Budget(cost=settings.images.advice_cost, parent=budget)
    try:
        return make_policy(settings.model, own, caller=Caller(purpose="advice"))
    except UsageError as error:
        log(f"no advice of {settings.model.name}: {error}")
        return None


def advised(adviser: Policy, recipe: Recipe, error: str, log: Log) -> Remedy | None:
    """Ask a policy once what to change.

    Args:
        adviser: is shown the recipe and the end of the output, and has one tool.
        recipe: the recipe that failed.
        error: the build's output.
        log: receives a line on what it cost, or why there is no advice.

    Returns:
        A changed recipe, or None when the policy fails, changes nothing, or answers what no recipe can hold.
    """
    question = f"The recipe:\n{as_text(recipe)}\n\nThe end of the build's output:\n{error[-_SHOWN:]}"
    instructions = resource("environments", "advice.md").read_text(encoding="utf-8")
    messages = (Message(role="system", content=instructions), Message(role="user", content=question))
    tool = ToolSchema(name=_TOOL, description=str(Advice.__doc__), parameters=Advice.model_json_schema())
    try:
        reply = adviser.respond(View(messages=messages, step=1), [tool])
    except PolicyError as fault:
        log(f"no advice of {adviser.name}: {fault}")
        return None
    cost = "an unknown amount" if reply.cost is None else f"{reply.cost:.4f} dollars"
    log(f"asked {adviser.name} about the failed build for {cost}")
    arguments = next((action.arguments for action in reply.actions if action.tool == _TOOL), None)
    try:
        advice = Advice.model_validate(arguments)
    except ValidationError:
        log(f"the answer of {adviser.name} cannot be used")
        return None
    changed = _changed(recipe, advice)
    if changed == recipe:
        return None
    return Remedy(what=f"advice of {adviser.name}: {' '.join(advice.why.split())}", recipe=changed)


def _changed(recipe: Recipe, advice: Advice) -> Recipe:
    source = "advice after a failed build"
    left_out = {distribution_name(name) or name for name in advice.leave_out}
    left_out |= {distribution_name(line) for line in advice.add}
    present = {package.value for package in recipe.system}
    system = tuple(SystemPackage(value=name, source=source) for name in advice.system if name not in present)
    kept = tuple(line for line in recipe.requirements if distribution_name(line.value) not in left_out)
    toolchain = recipe.toolchain
    if advice.toolchain and advice.toolchain != toolchain.value:
        toolchain = toolchain.model_copy(update={"value": advice.toolchain, "source": source, "alternatives": ()})
    return recipe.model_copy(
        update={
            "system": recipe.system + system,
            "requirements": kept + tuple(Line(value=line, source=source) for line in advice.add),
            "optional": tuple(line for line in recipe.optional if distribution_name(line.value) not in left_out),
            "toolchain": toolchain,
            "install": tuple(Line(value=line, source=source) for line in advice.install) or recipe.install,
        }
    )
