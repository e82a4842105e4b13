"""What people see, at 40, 80 and 120 columns: made anew and compared with what is checked in.

FIX_ISSUE_WRITE_SCREENS=1 python -m pytest tests/cli/test_screens.py -m ""    writes the files; look at what changed
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pyte
import pytest
from shared_venvs import share_venvs

from sweagent.cli.demo import commit_all
from sweagent.resources import resource

SCREENS = Path(__file__).parent / "screens"
PROGRAM = Path(__file__).parents[1] / "support" / "screens.py"
WIDTHS = (40, 80, 120)
LINES = 3000
PATIENCE = 250


def screens(width: int, folder: Path) -> str:
    """All screens as a terminal of a width shows them."""
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("FIX_ISSUE_", "ANTHROPIC", "OPENAI"))
    }
    env |= {"TERM": "xterm", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
    env.pop("COLUMNS", None)
    raw = pexpect.run(
        f"{sys.executable} {PROGRAM} {folder}",
        env=env,
        timeout=PATIENCE,
        dimensions=(60, width),
        encoding="utf-8",
        cwd=str(folder),
    )
    assert isinstance(raw, str)
    # A screen that is too small would scroll: all lines are kept, and only the width matters.
    screen = pyte.Screen(width, LINES)
    pyte.Stream(screen).feed(raw)
    text = "\n".join(line.rstrip() for line in screen.display).strip("\n")
    assert text.count("\n") < LINES - 5, "more lines are needed"
    return text + "\n"


def settled(text: str, folder: Path) -> str:
    """Without what differs between machines and releases."""
    # The folder's name is broken at the width, so its letters may have line ends between them.
    broken = r"\s*".join(map(re.escape, str(folder)))
    text = re.sub(broken, "/HERE", text)
    return re.sub(
        r"(?m)^(input|output|cached input|cache write|context window|longest answer|above \d.*?) .*$", r"\1 …", text
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_screens_are_as_checked_in(width: int) -> None:
    # Of one length on every machine, since what is broken at the width depends on it.
    folder = Path("/tmp/fix-issue-scr")
    place = folder / f"{width:03}"
    subprocess.run(["rm", "-rf", str(place)], check=True)
    place.mkdir(parents=True)
    try:
        made = settled(screens(width, place), place)
    finally:
        subprocess.run(["rm", "-rf", str(place)], check=True)
    file = SCREENS / f"{width}.txt"
    if os.environ.get("FIX_ISSUE_WRITE_SCREENS"):
        file.write_text(made, encoding="utf-8")
    assert made == file.read_text(encoding="utf-8"), (
        "look at the change, then write the files anew: see this module's head"
    )


VARIES = {
    r"\d+(?:\.\d+)? s\b": "# s",
    r"\d+ min ": "",
    r"\(\d+ requests?\)": "(# requests)",
    r"intervals-\d{8}-\d{6}-\w{6}": "RUN",
    r"\d+ commands": "# commands",
    r"/\S*fix-issue-scr\S*?/(?=fix-issue/)": "/HERE/",
}
"""What differs from run to run."""


def words(text: str) -> str:
    """The words of a screen: where a line is broken depends on how many digits a duration has."""
    text = " ".join(re.sub("[╭╮╰╯│─]", " ", text).split())
    for pattern, instead in VARIES.items():
        text = re.sub(pattern, instead, text)
    return text


def a_run(width: int, folder: Path, *arguments: str) -> str:
    """What stands on a terminal when a command has ended."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("FIX_ISSUE_")}
    env |= {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("STATE", "CACHE", "CONFIG")}
    share_venvs(folder / "cache")
    env |= {"TERM": "xterm", "LC_ALL": "C.UTF-8"}
    env.pop("COLUMNS", None)
    raw = pexpect.run(
        shlex.join([sys.executable, "-m", "sweagent", *arguments]),
        env=env,
        timeout=PATIENCE,
        dimensions=(60, width),
        encoding="utf-8",
        cwd=str(folder),
    )
    screen = pyte.Screen(width, 400)
    pyte.Stream(screen).feed(raw)
    return "\n".join(line.rstrip() for line in screen.display).strip("\n") + "\n"


@pytest.mark.parametrize(
    "width", [pytest.param(40, marks=pytest.mark.slow), 80, pytest.param(120, marks=pytest.mark.slow)]
)
def test_real_runs_look_as_checked_in(width: int) -> None:
    """The demo, and the patch that it made judged by `verify` on a clone of what it worked on."""
    folder = Path("/tmp/fix-issue-scr") / f"run-{width:03}"
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    folder.mkdir(parents=True)
    try:
        demo = a_run(width, folder, "demo", "--sandbox", "local", "-o", "run")
        shutil.copytree(resource("trajectories", "demo") / "repository", folder / "intervals")
        commit_all(folder / "intervals")
        judged = (
            "verify",
            "intervals",
            "run/patch.diff",
            "--issue",
            str(resource("trajectories", "demo") / "issue.md"),
        )
        verify = a_run(width, folder, *judged, "--sandbox", "local")
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=True)
    made = f"=== fix-issue demo\n{demo}=== fix-issue verify\n{verify}"
    file = SCREENS / f"runs-{width}.txt"
    if os.environ.get("FIX_ISSUE_WRITE_SCREENS"):
        file.write_text(made, encoding="utf-8")
    assert "verdict: verified" in demo
    assert words(made) == words(file.read_text(encoding="utf-8"))


FORBIDDEN: dict[str, Callable[[str], bool]] = {
    "a traceback": lambda line: "Traceback" in line,
    "a Python repr": lambda line: bool(re.search(r"\{'|<[a-z_.]+ object at", line)),
    "a wrong plural": lambda line: bool(
        re.search(r"\b1 (?:steps|tests|files|runs|instances|packages|commands)\b", line)
    ),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_screen_shows(what: str, width: int) -> None:
    files = (SCREENS / f"{width}.txt", SCREENS / f"runs-{width}.txt")
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if FORBIDDEN[what](line)] == []
    assert max(map(len, lines)) <= width
