"""One typed tree of settings: profile YAML < project file < environment < command line."""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from sweagent.errors import UsageError
from sweagent.model import Frozen
from sweagent.resources import resource

_S = TypeVar("_S", bound="Settings")

PROJECT_FILE = ".fix-issue.yaml"
"""Read from the user's current folder, never from the untrusted repository's tree alone."""


class ModelSettings(Frozen):
    """Which model decides, and how it is called."""

    name: str = ""
    """As litellm names it, for example `anthropic/claude-sonnet-4-5` or `openai/my-model`."""
    api_base: str | None = None
    """Base URL of an OpenAI-compatible server."""
    temperature: float | None = None
    max_output_tokens: int = 16_384
    context_window: int | None = None
    """Tokens; None takes what is known of the model."""
    action_format: Literal["auto", "native", "text"] = "auto"
    """Native tool calls, a text format for models without them, or whichever the model supports."""
    summaries: bool = False
    """Let the model sum up what the view forgets; the summary is recorded."""
    timeout: float = 600.0
    """Seconds of one call."""
    retries: int = 6
    extra: dict[str, Any] = {}
    """Further arguments of `litellm.completion`."""


class LimitSettings(Frozen):
    """Hard limits of a run. What is reached first ends it; the patch is kept."""

    cost: float | None = Field(default=3.0, gt=0)
    """US dollars; None for no limit."""
    tokens: int | None = Field(default=None, gt=0)
    """Prompt and completion tokens together; None for no limit, unless the price of the model is unknown."""
    unpriced_tokens: int = Field(default=5_000_000, gt=0)
    """The limit in tokens where the price of the model is unknown and neither `tokens` nor `cost` was given."""
    steps: int = Field(default=100, gt=0)
    seconds: float = Field(default=3600.0, gt=0)
    """Wall time of the whole run, by a monotonic clock."""
    malformed_replies: int = Field(default=3, gt=0)
    """This many in a row end the run."""


Host = Annotated[
    str, StringConstraints(to_lower=True, pattern=r"^(\*\.)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:\d{1,5})?$")
]
"""A host's name or IPv4 address, `*.` before it for all names below, `:PORT` after it for that port only."""


class SandboxSettings(Frozen):
    """Where commands run and what they may use."""

    kind: Literal["auto", "docker", "bubblewrap", "local"] = "auto"
    image: str | None = None
    network: bool = False
    allow_hosts: tuple[Host, ...] = ()
    """Hosts that a Docker sandbox may reach while its network is shut otherwise."""
    packages: bool = False
    """Give back the capabilities that package managers need."""
    memory: str = "4g"
    pids: int = 512
    disk: str = "10g"
    cpus: float | None = None
    timeout: float = 120.0
    """Seconds of a command, unless the call says otherwise."""
    max_timeout: float = 1200.0
    output: int = 10_000
    """Characters of one observation."""


class ImageSettings(Frozen):
    """The images that environments are built into."""

    disk: str = "60g"
    """What they may take on disk together; the least recently used go first."""
    advice_cost: float = Field(default=0.0, ge=0)
    """US dollars that may be spent on asking the model about a build for which no remedy is known; 0 never asks."""


class VerifySettings(Frozen):
    """How much the verifier may use, and what it lets pass."""

    seconds: float = Field(default=600.0, gt=0)
    """Wall time of the whole verification."""
    rounds: int = Field(default=2, ge=0)
    """How often a submission that is not verified goes back to the model."""
    accept: tuple[str, ...] = ()
    """Findings for review that the user has looked at: a rule's name, or `RULE:PATH` for one file."""
    allow_tests: bool = False
    """Keep edits to tests in the patch."""
    allow_protected: bool = False
    """Keep edits to workflows, lock files, CODEOWNERS and instructions for agents in the patch."""
    allow_binaries: bool = False
    """Keep binary files in the patch."""


class Settings(BaseSettings):
    """All settings of a run."""

    model_config = SettingsConfigDict(env_prefix="FIX_ISSUE_", env_nested_delimiter="__", extra="forbid", frozen=True)

    profile: str = "default"
    policy: str = ""
    """A script, a trajectory or `human` instead of a model."""
    tools: tuple[str, ...] = ()
    tool_folders: tuple[Path, ...] = ()
    model: ModelSettings = ModelSettings()
    limits: LimitSettings = LimitSettings()
    sandbox: SandboxSettings = SandboxSettings()
    images: ImageSettings = ImageSettings()
    verify: VerifySettings = VerifySettings()
    hints: bool = True
    """Put the localiser's hints into the first prompt."""
    context_files: tuple[str, ...] = ("AGENTS.md", "CONTRIBUTING.md", "CONTRIBUTING.rst")
    """Files of the target repository that the model is offered, marked as untrusted."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Values are merged by `load_settings`; only the environment is left to pydantic-settings."""
        return (init_settings,)


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


def load_settings(options: dict[str, Any] | None = None, *, project: Path | None = None) -> Settings:
    """Merge the profile, the project file, the environment and the command line, later ones first in rank.

    Args:
        options: what the command line says, nested as the settings are; values of None count as not said.
        project: a project file to read; None reads `.fix-issue.yaml` in the current folder when there is one.

    Raises:
        UsageError: a value is not allowed, or a file cannot be read.
    """
    file = project or Path(PROJECT_FILE)
    if project is not None and not project.is_file():
        raise UsageError(f"there is no file {project}", "give the path of a YAML file with settings")
    from_file = _read_yaml(file) if file.is_file() else {}
    from_file.pop("environment", None)
    from_environment = _checked(_Environment, {}).model_dump(exclude_unset=True)
    from_options = _said(options or {})
    name = next(
        (source["profile"] for source in (from_options, from_environment, from_file) if "profile" in source), "default"
    )
    merged: dict[str, Any] = {}
    for source in (read_profile(name), from_file, from_environment, from_options):
        merged = _merge(merged, source)
    return _checked(Settings, {**merged, "profile": name})


def profile_folder(name: str) -> Path:
    """The folder of a profile: a folder of `prompts/`, or any path that holds a `profile.yaml`.

    Raises:
        UsageError: there is none of that name.
    """
    for folder in (resource("prompts") / name, Path(name)):
        if (folder / "profile.yaml").is_file():
            return folder
    known = ", ".join(sorted(file.parent.name for file in resource("prompts").glob("*/profile.yaml")))
    raise UsageError(
        f"there is no profile {name!r}", f"the profiles are: {known}; or give a folder with a profile.yaml"
    )


def read_profile(name: str) -> dict[str, Any]:
    """The settings that a profile brings.

    Raises:
        UsageError: there is none of that name, or it is not YAML.
    """
    return _read_yaml(profile_folder(name) / "profile.yaml")


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"cannot read {path}: {error}", "it must be a YAML mapping of settings") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path} is not a mapping", "write settings as `name: value`")
    return data


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


def _merge(low: dict[str, Any], high: dict[str, Any]) -> dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
