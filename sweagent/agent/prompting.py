"""Fill a profile's templates to make the first prompt."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweagent.agent.issue_folding import fold_issue
from sweagent.errors import UsageError
from sweagent.profiles import profile_folder
from sweagent.sandbox.base import Sandbox
from sweagent.task import Issue
from sweagent.tool_support.sandbox_paths import WHOLE_ISSUE
from sweagent.trajectory import PromptWritten

CONTEXT_FILE_BYTES = 3_000
"""A longer context file of the repository is left for the policy to look at: every request pays for the prompt."""

_FOR_AGENTS = "AGENTS.md"
_RULES = re.compile(
    r"\b(?:must|should|always|never|please|ensure|make sure|use|run|do not|don't|require[sd]?|add)\b", re.I
)
_OF_CODE = re.compile(
    r"\b(?:tests?|testing|pytest|tox|nox|lint\w*|flake8|black|ruff|mypy|style|pep ?8|docstrings?|type hints?"
    r"|annotations?|changelog|news fragments?|release notes?|whatsnew|indent\w*|line length|coverage"
    r"|format(?:ted|ting)?)\b",
    re.I,
)


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
    issue_text: str
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
    """Read what the repository rules about code and tests in its instructions for agents and contributors.

    Guides for contributors are mostly about other things, such as conduct and where to report: of these only the
    paragraphs are taken that rule something about code or tests.

    Returns:
        Path and text.

    Raises:
        SandboxError: the sandbox is lost.
    """
    found = []
    for name in names:
        try:
            data = sandbox.read(f"{sandbox.workdir}/{name}", limit=CONTEXT_FILE_BYTES + 1)
        except OSError:
            continue
        text = data.decode("utf-8", "replace")
        if len(data) > CONTEXT_FILE_BYTES:
            text = "[long; view it when you need it]" if name == _FOR_AGENTS else ""
        elif name != _FOR_AGENTS:
            text = _rules_of(text)
        if text.strip():
            found.append((name, text))
    return tuple(found)


def _rules_of(text: str) -> str:
    paragraphs = re.split(r"\n\s*\n", text)
    return "\n\n".join(part for part in paragraphs if _RULES.search(part) and _OF_CODE.search(part))


def keep_whole_issue(sandbox: Sandbox, text: str) -> str:
    """Return an issue's text as the prompt shows it; where that is folded, the whole lies in the sandbox.

    Raises:
        SandboxError: the sandbox is lost.
    """
    folded = fold_issue(text, WHOLE_ISSUE)
    if folded != text:
        try:
            sandbox.write(f"{sandbox.workdir}/{WHOLE_ISSUE}", text.encode("utf-8", "replace"))
        except OSError:
            # Nothing may be kept back that cannot be looked up.
            return text
    return folded


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
    guides = sum(len(text) for _, text in variables.context_files)
    parts = {"issue": len(variables.issue_text), "guides": guides, "hints": len(variables.hints)}
    return PromptWritten(system=system, task=task, parts={name: size for name, size in parts.items() if size})
