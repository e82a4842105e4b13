"""The settings of a run, and where they came from."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from sweagent.frozen import Frozen


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
