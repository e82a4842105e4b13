"""Profiles: folders with settings and prompts, shipped or the user's own."""

from pathlib import Path
from typing import Any

import yaml

from sweagent.errors import UsageError
from sweagent.resources import resource


def is_shipped(profile: str) -> bool:
    """Whether a profile is one of those that come with fix-issue, rather than a folder of somebody's."""
    return profile in _shipped_profiles()


def _shipped_profiles() -> list[str]:
    return sorted(file.parent.name for file in resource("prompts").glob("*/profile.yaml"))


def profile_folder(name: str) -> Path:
    """The folder of a profile: one of `prompts/` by its name, or any absolute path that holds a `profile.yaml`.

    Raises:
        UsageError: there is none of that name.
    """
    if is_shipped(name):
        return resource("prompts") / name
    if Path(name).is_absolute() and (Path(name) / "profile.yaml").is_file():
        return Path(name)
    raise UsageError(
        f"there is no profile {name!r}",
        f"the profiles are: {', '.join(_shipped_profiles())}; or give a folder with a profile.yaml, such as ./mine",
    )


def read_profile(name: str) -> dict[str, Any]:
    """The settings that a profile brings.

    Raises:
        UsageError: there is none of that name, or it is not YAML.
    """
    return read_mapping(profile_folder(name) / "profile.yaml")


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file of settings.

    Raises:
        UsageError: it cannot be read, or is no mapping.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"cannot read {path}: {error}", "it must be a YAML mapping of settings") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path} is not a mapping", "write settings as `name: value`")
    return data
