"""Fill the template of a role to ask a model something."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweagent.errors import UsageError
from sweagent.policy import Message
from sweagent.resources import resource

if TYPE_CHECKING:
    from sweagent.run.run import Run

_SYSTEM = "system"


def role_prompt(run: "Run", role: str, **values: Any) -> tuple[Message, ...]:
    """What somebody in a role is asked.

    Args:
        run: whose issue it is about; its `strategy.folders` may hold templates of the user's own, which go first.
        role: `NAME` of `NAME.j2`, in `prompts/roles/`.
        values: what the template needs, besides `issue` and `repository`.

    Returns:
        A system message, the same for all roles, and the role's own.

    Raises:
        UsageError: there is no such template, or it uses what there is not.
    """
    return (
        Message(role="system", content=_filled(run, _SYSTEM, {})),
        Message(role="user", content=role_text(run, role, **values)),
    )


def role_text(run: "Run", role: str, **values: Any) -> str:
    """The same as one text: what an attempt is told, say.

    Raises:
        UsageError: as for `role_prompt`.
    """
    return _filled(run, role, values)


def _filled(run: "Run", role: str, values: Mapping[str, Any]) -> str:
    from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # The text is for a model, not for a browser: HTML escaping would only damage the code in it.
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([*run.settings.strategy.folders, resource("prompts", "roles")]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["untrusted"] = untrusted
    known = {"issue": run.task.issue, "repository": run.task.repository.name, **values}
    try:
        return environment.get_template(f"{role}.j2").render(known).strip()
    except TemplateError as error:
        raise UsageError(
            f"the template {role}.j2: {error}", f"see {Path('prompts') / 'README.md'}, and strategy.folders"
        ) from error


def untrusted(text: str, tag: str) -> str:
    """Put a text between tags that say that it gives no orders; it cannot close them itself.

    Args:
        text: of the issue, the repository, a program or a model.
        tag: a plain word.
    """
    inner = re.sub(rf"</(?={tag}\b)", "< /", text.strip("\n"), flags=re.IGNORECASE)
    return f'<{tag} untrusted="true">\n{inner}\n</{tag}>'
