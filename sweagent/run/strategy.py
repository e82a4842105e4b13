"""Find a strategy by its name."""

import functools
import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from pydantic import ValidationError

from sweagent.config import StrategySettings
from sweagent.errors import UsageError
from sweagent.frozen import Frozen
from sweagent.run.evidence import Choice
from sweagent.run.run import Run

_SHIPPED = "sweagent.strategies"


class Strategy(NamedTuple):
    """A strategy with its parameters."""

    name: str
    run: Callable[[Run], Choice]
    digest: str
    """Of a file of the user's own; empty for a shipped one."""


def load_strategy(settings: StrategySettings) -> Strategy:
    """The strategy that the settings name.

    Raises:
        UsageError: there is none of that name, its file is no strategy, or its options cannot be used.
    """
    module, digest = _module(settings.name, settings.folders)
    parameters, function = getattr(module, "Parameters", None), getattr(module, "run", None)
    if not (isinstance(parameters, type) and issubclass(parameters, Frozen) and callable(function)):
        raise UsageError(
            f"{module.__file__} is not a strategy",
            "it must define `class Parameters(Frozen)` and `run(run, parameters)`",
        )
    try:
        options = parameters.model_validate(settings.options)
    except ValidationError as error:
        item = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in item["loc"])
        known = ", ".join(parameters.model_fields) or "none; --strategy best-of makes several attempts"
        raise UsageError(
            f"the strategy {settings.name} cannot use its option {place}: {item['msg']}", f"its options are: {known}"
        ) from error
    return Strategy(settings.name, functools.partial(function, parameters=options), digest)


def shipped_strategies() -> tuple[str, ...]:
    """The names of those that come with fix-issue."""
    folder = Path(str(importlib.import_module(_SHIPPED).__file__)).parent
    return tuple(sorted(file.stem.replace("_", "-") for file in folder.glob("[a-z]*.py")))


def _module(name: str, folders: Iterable[Path]) -> tuple[ModuleType, str]:
    stem = name.replace("-", "_")
    own = next((folder / f"{stem}.py" for folder in folders if (folder / f"{stem}.py").is_file()), None)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", stem) or (own is None and name not in shipped_strategies()):
        raise UsageError(
            f"there is no strategy {name!r}",
            f"the strategies are: {', '.join(shipped_strategies())}; strategy.folders names folders of your own",
        )
    if own is None:
        return importlib.import_module(f"{_SHIPPED}.{stem}"), ""
    return _read(own), hashlib.sha256(own.read_bytes()).hexdigest()


def _read(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"fix_issue_strategies.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be loaded as a strategy", "a strategy is a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(
            f"{path} cannot be loaded as a strategy: {type(error).__name__}: {error}", "mend the file"
        ) from error
    return module


__all__ = ["Strategy", "load_strategy", "shipped_strategies"]
