"""The Tool protocol, and the loader of `tools/`.

A tool is one Python file. Its name is the file's; it holds

- `class Parameters(pydantic.BaseModel)`: the typed arguments, each with a description that the model reads,
- `def run(context: ToolContext, parameters: Parameters) -> Observation`, whose docstring is the description that the
  model reads,
- optionally `READ_ONLY = True`: the tool changes nothing in the sandbox, so that a resumed run need not repeat it,
- optionally `EDITS = True`: its answer shows an edit, which the view keeps longer than other answers,
- optionally `PINNED = True`: its newest answer stays in the view when older steps are shortened,
- optionally `MAIN_ARGUMENT`: the argument that says the most, by which people and digests name a call,
- optionally `SHELL = True`: `MAIN_ARGUMENT` is a shell command, so that a shell block in a reply means this tool,
- optionally `ALIASES`: names by which models call it without being told to.
"""

import copy
import functools
import importlib.util
import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sweagent.errors import FixIssueError, UsageError
from sweagent.policy.base import ToolSchema
from sweagent.resources import resource
from sweagent.sandbox.base import Sandbox
from sweagent.trajectory import Action, Observation, ObservationStatus

_T = TypeVar("_T")


@dataclass(frozen=True)
class Limits:
    """Bounds of what a tool may use and say.

    Attributes:
        characters: of one observation.
        timeout: seconds of a command, unless the call says otherwise.
        max_timeout: seconds that a call may ask for.
    """

    characters: int = 10_000
    timeout: float = 120.0
    max_timeout: float = 1200.0


class ToolState:
    """What tools remember within a run: one object of each type, made when it is first asked for."""

    def __init__(self) -> None:
        self._kept: dict[type, Any] = {}

    def of(self, kind: type[_T], make: Callable[[], _T] | None = None) -> _T:
        """The object of a type.

        Args:
            kind: the type; what several tools share, they share by sharing its type.
            make: makes the object; None calls the type without arguments.
        """
        if kind not in self._kept:
            self._kept[kind] = (make or kind)()
        kept: _T = self._kept[kind]
        return kept


@dataclass
class ToolContext:
    """What every tool is given.

    Attributes:
        sandbox: where the repository is; tools touch it only through this.
        limits: bounds of what a tool may use and say.
        test_command: how this project runs its tests, for example `python -m pytest`; empty when unknown.
        git_dir: a git directory on the host with the base commit, for searches without the sandbox.
        base_commit: the commit that the work started from.
        issue_text: the issue's text, for localisation.
        hints: whether places found by search may be shown unasked.
        state: what tools remember within a run (the edit tool's undo, say).
    """

    sandbox: Sandbox
    limits: Limits = Limits()
    test_command: str = ""
    git_dir: Path | None = None
    base_commit: str = ""
    issue_text: str = ""
    hints: bool = True
    state: ToolState = field(default_factory=ToolState)


@dataclass(frozen=True)
class Tool:
    """A loaded tool."""

    name: str
    description: str
    parameters: type[BaseModel]
    function: Callable[[ToolContext, Any], Observation]
    read_only: bool = False
    edits: bool = False
    pinned: bool = False
    shell: bool = False
    main_argument: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def schema(self) -> ToolSchema:
        """What the policy is told of the tool."""
        return ToolSchema(
            name=self.name,
            description=self.description,
            parameters=copy.deepcopy(_schema(self.parameters)),
            aliases=self.aliases,
            shell=self.shell,
            main_argument=self.main_argument,
        )

    def run(self, context: ToolContext, arguments: Mapping[str, Any]) -> Observation:
        """Check the arguments and run the tool.

        Wrong arguments, and an error of the tool itself, give an observation that says what is wrong.

        Raises:
            SandboxError: the sandbox is lost.
            RunInterruptedError: the user stops the run.
        """
        try:
            parameters = self.parameters.model_validate(arguments)
        except ValidationError as error:
            return Observation(text=f"{self.name} was not run: {_complaints(error)}", status=ObservationStatus.REFUSED)
        try:
            return self.function(context, parameters)
        except FixIssueError:
            raise
        except Exception as error:
            # Tools may be the user's own: one that fails must not end the run.
            logging.getLogger("sweagent.tools").exception("the tool %s failed", self.name)
            return Observation(
                text=f"{self.name} failed: {type(error).__name__}: {error}", status=ObservationStatus.ERROR
            )


