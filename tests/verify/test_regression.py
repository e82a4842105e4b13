from contextlib import contextmanager

import pytest

from sweagent.sandbox.base import Completed, SandboxInfo
from sweagent.testing import Runner
from sweagent.verify.bench import Bench, SideTree
from sweagent.verify.regression import RegressionCheck

TESTS = [f"tests/test_{name}.py" for name in "abcdefgh"]


class Played:
    """A sandbox whose runs take as long as they are told to, by a clock of its own, and pass."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds, self.batches = 0.0, seconds, []
        self.info = SandboxInfo(kind="local", name="played")
        self.workdir = "/work"
        self.calls, self.fails_after = 0, False

    def clock(self) -> float:
        return self.now

    @contextmanager
    def open(self):
        yield self

    def run(self, command, *, timeout=None, output_limit=None, env=None, fresh=False, background=False):
        if "python" not in command:
            return Completed(output="", exit_code=0)
        files = [word for word in command.split() if word.startswith("tests/")]
        self.batches.append(len(files) - 1)
        taken = self.seconds * len(files)
        self.now += min(taken, timeout)
        if taken > timeout:
            return Completed(output="", exit_code=None, timed_out=True, seconds=timeout)
        self.calls += 1
        word = "PASSED" if self.calls == 1 or not self.fails_after else "FAILED"
        lines = [f"{name}::test_x {word}" for name in files[:-1]]
        text = "\n".join([*lines, f"{files[-1]}::test_canary FAILED", "FAILED x::y", "1 failed, 1 passed in 1s"])
        return Completed(output=text, exit_code=1, seconds=taken)

    def read(self, path, *, limit=None):
        raise FileNotFoundError(path)

    def write(self, path, data, *, mode=None):
        pass


def check(seconds_per_file: float, budget: float) -> tuple[RegressionCheck, object, Played]:
    played = Played(seconds_per_file)
    bench = Bench(played.open, budget, played.clock)
    made = RegressionCheck(
        bench, SideTree("base"), SideTree("patched"), runner=Runner.PYTEST, test_command="python -m pytest"
    )
    return made, made.run(TESTS), played


def test_with_time_the_whole_suite_is_compared_nearest_first():
    made, evidence, _ = check(1, 1000)
    assert evidence.files == tuple(TESTS)
    assert evidence.whole_suite
    assert not made.nearest_missed
    assert made.not_checked == []


def test_when_time_is_short_the_nearest_are_compared_and_the_rest_is_named():
    made, evidence, _ = check(10, 150)
    assert evidence.files[:4] == tuple(TESTS[:4])
    assert not evidence.whole_suite
    assert not made.nearest_missed
    assert "further away" in made.not_checked[-1]


@pytest.mark.parametrize("budget", [20, 45])
def test_when_not_even_the_nearest_are_compared_it_says_so(budget):
    made, evidence, played = check(10, budget)
    assert made.nearest_missed
    assert len(evidence.files) < 4
    assert played.now <= budget + 10


def test_a_failure_that_there_is_no_time_to_run_again_is_not_called_flaky():
    played = Played(10)
    played.fails_after = True
    bench = Bench(played.open, 100, played.clock)
    made = RegressionCheck(
        bench, SideTree("base"), SideTree("patched"), runner=Runner.PYTEST, test_command="python -m pytest"
    )
    evidence = made.run(TESTS[:1])
    assert evidence.flaky == ()
    assert [change.id for change in evidence.unsettled] == ["tests/test_a.py::test_x"]
