"""What is printed while one waits, and what of others' text reaches the terminal."""

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
import yaml

from sweagent.cli.console import clock, counted, duration
from sweagent.cli.describe_action import describe
from sweagent.cli.heartbeat import Heartbeat
from sweagent.cli.hooks import Hooks
from sweagent.cli.progress import PlainProgress
from sweagent.config import HookSettings
from sweagent.exit_status import ExitStatus
from sweagent.printable import printable_text
from sweagent.run_folder import Result, RunFolder
from sweagent.trajectory import (
    Action,
    ActionDone,
    Observation,
    PromptWritten,
    Reply,
    ReplyReceived,
    SandboxStarted,
)
from sweagent.verdict import Verdict
from sweagent.verify import VerifyProgress
from sweagent.verify.proof import Side

PATIENCE = 60


def fix_issue(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sweagent", *map(str, arguments)]
    env = {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env)


ACTIONS = {
    "several lines of shell": ("bash", {"command": "cd /tmp\nls\nrm x"}, "bash cd /tmp (+2 lines)"),
    "in the background": ("bash", {"command": "make", "background": True}, "bash make in the background"),
    "a range": ("view", {"path": "a.py", "start": 3, "end": 9}, "view a.py:3-9"),
    "no file's contents": ("write", {"path": "a.py", "content": "x = 1\n"}, "write a.py"),
    "an edit": ("edit", {"command": "str_replace", "path": "a.py", "old": "a", "new": "b"}, "edit a.py (replace)"),
    "a reproduction": (
        "reproduce",
        {"path": "t.py", "content": "assert 0", "command": "pytest t.py"},
        "by pytest t.py",
    ),
    "tests": ("test", {"tests": ["tests/a.py", "tests/b.py"]}, "test tests/a.py tests/b.py"),
    "the whole suite": ("test", {}, "test (the whole suite)"),
    "files of a diff": ("apply_diff", {"diff": "--- a/x.py\n+++ b/x.py\n@@"}, "apply_diff x.py"),
    "a tool of somebody's": ("own", {"n": 3, "list": [1], "text": "a\nb"}, "own n=3"),
    "files by name": ("search", {"glob": "*.py", "path": "pkg"}, "search *.py in pkg"),
    "locals": ("trace", {"path": "a.py", "symbol": "C.f"}, "trace C.f a.py"),
    "code": ("python", {"code": "import a\na.b()"}, "python import a"),
}


@pytest.mark.parametrize(("tool", "arguments", "said"), ACTIONS.values(), ids=ACTIONS)
def test_an_action_is_told_without_contents_and_reprs(tool: str, arguments: dict[str, object], said: str) -> None:
    text = describe(Action(id="1", tool=tool, arguments=arguments))
    assert text == said or text.endswith(said)
    assert not {"[", "{", "\n"} & set(text)


def test_times_and_numbers_are_as_people_write_them() -> None:
    assert [clock(seconds) for seconds in (0, 59.7, 60, 3599.9, 3600)] == ["0:00", "0:59", "1:00", "59:59", "1:00:00"]
    assert [duration(seconds) for seconds in (0.4, 59.6, 3599.6)] == ["0 s", "1 min 0 s", "1 h 0 min"]
    assert [counted(number, "file") for number in (0, 1, 2, 1000)] == ["0 files", "1 file", "2 files", "1,000 files"]


SEQUENCES = {
    "colour": ("a\x1b[31mred\x1b[0m", "ared"),
    "clear the screen": ("a\x1b[2Jb", "ab"),
    "title": ("a\x1b]0;title\x07b", "ab"),
    "link": ("\x1b]8;;http://e.vil\x1b\\text\x1b]8;;\x1b\\", "text"),
    "unfinished": ("a\x1b", "a\ufffd"),
    "one character": ("a\x9b2Jb", "a\ufffd2Jb"),
    "carriage return": ("good\rbad", "good\ufffdbad"),
    "direction": ("a\u202eb", "a\ufffdb"),
    "line ends": ("a\r\nb\n", "a\nb\n"),
}


@pytest.mark.parametrize(("text", "shown"), SEQUENCES.values(), ids=SEQUENCES)
def test_text_of_others_does_not_drive_the_terminal(text: str, shown: str) -> None:
    assert printable_text(text) == shown


def test_a_silence_is_broken_as_long_as_it_lasts() -> None:
    told: list[float] = []
    twice = threading.Event()

    def still(silent: float) -> None:
        told.append(silent)
        if len(told) == 2:
            twice.set()

    with Heartbeat(still, every=0.01):
        assert twice.wait(PATIENCE)


def test_what_is_waited_for_is_known_at_every_moment() -> None:
    progress = PlainProgress(io.StringIO())
    actions = tuple(Action(id=name, tool="bash", arguments={"command": name}) for name in ("one", "two"))
    progress(ReplyReceived(step=1, reply=Reply(actions=actions)))
    assert progress.now == "bash one"
    progress(ActionDone(step=1, action_id="one", observation=Observation(text="")))
    assert progress.now == "bash two"
    progress(ActionDone(step=1, action_id="two", observation=Observation(text="")))
    assert progress.now == "waiting for the model"
    progress.verifying(VerifyProgress(Side.PATCHED, "tests", 3, 41, 95.0, ended=False))
    assert (
        progress.now == "verifying: existing tests, with the patch, 3 test files, 41 results so far; at most 1:35 left"
    )


def test_a_person_who_decides_is_told_of_every_wait_but_that_for_their_own_word() -> None:
    written = io.StringIO()
    progress = PlainProgress(written, person=True)

    def silence() -> str:
        written.truncate(0)
        progress._still(20.0)
        return written.getvalue().rpartition("… ")[2]

    progress.note("building the image of the environment")
    assert silence().startswith("building the image")
    progress(SandboxStarted(kind="docker", seconds=1.0))
    progress(PromptWritten(system="s", task="t"))
    assert not silence()
    progress(
        ReplyReceived(step=1, reply=Reply(actions=(Action(id="one", tool="bash", arguments={"command": "make"}),)))
    )
    assert silence().startswith("bash make")
    progress(ActionDone(step=1, action_id="one", observation=Observation(text="")))
    assert not silence()


def ended(folder: Path) -> Result:
    return Result(
        run_id="r", folder=str(folder), exit_status=ExitStatus.SUBMITTED, verdict=Verdict.VERIFIED, exit_code=0
    )


def test_hooks_are_told_of_the_run_and_one_that_fails_changes_nothing(tmp_path: Path) -> None:
    notes: list[str] = []
    settings = HookSettings(
        on_submit="echo $FIX_ISSUE_EVENT >> seen; exit 3", on_end="echo $FIX_ISSUE_EVENT $FIX_ISSUE_VERDICT >> seen"
    )
    hooks = Hooks(settings, 'echo "told $FIX_ISSUE_EXIT_CODE" >> seen', RunFolder(tmp_path), notes.append)
    hooks(ActionDone(step=1, action_id="1", observation=Observation(text="", submitted=True)))
    hooks.ended(ended(tmp_path))
    assert (tmp_path / "seen").read_text().splitlines() == ["submit", "end verified", "told 0"]
    assert len(notes) == 1
    assert "status 3" in notes[0]


def test_hooks_of_a_repository_have_no_effect(git_repository: Callable[..., Path], tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    hostile = {"hooks": {"on_start": f"touch {mark}", "on_end": f"touch {mark}"}, "notify": f"touch {mark}"}
    repo = git_repository({"a.py": "x = 1\n", ".fix-issue.yaml": yaml.safe_dump(hostile)})
    done = fix_issue(
        repo, "x", "--policy", "human", "--sandbox", "local", "-o", tmp_path / "run", XDG_STATE_HOME=str(tmp_path)
    )
    assert done.returncode == 130, done.stderr  # nobody is there to type
    assert "hooks" in done.stderr
    assert not mark.exists()


def test_hooks_are_not_kept_in_a_log(git_repository: Callable[..., Path], tmp_path: Path) -> None:
    repo, config = git_repository({"a.py": "x = 1\n"}), tmp_path / "mine.yaml"
    config.write_text(yaml.safe_dump({"hooks": {"on_start": "echo started > started"}}))
    fix_issue(repo, "x", "--policy", "human", "--sandbox", "local", "-o", tmp_path / "run", "--config", config)
    assert (tmp_path / "run" / "started").read_text() == "started\n"
    assert "echo started" not in (tmp_path / "run" / "trajectory.jsonl").read_text()


@pytest.mark.parametrize("topic", ["verdicts", "exit-codes", "settings", "trust", "runs"])
def test_help_explains_a_topic(topic: str) -> None:
    done = fix_issue("help", topic)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 8
    assert fix_issue("help", "weather").returncode == 2


def completed(words: str, shell: str = "bash", **more: str) -> list[str]:
    given = {"_FIX_ISSUE_COMPLETE": f"complete_{shell}", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    return fix_issue(**given, _TYPER_COMPLETE_ARGS=words, _TYPER_COMPLETE_FISH_ACTION="get-args", **more).stdout.split()


@pytest.mark.parametrize("shell", ["bash", *(pytest.param(name, marks=pytest.mark.slow) for name in ("zsh", "fish"))])
def test_a_shell_completes_commands_options_and_runs(shell: str, tmp_path: Path) -> None:
    (tmp_path / "fix-issue/runs/shapes-1").mkdir(parents=True)
    own = {"XDG_STATE_HOME": str(tmp_path)}
    assert "fix-issue" in fix_issue("completion", shell).stdout
    assert "verify" in "".join(completed("fix-issue ver", shell))
    assert "--max-cost" in " ".join(completed("fix-issue ./repo 7 --max", shell))
    assert "shapes-1" in "".join(completed("fix-issue show sh", shell, **own))


def test_init_writes_the_users_settings_and_not_the_key(tmp_path: Path) -> None:
    own = {"XDG_CONFIG_HOME": str(tmp_path), "OPENAI_API_KEY": "sk-sesame"}
    done = fix_issue("init", "--model", "openai/gpt-5", "--max-cost", "2", "--no-doctor", **own)
    assert done.returncode == 0, done.stderr
    file = tmp_path / "fix-issue" / "config.yaml"
    assert yaml.safe_load(file.read_text()) == {"model": {"name": "openai/gpt-5"}, "limits": {"cost": 2.0}}
    assert file.stat().st_mode & 0o077 == 0
    assert "OPENAI_API_KEY" in done.stdout
    again = fix_issue("init", "--model", "anthropic/claude-sonnet-4-5", "--no-doctor", **own)
    assert again.returncode == 0
    assert yaml.safe_load(file.read_text())["limits"] == {"cost": 2.0}
    assert "gpt-5" in (tmp_path / "fix-issue" / "config.yaml.before").read_text()
    assert fix_issue("init", "--model", "gpt5", "--no-doctor", **own).returncode == 2
    assert fix_issue("init", "--no-doctor", XDG_CONFIG_HOME=str(tmp_path / "none")).returncode == 2


def test_init_asks_at_a_terminal_and_writes_a_key_only_when_asked(tmp_path: Path) -> None:
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "OPENAI_API_KEY": "x"}
    for name in ("ANTHROPIC_API_KEY",):
        env.pop(name, None)
    command = ["-m", "sweagent", "init", "--no-doctor", "--write-key"]
    child = pexpect.spawn(sys.executable, command, env=env, timeout=PATIENCE, encoding="utf-8")
    child.expect(r"\[openai/gpt-5\]: ")
    child.sendline("")
    child.expect("not shown")
    child.sendline("sk-sesame")
    child.expect(pexpect.EOF)
    assert "sk-sesame" not in child.before
    written = yaml.safe_load((tmp_path / "fix-issue" / "config.yaml").read_text())
    assert written["model"] == {"name": "openai/gpt-5", "extra": {"api_key": "sk-sesame"}}


@pytest.mark.parametrize(("variables", "options"), [({"NO_COLOR": "1"}, []), ({}, ["--plain"]), ({"TERM": "dumb"}, [])])
def test_no_colour_when_it_is_not_wanted(variables: dict[str, str], options: list[str], tmp_path: Path) -> None:
    env = {**os.environ, "TERM": "xterm-256color", "XDG_CONFIG_HOME": str(tmp_path), **variables}
    command = ["-m", "sweagent", "help", "verdicts", *options]
    text = pexpect.run(" ".join([sys.executable, *command]), env=env, timeout=PATIENCE, encoding="utf-8")
    assert "\x1b[" not in text