def load_tools(names: Iterable[str], folders: Iterable[Path] = ()) -> dict[str, Tool]:
    """Load tools by name, from the user's folders first, then from `tools/`.

    Args:
        names: the tools to load; their order is kept.
        folders: the user's own folders of tools.

    Raises:
        UsageError: a tool is missing or its file is not a tool.
    """
    places = [*folders, resource("tools")]
    return {name: _load(name, places) for name in names}


def execute(tools: Mapping[str, Tool], context: ToolContext, action: Action) -> Observation:
    """Run one action; an unknown tool gives an observation that names the tools there are.

    Raises:
        SandboxError: the sandbox is lost.
    """
    tool = tools.get(action.tool)
    if tool is None:
        known = ", ".join(tools)
        return Observation(
            text=f"there is no tool {action.tool!r}; the tools are: {known}", status=ObservationStatus.REFUSED
        )
    return tool.run(context, action.arguments)


def _load(name: str, places: list[Path]) -> Tool:
    path = next((place / f"{name}.py" for place in places if (place / f"{name}.py").is_file()), None)
    if path is None or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        known = sorted({file.stem for place in places for file in place.glob("[a-z]*.py")})
        raise UsageError(f"there is no tool {name!r}", f"the tools are: {', '.join(known)}")
    return _read(name, path)


@functools.cache
def _read(name: str, path: Path) -> Tool:
    """The tool of a file; read once in a process, so that all runs of a batch have the same."""
    spec = importlib.util.spec_from_file_location(f"fix_issue_tools.{name}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be loaded as a tool", "a tool is a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    parameters, function = getattr(module, "Parameters", None), getattr(module, "run", None)
    if not (isinstance(parameters, type) and issubclass(parameters, BaseModel) and callable(function)):
        raise UsageError(f"{path} is not a tool", "it must define `class Parameters(BaseModel)` and `run`")
    if not function.__doc__:
        raise UsageError(f"{path}: `run` has no docstring", "the model reads it to know what the tool does")
    description = "\n".join(line.strip() for line in function.__doc__.strip().splitlines())
    main, aliases = getattr(module, "MAIN_ARGUMENT", ""), getattr(module, "ALIASES", ())
    shell = bool(getattr(module, "SHELL", False))
    if (main or shell) and main not in parameters.model_fields:
        raise UsageError(f"{path}: MAIN_ARGUMENT is {main!r}", "name one of the fields of `Parameters`")
    if not (isinstance(aliases, tuple) and all(isinstance(alias, str) for alias in aliases)):
        raise UsageError(f"{path}: ALIASES is no tuple of names", 'write it as `ALIASES = ("shell", "sh")`')
    return Tool(
        name,
        description,
        parameters,
        function,
        read_only=bool(getattr(module, "READ_ONLY", False)),
        edits=bool(getattr(module, "EDITS", False)),
        pinned=bool(getattr(module, "PINNED", False)),
        shell=shell,
        main_argument=main,
        aliases=aliases,
    )


@functools.cache
def _schema(parameters: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema without what only costs tokens: every request pays for it.

    Titles, empty defaults and bounds are left out, and `X | None` is written as `X`; a value out of bounds, and a
    parameter that there is not, are refused with words when they come.
    """
    schema = _slim(parameters.model_json_schema())
    schema.pop("description", None)
    schema.pop("title", None)
    return schema


_UNSAID = frozenset(
    {"additionalProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"}
)


def _slim(node: dict[str, Any]) -> dict[str, Any]:
    slim: dict[str, Any] = {}
    for key, value in node.items():
        if key in ("properties", "$defs"):
            slim[key] = {name: _slim(item) for name, item in value.items()}
            for item in slim[key].values():
                item.pop("title", None)
        elif isinstance(value, dict):
            slim[key] = _slim(value)
        elif isinstance(value, list) and key != "default":
            slim[key] = [_slim(item) if isinstance(item, dict) else item for item in value]
        elif key not in _UNSAID and not (key == "default" and not value):
            slim[key] = value
    options = [option for option in slim.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        del slim["anyOf"]
        slim.update(options[0])
    return slim


def _complaints(error: ValidationError) -> str:
    return "; ".join(
        f"`{'.'.join(str(part) for part in item['loc']) or 'arguments'}`: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)[:5]
    )
