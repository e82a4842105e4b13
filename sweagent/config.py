"""Settings: profile < user's file < environment < `--config` < command line."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from sweagent.errors import UsageError
from sweagent.frozen import Frozen
from sweagent.home import config_folder, expanded
from sweagent.resources import resource

_S = TypeVar("_S", bound="Settings")

USER_FILE = "config.yaml"
"""The user's own settings, in `sweagent.home.config_folder()`."""


class ModelSettings(Frozen):
    """The model that decides, and how it is called."""

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
    scope_header: bool = True
    """Name attempts and questions in the header `X-Fix-Issue-Scope` of their requests; the first attempt has none."""
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
    """Wall time of the agent and of all verifications, by a monotonic clock."""
    malformed_replies: int = Field(default=3, gt=0)
    """This many in a row end the run."""


Host = Annotated[
    str, StringConstraints(to_lower=True, pattern=r"^(\*\.)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:\d{1,5})?$")
]
"""A host's name or IPv4 address, `*.` before it for all names below, `:PORT` after it for that port only."""


class SandboxSettings(Frozen):
    """The place where commands run, and what they may use."""

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

    enabled: bool = True
    """Verify at all; without it patches are `not verified` and nothing goes back to the model. For batches that are
    graded officially anyway."""
    seconds: float = Field(default=600.0, gt=0)
    """Wall time of the whole verification, at the most what the run has left."""
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
    tester: str = ""
    """A model, or `self`, that designs tests without seeing a patch; two that fail take `verified` away."""


class StrategySettings(Frozen):
    """How a run goes about its task; `docs/strategies.md`."""

    name: str = "single"
    folders: tuple[Path, ...] = ()
    """The user's own folders of strategies; one there hides a shipped one of the same name."""
    options: dict[str, Any] = {}
    """The strategy's own parameters."""
    scorer: Path | None = None
    """A Python file of the user's own whose `score(features)` chooses among the candidates."""
    workers: int = Field(default=4, ge=1)
    """How many attempts, or answers to one question, are made side by side where the strategy lets them."""


class HookSettings(Frozen):
    """Shell commands of the user's, run on this machine in the run's folder; told of the run by variables."""

    on_start: str = ""
    on_submit: str = ""
    on_end: str = ""


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
    strategy: StrategySettings = StrategySettings()
    review: str = ""
    """A model, or `self`, that reviews the chosen patch once and breaks ties; what it says is for people to look at."""
    memory: bool = False
    """Remember what was seen of a repository, and show it to later runs on it; never in batches and in the Action."""
    hints: bool = True
    """Put the localiser's hints into the first prompt."""
    context_files: tuple[str, ...] = ("AGENTS.md", "CONTRIBUTING.md", "CONTRIBUTING.rst")
    """Files of the target repository that the model is offered, marked as untrusted."""
    hooks: HookSettings = HookSettings()
    notify: str = ""
    """How a run's end is told: `bell`, `osc9`, or a shell command; empty for none."""
    environment: dict[str, Any] = {}
    """Parts of the recipe of the repository's environment; they win over those that the repository's own file says."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Values are merged by `Sources`; only the environment is left to pydantic-settings."""
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


class Origin(Frozen):
    """Sources of a run's settings, and what a repository asked for in vain."""

    files: tuple[str, ...] = ()
    """The user's files that were read, lowest rank first."""
    project: str = ""
    """The repository's own file and its commit; empty when there is none."""
    taken: tuple[str, ...] = ()
    """What of the repository's file counts."""
    ignored: tuple[str, ...] = ()
    """What of it has no effect, each with the reason."""

    def lines(self) -> list[str]:
        """The same for people."""
        lines = [f"settings were read from {file}" for file in self.files]
        if self.project:
            lines.append(f"{self.project} says: {', '.join(self.taken) or 'nothing that counts'}")
        if self.ignored:
            lines.append(
                f"without effect there: {'; '.join(self.ignored)}. "
                "A repository may not set this; if you want it, put it into a file of your own and give it by --config"
            )
        return lines


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
    return _read_yaml(profile_folder(name) / "profile.yaml")


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"cannot read {path}: {error}", "it must be a YAML mapping of settings") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path} is not a mapping", "write settings as `name: value`")
    return data


def _read_settings(path: Path) -> dict[str, Any]:
    return _with_paths(_read_yaml(path), path.parent)


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
