"""The command of a smoke run names each test as it ends, whatever happens to the run."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.environment.build.smoke import read_output, spread, telling_command
from sweagent.testing import TestReport

Run = Callable[..., TestReport]

QUIET = "[pytest]\naddopts = -q\n"

OLD_PYTEST = """#!/bin/sh
case "$*" in *--continue*) echo 'error: unrecognized arguments: --continue-on-collection-errors'; exit 4;; esac
echo 'test_a.py::test_a PASSED'
"""

GRADLE = """
mkdir -p build/test-results/test
cat > build/test-results/test/TEST-a.xml << END
<?xml version="1.0"?><testsuite><testcase classname="A" name="a"/>
<testcase classname="A" name="b"><failure message="no"/></testcase></testsuite>
END
printf '\\033[0m' >&2
exit 3
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the tests of some files by a command as a smoke run does."""

    def make(files: dict[str, str], command: str = f"{sys.executable} -m pytest") -> TestReport:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o755)
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            ["sh", "-c", telling_command(command)], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        return read_output(command, done.stdout + done.stderr, done.returncode)

    return make


GOOD = {"test_a.py": "def test_a(): pass\n"}


def test_a_file_that_cannot_be_collected_hides_no_other(run: Run) -> None:
    report = run(GOOD | {"test_b.py": "import nothing_of_this_name\n"})
    assert (report.counts["passed"], report.exit_code) == (1, 1)  # type: ignore[index]


def test_a_run_that_is_killed_has_named_what_ended_before(run: Run) -> None:
    report = run(GOOD | {"test_b.py": "import os\ndef test_b(): os.kill(os.getpid(), 9)\n", "pytest.ini": QUIET})
    assert [result.id for result in report.results] == ["test_a.py::test_a"]


def test_an_old_pytest_runs_without_the_option(run: Run) -> None:
    report = run({"pytest": OLD_PYTEST}, "pytest")
    assert (report.ran, report.exit_code) == (1, 0)


def test_what_gradle_writes_is_read(run: Run) -> None:
    report = run({"gradlew": GRADLE}, "sh gradlew test")
    assert (report.counts, report.exit_code) == ({"passed": 1, "failed": 1}, 3)


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("go test ./...", "-json"),
        ("python tests/runtests.py", "--verbosity 2"),
        ("bin/test", "--verbose"),
        ("python -m unittest", "-v"),
    ],
)
def test_a_runner_that_is_silent_by_default_is_asked_for_names(command: str, word: str) -> None:
    assert word in telling_command(command)


@pytest.mark.parametrize("command", ["make check", "cd x && pytest", ""])
def test_what_is_more_than_one_runner_is_left_alone(command: str) -> None:
    assert telling_command(command) == command


@pytest.mark.parametrize(
    ("files", "number", "chosen"), [("", 2, ""), ("a", 2, "a"), ("abcdef", 2, "be"), ("abc", 3, "abc")]
)
def test_a_choice_is_spread_over_all(files: str, number: int, chosen: str) -> None:
    assert "".join(spread(list(files), number)) == chosen
