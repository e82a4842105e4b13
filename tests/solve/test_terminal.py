"""Sessions at a terminal, typed by a program: a person as the policy, Ctrl-C, `--confirm`."""

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest
import yaml

from sweagent.sandbox import probe
from sweagent.trajectory import ActionDone, FeedbackGiven
from sweagent.trajectory_file import read_events

PATIENCE = 100
# bubblewrap keeps an environment for the next run; the local sandbox makes it anew.
KIND = "bubblewrap" if probe("bubblewrap").works else "local"
KEY_LEFT, KEY_HOME = "\x1b[D", "\x01"

Terminal = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment of the project is made once for all tests here."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def shared_cache(cache: Path, own_folders: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


@pytest.fixture
def project(git_repository: Callable[..., Path]) -> Path:
    files = {
        "shapes.py": "def area(width, height):\n    return width + height\n",
        # Nothing is installed, so that a session begins at once.
        ".fix-issue.yaml": "environment: {requirements: [], test_command: python -m unittest}\n",
    }
    return git_repository(files, name="shapes")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """Start fix-issue on a terminal of its own, 100 columns wide."""
    started: list[pexpect.spawn[str]] = []

    def start(*arguments: str | Path) -> "pexpect.spawn[str]":
        env = {**os.environ, "TERM": "xterm-256color", "HOME": str(tmp_path), "PROMPT_TOOLKIT_NO_CPR": "1"}
        child = pexpect.spawn(
            sys.executable,
            ["-m", "sweagent", *map(str, arguments)],
            env=env,
            timeout=PATIENCE,
            dimensions=(40, 100),
            encoding="utf-8",
            codec_errors="replace",
        )
        started.append(child)
        return child

    yield start
    for child in started:
        if child.isalive():
            os.killpg(child.pid, signal.SIGKILL)
        child.close()


def ended(child: "pexpect.spawn[str]") -> int:
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus if child.exitstatus is not None else 128 + (child.signalstatus or 0)


def observations(folder: Path) -> list[str]:
    events = read_events(folder / "trajectory.jsonl")
    return [event.observation.text for event in events if isinstance(event, ActionDone)]


