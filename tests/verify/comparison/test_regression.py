from contextlib import contextmanager

import pytest

from sweagent.sandbox.base import Completed, SandboxInfo
from sweagent.testing import Runner
from sweagent.verify.comparison.regression import RegressionCheck
from sweagent.verify.proof import Side
from sweagent.verify.runs.side_runner import SideRunner, SideTree

TESTS = [f"tests/test_{name}.py" for name in "abcdefgh"]


class Played:
    """A sandbox whose runs take as long as they are told to, by a clock of its own, and pass."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds, self.batches = 0.0, seconds, []
        self.info = SandboxInfo(kind="local", name="played", isolated=False)
        self.workdir = "/work"
        self.calls, self.fails_after = 0, False
        self.stops_at = ""
        """A file at which the runner stops in silence."""
        self.broken_off: tuple[int, ...] = ()
        """The runs that are ended before the planted test, by number."""
        self.broken: str | None = None
        """A folder, with a slash before it, whose conftest.py cannot be loaded."""
        self.unfit = ""
        """A folder of which the runner names one file and runs nothing."""
        self.silent = ()
        """Files with which the runner runs nothing and does not say why."""
        self.partly = False
        """Whether a run that is ended has reported the tests up to the slow file."""
        self.begins = False
        """Whether it has also reported a test of the slow file."""
        self.slow = ""
        """A file that does not come to an end as a whole."""
        self.endless = 100
        """So many tests by name, or more, do not come to an end either."""
        self.slower = 1.0
        """How much longer the second run of every pair takes."""

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
        self.calls += 1
        taken = self.seconds * len(files) * (self.slower if self.calls in (2, 5, 6) else 1)
        taken = 10_000 if self.slow in files or len(files) > self.endless else taken
        self.now += min(taken, timeout)
        if taken > timeout:
            begun = files.index(self.slow) + self.begins if self.partly and self.slow in files else 0
            done = files[:begun]
            text = "\n".join(f"{name}::test_x PASSED" for name in done)
            return Completed(output=text, exit_code=None, timed_out=True, seconds=timeout)
        unfit = [name for name in files if self.unfit and name.startswith(self.unfit)]
        if unfit:
            return Completed(output=f"Aborting: no database for {unfit[0]}", exit_code=1, seconds=taken)
        if set(self.silent) & set(files):
            return Completed(output="Segmentation fault", exit_code=139, seconds=taken)
        if self.broken is not None and any(f"/{name}".startswith(self.broken) for name in files):
            text = f"ImportError while loading conftest '/work{self.broken}/conftest.py'.\n"
            return Completed(output=text, exit_code=4, seconds=taken)
        if self.stops_at in files:
            return Completed(output=f"{files[0]}::test_x PASSED\n1 passed in 1s", exit_code=0, seconds=taken)
        word = "PASSED" if self.calls == 1 or not self.fails_after else "FAILED"
        if self.calls in self.broken_off:
            names = [name.split("::")[0] for name in files[:-1]]
            text = "\n".join([*(f"{name}::test_x PASSED" for name in names), "1 passed in 1s"])
            return Completed(output=text, exit_code=2, seconds=taken)
        lines = [f"{name.split('::')[0]}::test_x {word}" for name in files[:-1]]
        text = "\n".join([*lines, f"{files[-1]}::test_canary FAILED", "FAILED x::y", "1 failed, 1 passed in 1s"])
        return Completed(output=text, exit_code=1, seconds=taken)

    def read(self, path, *, limit=None):
        raise FileNotFoundError(path)

    def write_many(self, files):
        pass


def checking(played: Played, budget: float, names: int = 1) -> RegressionCheck:
    return RegressionCheck(
        SideRunner(played.open, budget, played.clock),
        SideTree(Side.BASE),
        SideTree(Side.PATCHED),
        runner=Runner.PYTEST,
        test_command="python -m pytest",
        tests_of=lambda path: tuple(f"{path}::test_{number}" for number in range(names)),
    )


def check(seconds_per_file: float, budget: float, related: int = 0) -> tuple[RegressionCheck, object, Played]:
    played = Played(seconds_per_file)
    made = checking(played, budget)
    return made, made.run(TESTS, related=related), played


def test_with_time_the_whole_suite_is_compared_nearest_first():
    made, evidence, _ = check(1, 1000)
    assert evidence.files == tuple(TESTS)  # type: ignore[attr-defined]
    assert evidence.whole_suite  # type: ignore[attr-defined]
    assert not made.nearest_missed
    assert made.not_checked == []


def test_when_time_is_short_the_nearest_are_compared_and_the_rest_is_named():
    made, evidence, _ = check(10, 150)
    assert evidence.files[:4] == tuple(TESTS[:4])  # type: ignore[attr-defined]
    assert not evidence.whole_suite  # type: ignore[attr-defined]
    assert not made.nearest_missed
    assert made.not_checked[-1].startswith(f"{len(TESTS) - len(evidence.files)} test files that show no sign")  # type: ignore[attr-defined]


def test_tests_that_have_to_do_with_the_change_are_given_more_time_than_the_rest():
    _, few, _ = check(10, 270, related=4)
    made, many, played = check(10, 270, related=7)
    assert len(few.files) < len(many.files) == 7  # type: ignore[attr-defined]
    assert made.not_checked == ["1 test files that show no sign of the change: their time was used up"]
    assert played.now <= 0.9 * 270


@pytest.mark.parametrize(
    ("names", "endless", "compared"), [(8, 100, 8), (20, 100, 10), (20, 9, 10), (40, 9, 8), (40, 4, 0)]
)
def test_of_a_file_that_takes_too_long_half_of_the_tests_is_compared_or_it_is_missed(names, endless, compared):
    played = Played(1)
    played.slow, played.endless = TESTS[0], endless
    made = checking(played, 10_000, names)
    evidence = made.run(TESTS[:2])
    assert evidence.files == (tuple(TESTS[:2]) if compared else (TESTS[1],))
    assert made.nearest_missed == (2 * compared < names)
    if 0 < compared < names:
        said = f"{TESTS[0]}: all but {compared} of its {names} tests, because the whole file takes too long"
        assert made.not_checked == [said]
    else:
        assert len(made.not_checked) == (not compared)


@pytest.mark.parametrize("budget", [20, 45])
def test_when_not_even_the_nearest_are_compared_it_says_so(budget):
    made, evidence, played = check(10, budget)
    assert made.nearest_missed
    assert len(evidence.files) < 4  # type: ignore[attr-defined]
    assert played.now <= budget + 10


def test_a_failure_that_there_is_no_time_to_run_again_is_not_called_flaky():
    played = Played(10)
    played.fails_after = True
    made = checking(played, 100)
    evidence = made.run(TESTS[:1])
    assert evidence.flaky == ()
    assert [change.id for change in evidence.unsettled] == ["tests/test_a.py::test_x"]


def test_what_ran_without_the_planted_test_is_set_apart_and_named():
    played = Played(1)
    played.stops_at = TESTS[5]
    made = checking(played, 1000)
    evidence = made.run(TESTS)
    assert evidence.canary == "failed as planted"
    assert set(evidence.files) == set(TESTS) - {TESTS[5]}
    assert made.not_checked == [f"{TESTS[5]}: the canary (a test that must fail) was not reported on the base. "]


@pytest.mark.parametrize(("broken", "left"), [("tests/broken", TESTS), ("", [])], ids=["a folder", "the root"])
def test_a_folder_whose_hooks_cannot_be_loaded_is_set_apart_at_once(broken, left):
    played = Played(1)
    played.broken = f"/{broken}".rstrip("/")
    made = checking(played, 1000)
    inside = [f"tests/broken/test_{name}.py" for name in "uvwxyz"]
    evidence = made.run([*TESTS[:3], *inside, *TESTS[3:]])
    assert evidence.files == tuple(left)
    assert len(played.batches) == (6 if left else 2)
    assert len(made.not_checked) == 1
    assert f"{6 if left else 14} test files: " in made.not_checked[0]


@pytest.mark.parametrize(
    ("slower", "budget", "regressions"), [(6, 200, 0), (100, 2000, 1)], ids=["a slow machine", "a hang"]
)
def test_a_run_that_was_ended_is_a_regression_only_if_it_had_much_longer_than_the_base(slower, budget, regressions):
    played = Played(10)
    played.slower = slower
    made = checking(played, budget)
    evidence = made.run(TESTS[:1])
    assert len(evidence.regressions) == regressions
    assert len(evidence.unsettled) == 1 - regressions


def test_a_run_that_is_broken_off_after_its_last_test_is_a_regression():
    played = Played(1)
    played.broken_off = (2, 3, 4, 6)
    evidence = checking(played, 1000).run(TESTS[:1])
    assert [change.id for change in evidence.regressions] == [f"the run of {TESTS[0]}"]
    assert "exit status 2" in evidence.regressions[0].message


def test_a_run_that_is_broken_off_on_the_base_by_now_as_well_is_none():
    played = Played(1)
    played.broken_off = (2, 3, 4, 5, 6)
    assert checking(played, 1000).run(TESTS[:1]).regressions == ()


INSIDE = [f"tests/far/test_{name}.py" for name in "uvwxyz"]


def test_a_file_that_the_output_blames_is_left_out_at_once_and_named():
    played = Played(1)
    played.unfit = "tests/far/test_w"
    evidence = checking(played, 1000).run([*TESTS[:3], *INSIDE, *TESTS[3:]])
    assert set(evidence.files) == {*TESTS, *INSIDE} - {INSIDE[2]}
    assert [said.partition(":")[0] for said in evidence.not_compared] == [INSIDE[2]]
    assert "Aborting" in evidence.not_compared[0]


@pytest.mark.parametrize("silent", [INSIDE[2:3], TESTS[:1], [INSIDE[0], INSIDE[5]], TESTS[:2]], ids=str)
def test_files_with_which_nothing_runs_are_found_by_halves_on_the_base_alone(silent):
    played = Played(1)
    played.silent = silent
    made = checking(played, 1000)
    evidence = made.run([*TESTS, *INSIDE])
    assert set(evidence.files) == {*TESTS, *INSIDE} - set(silent)
    assert made.stopped == ""
    assert len(played.batches) <= 20


def test_runs_that_all_fail_alike_are_not_repeated():
    played = Played(1)
    played.silent = [*TESTS, *INSIDE]  # type: ignore[assignment]
    made = checking(played, 1000)
    evidence = made.run([*TESTS, *INSIDE])
    assert evidence.files == ()
    assert len(played.batches) <= 5
    assert made.stopped.startswith("every run on the base fails alike")
    assert any(made.stopped in said for said in evidence.not_compared)
    assert evidence.canary == "not seen"


def test_what_was_reported_before_a_deadline_is_compared_and_the_file_that_hangs_is_set_apart():
    played = Played(1)
    played.slow, played.partly = INSIDE[3], True
    evidence = checking(played, 1000).run([*TESTS[:4], *INSIDE, *TESTS[4:]])
    assert set(evidence.files) == {*TESTS, *INSIDE} - {INSIDE[3]}
    assert evidence.files[-1] != INSIDE[3]
    assert [said.partition(":")[0] for said in evidence.not_compared] == [INSIDE[3]]


def test_a_nearest_file_that_uses_up_the_time_of_all_leaves_enough_for_its_nearest_tests():
    played = Played(1)
    played.slow, played.partly, played.begins, played.endless = TESTS[0], True, True, 9
    made = checking(played, 160, 16)
    evidence = made.run(TESTS[:4])
    assert set(evidence.files) == set(TESTS[:4])
    assert not made.nearest_missed
    assert made.not_checked == [f"{TESTS[0]}: all but 8 of its 16 tests, because the whole file takes too long"]
