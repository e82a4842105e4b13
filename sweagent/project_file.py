"""A repository's own `.fix-issue.yaml`, which may only narrow a run."""

from collections.abc import Mapping
from math import inf
from typing import Any

import yaml

from sweagent.config import Origin, Settings
from sweagent.frozen import Frozen
from sweagent.git import git
from sweagent.printable import one_line
from sweagent.profiles import is_shipped
from sweagent.settings_sources import Sources
from sweagent.task import Repository

PROJECT_FILE = ".fix-issue.yaml"
_MOST_BYTES = 100_000
_MOST_NAMED = 20

_LOWER = frozenset(
    {
        "limits.cost",
        "limits.tokens",
        "limits.unpriced_tokens",
        "limits.steps",
        "limits.seconds",
        "limits.malformed_replies",
        "verify.rounds",
        "images.advice_cost",
    }
)
"""Limits of what a run may spend: a lower one counts."""

_SWITCHED_OFF = frozenset(
    {
        "verify.allow_tests",
        "verify.allow_protected",
        "verify.allow_binaries",
        "sandbox.network",
        "sandbox.packages",
    }
)
"""Permissions: `false` counts."""


class ProjectFile(Frozen):
    """The file as it is in the base commit."""

    place: str = ""
    """The file and its commit, for people; empty when there is none."""
    values: dict[str, Any] = {}
    problem: str = ""
    """Why nothing of it can be read."""


def read_project_file(repository: Repository) -> ProjectFile:
    """Read the file from the base commit; the work tree, which anybody's program may have written, does not count.

    Args:
        repository: at its base commit.
    """
    name = f"{repository.base_commit}:{PROJECT_FILE}"
    found = git("cat-file", "blob", name, git_dir=repository.git_dir, allowed=range(256))
    if found.status:
        return ProjectFile()
    place = f"{PROJECT_FILE} at {repository.base_commit[:12]}"
    if len(found.stdout) > _MOST_BYTES:
        return ProjectFile(place=place, problem=f"it has more than {_MOST_BYTES} bytes")
    try:
        data = read_mapping(found.stdout.decode("utf-8"))
    except ValueError as error:
        return ProjectFile(place=place, problem=str(error))
    return ProjectFile(place=place, values=data)


def read_mapping(text: str) -> dict[str, Any]:
    """A mapping that a stranger wrote as YAML; aliases are refused, since a few lines of them can stand for gigabytes.

    Raises:
        ValueError: it is something else; the message says what.
    """
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise ValueError("it uses YAML aliases")
        data = yaml.safe_load(text) or {}
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"it is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise ValueError("it is not a mapping")
    return {str(key): value for key, value in data.items()}


def settings_for(sources: Sources, repository: Repository) -> tuple[Settings, Origin]:
    """The settings of a run on a repository: the user's, narrowed by what the repository's own file says.

    The file narrows profile, the user's file and the environment. What `--config` and the command line say is said for
    this very run, and wins.

    Args:
        sources: what the user said.
        repository: at its base commit.

    Returns:
        The settings, and where they came from.

    Raises:
        UsageError: what the user said cannot be used.
    """
    project = read_project_file(repository)
    reading = _Reading(project, sources)
    settings = sources.settings(profile=reading.profile, narrow=reading.narrow)
    origin = Origin(
        files=sources.files,
        project=project.place,
        taken=tuple(reading.taken),
        ignored=_not_too_many(reading.ignored),
    )
    return settings, origin


def origin_in_batch(repository: Repository, files: tuple[str, ...]) -> Origin:
    """Sources of the settings of a batch's runs, all of which have the same, so that they compare.

    Args:
        repository: at its base commit; of its own file only `environment` counts.
        files: the user's files that were read.
    """
    project = read_project_file(repository)
    named = [one_line(key, 80) for key in _flat(project.values) if key != "environment"]
    ignored = (
        [project.problem] if project.problem else [f"{key} (a batch has the same settings for all)" for key in named]
    )
    taken = ("environment",) if "environment" in project.values else ()
    return Origin(files=files, project=project.place, taken=taken, ignored=_not_too_many(ignored))


def _not_too_many(ignored: list[str]) -> tuple[str, ...]:
    """A file with very many keys does not flood the screen."""
    more = len(ignored) - _MOST_NAMED
    return (*ignored[:_MOST_NAMED], *([f"and {more} more"] if more > 0 else []))


class _Reading:
    """Goes through the file once, and remembers what counted and what did not."""

    def __init__(self, project: ProjectFile, sources: Sources) -> None:
        self._project = project
        self._for_this_run = _flat({**sources.config}) | _flat({**sources.options})
        self.taken: list[str] = []
        self.ignored: list[str] = [project.problem] if project.problem else []
        self.profile = "default"
        said = project.values.get("profile")
        if isinstance(said, str) and is_shipped(said):
            named = any("profile" in source for source in sources.said)
            self.profile = said
            (self.ignored if named else self.taken).append(f"profile: {said}" + " (you named another)" * named)
        elif "profile" in project.values:
            self.ignored.append("profile (only the name of a shipped one counts)")

    def narrow(self, standing: Settings) -> Mapping[str, Any]:
        """What replaces settings that stand, nested as they are."""
        current = _flat(standing.model_dump(mode="json"))
        narrowed: dict[str, dict[str, Any]] = {}
        for key, said in _flat(self._project.values).items():
            if key == "profile":
                continue
            if key == "environment" or key.startswith("environment."):
                self._once("environment")
                continue
            why_not = _why_not(key, said, current.get(key))
            if not why_not and key in self._for_this_run:
                why_not = "you said something else for this run"
            if why_not:
                self.ignored.append(f"{one_line(key, 80)} ({why_not})")
                continue
            group, _, name = key.partition(".")
            narrowed.setdefault(group, {})[name] = said
            self.taken.append(f"{key}: {said}".lower() if isinstance(said, bool) else f"{key}: {said}")
        return narrowed

    def _once(self, text: str) -> None:
        if text not in self.taken:
            self.taken.append(text)


def _why_not(key: str, said: object, current: object) -> str:
    """Why a value has no effect; empty when it counts."""
    if key in _SWITCHED_OFF:
        return "" if said is False else "only `false` counts"
    if key not in _LOWER:
        return "only the user sets this"
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said < inf:
        return "not a number that can be used"
    if said == 0 and key.startswith("limits."):
        return "not a number that can be used"
    if not isinstance(said, int) and key not in ("limits.cost", "limits.seconds", "images.advice_cost"):
        return "not a whole number"
    limit = current if isinstance(current, int | float) else inf
    return "" if said <= limit else f"only a lower one than {limit:g} counts"


def _flat(values: Mapping[str, Any], before: str = "", depth: int = 0) -> dict[str, Any]:
    """Nested settings by their names with dots; `environment` is one."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{before}{key}"
        if isinstance(value, dict) and value and depth < 2 and name != "environment":
            flat |= _flat(value, f"{name}.", depth + 1)
        else:
            flat[name] = value
    return flat