def test_a_person_works_with_history_completion_and_commands(terminal: Terminal, project: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    child = terminal(project, "area() adds", "--policy", "human", "--sandbox", KIND, "-o", run)
    child.expect(r"\[1\] >")
    child.send("/view sha\t")
    child.expect(r"pes\.py")
    child.send("\r")
    child.expect("return width \\+ height")
    child.expect(r"\[2\] >")
    child.send("printf '\\033[2Jclear\\033]0;title\\007'; sed -i s/+/*/ shapes.py\r")
    child.expect(r"\[3\] >")
    child.send("/diff\r")
    child.expect(r"\+    return width \* height")
    child.expect(r"\[4\] >")
    child.send("/help view\r")
    child.expect(r"path \(string, needed\)")
    child.send("not sent\x03")
    child.expect("Ctrl-D or /quit ends the run")
    child.send("\x1b[A\x1b[A\r")  # the line before the last: /diff once more
    child.expect(r"\[5\] >")
    child.send("/quit\r")
    assert ended(child) == 130
    seen = observations(run)
    assert seen[0].startswith("shapes.py")
    assert seen[2].splitlines()[0] == seen[3].splitlines()[0] == "diff --git a/shapes.py b/shapes.py"
    assert "width * height" in (run / "patch.diff").read_text()


def test_what_a_command_prints_does_not_drive_the_terminal(terminal: Terminal, project: Path, tmp_path: Path) -> None:
    child = terminal(project, "x", "--policy", "human", "--sandbox", KIND, "-o", tmp_path / "run")
    child.expect(r"\[1\] >")
    child.send("printf '\\033[2Jgone\\033]0;title\\007\\n'\r")
    child.expect("gone\r\n")
    assert "\x1b[2J" not in child.before
    child.expect(r"\[2\] >")
    assert "title" not in child.before
    child.send("\x04")
    assert ended(child) == 130


def script(folder: Path, *commands: str) -> Path:
    steps = [{"thought": "go", "actions": [{"bash": {"command": command}}]} for command in commands]
    path = folder / "steps.yaml"
    path.write_text(yaml.safe_dump([*steps, {"actions": [{"submit": {"summary": "x"}}]}]))
    return path


def until(file: Path) -> str:
    return f"until [ -e {file} ]; do sleep 0.05; done"


def live(terminal: Terminal, project: Path, tmp_path: Path, *more: str) -> tuple["pexpect.spawn[str]", Path]:
    """A run that waits in its first command for a file `go`."""
    steps, run = script(tmp_path, until(tmp_path / "go"), "echo second"), tmp_path / "run"
    # Only the local sandbox sees the test's folder.
    child = terminal(project, "x", "--policy", steps, "--sandbox", "local", "--verify-rounds", "0", "-o", run, *more)
    child.expect("until ")
    return child, run


def test_ctrl_c_lets_a_person_say_something_and_go_on(terminal: Terminal, project: Path, tmp_path: Path) -> None:
    child, run = live(terminal, project, tmp_path)
    child.sendintr()
    child.expect(r"s\[t\]op")
    child.send("s")
    child.expect("to the model: ")
    child.sendline("use the other function")
    child.expect("the model reads it")
    child.expect("step 1/")  # the panel is back
    child.sendintr()
    child.expect(r"s\[t\]op")
    child.send("p")
    child.expect("paused")
    (tmp_path / "go").touch()
    child.send("c")
    assert ended(child) == 6
    told = [event.text for event in read_events(run / "trajectory.jsonl") if isinstance(event, FeedbackGiven)]
    assert told[0] == "The user says: use the other function"
    assert observations(run)[1].startswith("second")


@pytest.mark.parametrize("answer", ["t", "\x03"], ids=["stop", "a second Ctrl-C"])
def test_ctrl_c_stops_a_run_that_can_be_resumed(answer: str, terminal: Terminal, project: Path, tmp_path: Path) -> None:
    child, run = live(terminal, project, tmp_path)
    child.sendintr()
    child.expect(r"s\[t\]op")
    child.send(answer)
    child.expect("fix-issue resume")
    assert ended(child) == 130
    assert json.loads((run / "result.json").read_text())["exit_status"] == "interrupted"


def test_confirm_asks_before_what_changes_something(terminal: Terminal, project: Path, tmp_path: Path) -> None:
    steps, run = script(tmp_path, "echo one", "echo two", "echo three", "echo four"), tmp_path / "run"
    child = terminal(project, "x", "--policy", steps, "--sandbox", KIND, "--verify-rounds", "0", "-o", run, "--confirm")
    child.expect("bash: echo one")
    child.expect(r"\[q\]uit > ")
    child.send("y")
    child.expect("bash: echo two")
    child.expect(r"\[q\]uit > ")
    child.send("n")
    child.expect("why")
    child.sendline("not now")
    child.expect("bash: echo three")
    child.expect(r"\[q\]uit > ")
    child.send("e")
    child.expect_exact("$ ")
    child.send(f"{KEY_HOME}echo edited; \r")
    child.expect("bash: echo four")
    child.expect(r"\[q\]uit > ")
    child.send("a")
    assert ended(child) == 6
    seen = observations(run)
    assert seen[0].startswith("one")
    assert seen[1] == "The user did not let this be run: not now"
    assert re.match(r"\[The user had this run instead: echo edited; echo three\]\nedited\nthree", seen[2])
    assert seen[3].startswith("four")


def test_one_sigint_ends_a_run_in_a_pipe(project: Path, tmp_path: Path) -> None:
    """Nothing is asked where nobody can answer."""
    import subprocess

    steps, run = script(tmp_path, f"touch {tmp_path}/there; {until(tmp_path / 'go')}"), tmp_path / "run"
    command = [sys.executable, "-m", "sweagent", project, "x", "--policy", steps, "--sandbox", "local", "-o", run]
    with subprocess.Popen([*map(str, command)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        while not (tmp_path / "there").exists():
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        _, printed = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130
    assert "Ctrl-C" not in printed
