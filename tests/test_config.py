"""Settings: profile < project file < environment < command line, and mistakes that are told."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from sweagent.config import Settings, load_settings
from sweagent.errors import ExitCode, UsageError


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FIX_ISSUE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_are_those_of_the_default_profile() -> None:
    settings = load_settings()

    assert settings.profile == "default"
    assert "submit" in settings.tools
    assert settings.limits.steps > 0


def test_each_source_wins_over_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().limits.steps == Settings().limits.steps
    (tmp_path / ".fix-issue.yaml").write_text("limits: {steps: 1, seconds: 11, cost: 0.1}\nmodel: {name: file}\n")
    assert load_settings().limits.steps == 1
    monkeypatch.setenv("FIX_ISSUE_LIMITS__STEPS", "2")
    monkeypatch.setenv("FIX_ISSUE_LIMITS__SECONDS", "22")
    assert load_settings().limits.steps == 2

    settings = load_settings({"limits": {"steps": 3, "seconds": None}, "model": {"name": None}})

    assert (settings.limits.steps, settings.limits.seconds, settings.limits.cost) == (3, 22, 0.1)
    assert settings.model.name == "file"


@pytest.mark.parametrize("where", ["file", "environment", "options"])
def test_profile_may_be_chosen_anywhere(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if where == "file":
        (tmp_path / ".fix-issue.yaml").write_text("profile: bash-only\n")
    if where == "environment":
        monkeypatch.setenv("FIX_ISSUE_PROFILE", "bash-only")

    settings = load_settings({"profile": "bash-only"} if where == "options" else None)

    assert settings.profile == "bash-only"
    assert settings.tools == ("bash", "submit")


def test_profile_may_be_a_folder_of_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/profile.yaml").write_text("limits: {steps: 7}\n")

    assert load_settings({"profile": str(tmp_path / "mine")}).limits.steps == 7


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
        load_settings(project=file)

    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.hint
    assert len(str(caught.value).splitlines()) <= 5


def test_mistake_in_the_environment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIX_ISSUE_LIMITS__STEPS", "many")

    with pytest.raises(UsageError, match=r"limits\.steps"):
        load_settings()


def test_project_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        load_settings(project=tmp_path / "nope.yaml")


def test_empty_project_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / ".fix-issue.yaml").write_text("")

    assert load_settings() == load_settings({})


def test_settings_cannot_be_changed_and_come_back_from_json() -> None:
    settings = load_settings({"tool_folders": [Path("x")]})

    with pytest.raises(ValidationError):
        settings.hints = False
    assert Settings.model_validate(settings.model_dump(mode="json")) == settings
