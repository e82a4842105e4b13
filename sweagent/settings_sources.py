"""Settings: profile < user's file < environment < `--config` < command line."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from sweagent.config import Settings
from sweagent.errors import UsageError
from sweagent.home import config_folder, expanded
from sweagent.profiles import read_mapping, read_profile

_S = TypeVar("_S", bound=Settings)

USER_FILE = "config.yaml"
"""The user's own settings, in `sweagent.home.config_folder()`."""


class _Environment(Settings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (env_settings,)


@dataclass(frozen=True)
class Sources:
    """What the user said of the settings, lowest rank first; nothing of it comes from a work tree.

    Attributes:
        own: the user's own file.
        environment: the variables `FIX_ISSUE_…`.
        config: the file that `--config` names.
        options: the command line.
        files: the files that were read.
    """

    own: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    @property
    def said(self) -> tuple[dict[str, Any], ...]:
        """All of it, lowest rank first."""
        return (self.own, self.environment, self.config, self.options)

    def settings(
        self, *, profile: str = "default", narrow: Callable[[Settings], Mapping[str, Any]] = lambda standing: {}
    ) -> Settings:
        """Put everything together.

        Args:
            profile: for a user who names none.
            narrow: given what stands below `--config` and the command line, says what to replace in it.

        Raises:
            UsageError: a value is not allowed, or there is no such profile.
        """
        name = next((source["profile"] for source in reversed(self.said) if "profile" in source), profile)
        standing = _merged(read_profile(name), self.own, self.environment, {"profile": name})
        narrowed = dict(narrow(_checked(Settings, standing)))
        return _checked(Settings, _merged(standing, narrowed, self.config, self.options, {"profile": name}))


def read_sources(options: dict[str, Any] | None = None, *, config: Path | None = None) -> Sources:
    """Read what the user said of the settings.

    Args:
        options: what the command line says, nested as the settings are; values of None count as not said. Paths in it
            are as the user typed them; they are made absolute here, once.
        config: the file that `--config` names.

    Raises:
        UsageError: a file cannot be read, or a variable is wrong.
    """
    if config is not None and not config.is_file():
        raise UsageError(f"there is no file {config}", "give the path of a YAML file with settings")
    own = config_folder() / USER_FILE
    named = config.absolute() if config is not None else None
    return Sources(
        own=_read_settings(own) if own.is_file() else {},
        environment=_with_paths(_checked(_Environment, {}).model_dump(exclude_unset=True), None),
        config=_read_settings(named) if named is not None else {},
        options=_with_paths(_said(options or {}), Path.cwd()),
        files=tuple(str(file) for file in (own, named) if file is not None and file.is_file()),
    )


def with_changes(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Settings with some changed, a profile's own settings included where another profile is named.

    Args:
        settings: of a run.
        changes: nested as the settings are.

    Raises:
        UsageError: a value is not allowed, or there is no such profile.
    """
    profile = read_profile(changes["profile"]) if "profile" in changes else {}
    return _checked(Settings, _merged(settings.model_dump(exclude_unset=True), profile, changes))


def _read_settings(path: Path) -> dict[str, Any]:
    return _with_paths(read_mapping(path), path.parent)


def _with_paths(said: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """What was said, with its paths made absolute, so that no later look-up depends on the current folder.

    Args:
        said: settings.
        folder: what relative paths are relative to; None refuses them: a variable outlives the folder it was set in.
    """

    def absolute(name: str, path: object) -> str:
        found = expanded(str(path))
        if not found.is_absolute() and folder is None:
            raise UsageError(f"the path {str(path)!r} in the environment is relative ({name})", "give an absolute path")
        return str(found if folder is None else folder / found)

    changed: dict[str, Any] = {}
    policy, profile, folders = said.get("policy"), said.get("profile"), said.get("tool_folders")
    if isinstance(policy, str) and policy not in ("", "human"):
        changed["policy"] = absolute("policy", policy)
    if isinstance(profile, str) and (os.sep in profile or profile.startswith((".", "~"))):
        changed["profile"] = absolute("profile", profile)
    if isinstance(folders, list | tuple):
        changed["tool_folders"] = [absolute("tool_folders", path) for path in folders]
    strategy = said.get("strategy")
    if isinstance(strategy, dict):
        changed["strategy"] = dict(strategy)
        if isinstance(strategy.get("folders"), list | tuple):
            places = [absolute("strategy.folders", path) for path in strategy["folders"]]
            changed["strategy"]["folders"] = places
        if isinstance(strategy.get("scorer"), str):
            changed["strategy"]["scorer"] = absolute("strategy.scorer", strategy["scorer"])
    return {**said, **changed}


def _checked(kind: type[_S], values: dict[str, Any]) -> _S:
    try:
        return kind(**values)
    except ValidationError as error:
        item = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in item["loc"])
        raise UsageError(f"the setting {place} cannot be used: {item['msg']}", "see docs/settings.md") from error


def _said(options: dict[str, Any]) -> dict[str, Any]:
    said = {key: _said(value) if isinstance(value, dict) else value for key, value in options.items()}
    return {key: value for key, value in said.items() if value is not None and value != {}}


def _merged(*sources: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for source in sources:
        merged = _merge(merged, dict(source))
    return merged


def _merge(low: dict[str, Any], high: dict[str, Any]) -> dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
