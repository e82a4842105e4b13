"""Fill a profile's templates to make the first prompt."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweagent.config import profile_folder
from sweagent.errors import UsageError
from sweagent.sandbox.base import Sandbox
from sweagent.task import Issue
from sweagent.trajectory import PromptWritten

CONTEXT_FILE_BYTES = 3_000
"""A context file of the repository up to this size is part of the prompt; of a longer one the prompt tells the name.

Every later request would pay for the whole of it, and guides for contributors are mostly about other things.
"""


@dataclass(frozen=True)
class PromptLimits:
    """What the templates say about limits.

    Attributes:
        steps: of the run.
        seconds_per_command: unless the call says otherwise.
        max_seconds_per_command: that a call may ask for.
        characters: of one observation.
    """

    steps: int
    seconds_per_command: float
    max_seconds_per_command: float
    characters: int


@dataclass(frozen=True)
class PromptVariables:
    """What a template can use; `prompts/README.md` describes each for authors of profiles."""

    issue: Issue
    repository: str
    workdir: str
    test_command: str
    hints: str
    context_files: tuple[tuple[str, str], ...]
    limits: PromptLimits
    format_instructions: str
    network: bool
    hosts: tuple[str, ...] = ()


def read_context_files(sandbox: Sandbox, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Read the repository's own instructions for contributors, those that are there.

    Returns:
        Path and text; a note in the place of a long text.

    Raises:
        SandboxError: the sandbox is lost.
    """
    found = []
    for name in names:
        try:
            data = sandbox.read(f"{sandbox.workdir}/{name}", limit=CONTEXT_FILE_BYTES + 1)
        except OSError:
            continue
        whole = len(data) <= CONTEXT_FILE_BYTES
        found.append((name, data.decode("utf-8", "replace") if whole else "[long; view it when you need it]"))
    return tuple(found)


def write_prompt(profile: str, variables: PromptVariables) -> PromptWritten:
    """Fill a profile's `system.j2` and `task.j2`; those that it does not have are the default profile's.

    Raises:
        UsageError: the profile is missing, or a template uses what there is not.
    """
    from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    folder = profile_folder(profile)
    # The text is for a model, not for a browser: HTML escaping would only damage the code in it.
    # A profile is text that people pass on: it says things, and runs nothing.
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([folder, profile_folder("default")]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    values: dict[str, Any] = vars(variables)
    try:
        system, task = (environment.get_template(name).render(values).strip() for name in ("system.j2", "task.j2"))
    except TemplateError as error:
        raise UsageError(f"the profile {folder}: {error}", f"see {Path('prompts') / 'README.md'}") from error
    return PromptWritten(system=system, task=task)
