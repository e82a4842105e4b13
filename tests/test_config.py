"""Settings: profile < the user's file < environment < `--config` < command line, and mistakes that are told."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from sweagent.config import Settings
from sweagent.errors import ExitCode, UsageError
from sweagent.settings_sources import read_sources


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own file, not yet written; nothing else of this machine says anything."""
    for name in [name for name in os.environ if name.startswith("FIX_ISSUE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config/fix-issue").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "config/fix-issue/config.yaml"


def test_defaults_are_those_of_the_default_profile() -> None:
    settings = read_sources().settings()

    assert settings.profile == "default"
    assert "submit" in settings.tools
    assert settings.limits.steps > 0


def test_each_source_wins_over_the_one_before(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_sources().settings().limits.steps == Settings().limits.steps
    own.write_text("limits: {steps: 1, seconds: 11, cost: 0.1, tokens: 1000}\nmodel: {name: own}\n")
    assert read_sources().settings().limits.steps == 1
    monkeypatch.setenv("FIX_ISSUE_LIMITS__STEPS", "2")
    monkeypatch.setenv("FIX_ISSUE_LIMITS__SECONDS", "22")
    assert read_sources().settings().limits.steps == 2
    config = tmp_path / "mine.yaml"
    config.write_text("limits: {steps: 3, seconds: 33, cost: 0.3}\n")
    assert read_sources(config=config).settings().limits.steps == 3

    sources = read_sources({"limits": {"steps": 4, "seconds": None}, "model": {"name": None}}, config=config)
    settings = sources.settings()

    limits = settings.limits
    assert (limits.steps, limits.seconds, limits.cost, limits.tokens) == (4, 33, 0.3, 1000)
    assert settings.model.name == "own"
    assert sources.files == (str(own), str(config))


@pytest.mark.parametrize("name", [".fix-issue.yaml", "config.yaml", "fix-issue/config.yaml", ".env"])
def test_no_file_of_the_current_folder_is_read(name: str) -> None:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text("FIX_ISSUE_LIMITS__STEPS=1\n" if name == ".env" else "limits: {steps: 1}\n")

    assert read_sources().settings().limits.steps == 100


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("variable", ["XDG_CONFIG_HOME", "HOME"])
def test_a_relative_home_is_not_looked_up_in_the_current_folder(
    variable: str, older: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if older:  # newer versions of the library ignore a relative folder themselves
        found = Path("here/fix-issue" if variable.startswith("XDG") else "here/.config/fix-issue")
        monkeypatch.setattr("platformdirs.unix.Unix.user_config_path", found)
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv(variable, "here")
    for folder in ("here/fix-issue", "here/.config/fix-issue", "~/.config/fix-issue"):
        Path(folder).mkdir(parents=True)
        Path(folder, "config.yaml").write_text("limits: {steps: 1}\n")

    assert read_sources().settings().limits.steps == 100


@pytest.mark.parametrize("where", ["file", "environment", "options"])
def test_profile_may_be_chosen_anywhere(where: str, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if where == "file":
        own.write_text("profile: bash-only\n")
    if where == "environment":
        monkeypatch.setenv("FIX_ISSUE_PROFILE", "bash-only")

    settings = read_sources({"profile": "bash-only"} if where == "options" else None).settings()

    assert settings.profile == "bash-only"
    assert settings.tools == ("bash", "submit")


def test_a_profile_of_the_users_own_is_named_by_a_path(own: Path) -> None:
    for folder in (Path("mine"), own.parent / "theirs"):
        folder.mkdir()
        (folder / "profile.yaml").write_text("limits: {steps: 7}\n")

    assert read_sources({"profile": "./mine"}).settings().limits.steps == 7
    with pytest.raises(UsageError, match="no profile"):
        read_sources({"profile": "mine"}).settings()
    own.write_text("profile: ./theirs\n")
    assert read_sources().settings().limits.steps == 7


def test_paths_are_relative_to_whoever_names_them(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own.write_text("policy: run.yaml\ntool_folders: [tools, /other]\n")
    settings = read_sources({"policy": None}).settings()
    assert settings.policy == str(own.parent / "run.yaml")
    assert settings.tool_folders == (own.parent / "tools", Path("/other"))
    assert read_sources({"policy": "x.yaml"}).settings().policy == str(Path.cwd() / "x.yaml")
    assert read_sources({"policy": "human"}).settings().policy == "human"
    monkeypatch.setenv("FIX_ISSUE_POLICY", "run.yaml")
    with pytest.raises(UsageError, match="relative"):
        read_sources().settings()


def test_profile_may_be_a_folder_of_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/profile.yaml").write_text("limits: {steps: 7}\n")

    assert read_sources({"profile": str(tmp_path / "mine")}).settings().limits.steps == 7


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("limits: {steps: many}", "limits.steps"),
        ("limits: {steps: 0}", "limits.steps"),
        ("limits: {stepz: 3}", "limits.stepz"),
        ("nonsense: 1", "nonsense"),
        ("sandbox: {kind: chroot}", "sandbox.kind"),
        ("limits: 3", "limits"),
        ("- a list", "mapping"),
        ("just text", "mapping"),
        ("a: [", "cannot read"),
        ("\udcff", "cannot read"),
        ("profile: no-such-profile", "no profile"),
    ],
)
def test_mistake_in_a_file_is_told_in_one_line(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(UsageError, match=words) as caught:
        read_sources(config=file).settings()

    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.hint
    assert len(str(caught.value).splitlines()) <= 5


def test_mistake_in_the_environment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIX_ISSUE_LIMITS__STEPS", "many")

    with pytest.raises(UsageError, match=r"limits\.steps"):
        read_sources().settings()


def test_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        read_sources(config=tmp_path / "nope.yaml").settings()


def test_empty_file_says_nothing(own: Path) -> None:
    own.write_text("")

    assert read_sources().settings() == read_sources({}).settings()


def test_settings_cannot_be_changed_and_come_back_from_json() -> None:
    settings = read_sources({"tool_folders": [Path("x")]}).settings()

    with pytest.raises(ValidationError):
        settings.hints = False
    assert Settings.model_validate(settings.model_dump(mode="json")) == settings
