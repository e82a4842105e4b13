"""What unpatched sides came to is kept within a run: by what was run, and never more than that."""

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweagent.sandbox.base import Completed, SandboxInfo
from sweagent.testing import Runner
from sweagent.trajectory import Reproduction
from sweagent.verify import KeptResults, Verdict
from sweagent.verify.proof import Side
from sweagent.verify.runs.canary import make_canary
from sweagent.verify.runs.kept_results import key_of
from sweagent.verify.runs.side_runner import Command, SideRunner, SideTree

BASE = SideTree(Side.BASE)
CONTROL = SideTree(Side.CONTROL, files={"a.py": b"# nothing\n"})
PATCHED = SideTree(Side.PATCHED, archive=b"tar")
SCRIPT = Command("reproduction", "python show.py", 10, {"show.py": b"import a"}, reusable=True)


def with_canary(token: str) -> Command:
    """A run of tests beside a planted test of this name."""
    canary = make_canary(Runner.PYTEST, "tests/test_a.py", token)
    command = f"python -m pytest tests/test_a.py {canary.target}"
    return Command("tests", command, 10, runner=Runner.PYTEST, canary=canary, env={"OPTIONS": f"-p {token}"})


def test_the_name_of_the_planted_test_and_the_deadline_are_no_part_of_what_is_run() -> None:
    one, other = with_canary("c0123456789abcdef"), replace(with_canary("cfedcba9876543210"), timeout=99, purpose="x")
    assert key_of(BASE, one) == key_of(BASE, other) != key_of(CONTROL, one)


OTHERWISE = {
    "command": "python other.py",
    "files": {"show.py": b"import b"},
    "runner": Runner.PYTEST,
    "report": "report.xml",
    "canary": make_canary(Runner.PYTEST, "tests/test_a.py", "c0123456789abcdef"),
    "env": {"A": "1"},
    "record": "record",
    "unseen": True,
    "own": {"x.py": "1"},
    "plain": True,
}


def _of(names: list[str]) -> dict[str, Any]:
    return {name: OTHERWISE[name] for name in names}


@given(
    st.lists(st.sampled_from(sorted(OTHERWISE)), unique=True), st.lists(st.sampled_from(sorted(OTHERWISE)), unique=True)
)
def test_two_commands_have_one_key_only_if_they_are_the_same(first: list[str], second: list[str]) -> None:
    keys = [key_of(BASE, replace(SCRIPT, **_of(names))) for names in (first, second)]
    assert (keys[0] == keys[1]) is (set(first) == set(second))


@pytest.mark.parametrize(
    "side",
    [PATCHED, SideTree(Side.PATCHED), SideTree(Side.BASE, archive=b"tar"), SideTree(Side.CONTROL, deleted=("a.py",))],
)
def test_a_tree_that_may_hold_something_of_a_patch_has_no_key(side: SideTree) -> None:
    with pytest.raises(ValueError, match="patched"):
        key_of(side, SCRIPT)


class Place:
    """A sandbox in which every command ends as it is told to."""

    workdir = "/work"

    def __init__(self, house: "House") -> None:
        self.house = house
        self.info = SandboxInfo(kind="docker", name="place", isolated=house.isolated)

    def run(self, command, **_options):
        if command == SCRIPT.command:
            self.house.ran += 1
            return self.house.ends
        return Completed(output="", exit_code=0)

    def put_tree(self, archive, folder):
        pass

    def write_many(self, files):
        pass

    def read(self, path, **_options):
        raise FileNotFoundError(path)


class House:
    """Opens sandboxes, and counts what was run in them."""

    def __init__(self, ends: Completed | None = None, *, isolated: bool = True) -> None:
        self.ends, self.isolated, self.ran = ends or Completed(output="no", exit_code=1), isolated, 0
        self.kept = KeptResults()

    @contextmanager
    def open(self):
        yield Place(self)

    def again(self, *sides: SideTree, command: Command = SCRIPT, watched: tuple[str, ...] = ()) -> list[bool]:
        """Run a command in one more verification of the run; which of its results were kept."""
        bench = SideRunner(self.open, 100, kept=self.kept)
        bench.watched = dict.fromkeys(watched, "a.py")
        runs = bench.together(*((side, command) for side in sides))
        bench.close()
        assert [item.kept for item in bench.commands] == [run.kept for run in runs]
        assert all(run.job is command and run.completed == self.ends for run in runs)
        return [run.kept for run in runs]


def test_base_and_control_are_run_once_and_a_patched_tree_each_time() -> None:
    house = House()
    assert house.again(BASE, CONTROL, PATCHED) == [False, False, False]
    assert house.again(BASE, CONTROL, PATCHED) == [True, True, False]
    assert house.again(SideTree(Side.CONTROL, files={"b.py": b"# nothing\n"})) == [False]
    assert house.ran == 5


CUT = {
    "ended at its deadline": Completed(output="no", exit_code=None, timed_out=True),
    "told to end at its deadline": Completed(output="no", exit_code=0, timed_out=True),
    "lost": Completed(output="no", exit_code=None),
}


@pytest.mark.parametrize("name", CUT)
def test_what_was_cut_by_time_is_run_again(name: str) -> None:
    house = House(CUT[name])
    assert house.again(BASE) + house.again(BASE) == [False, False]


def test_what_patched_code_could_have_reached_is_run_again() -> None:
    house = House(isolated=False)
    assert house.again(BASE) + house.again(BASE) == [False, False]


def test_what_is_asked_for_on_purpose_is_run_again() -> None:
    house, on_purpose = House(), replace(SCRIPT, reusable=False)
    assert house.again(BASE) + house.again(BASE, command=on_purpose) + house.again(BASE) == [False, False, True]
    # What was run on purpose is no answer for others either.
    assert House().again(BASE, command=on_purpose) == [False]


def test_a_run_that_watched_less_is_no_answer() -> None:
    house = House()
    assert house.again(BASE, watched=("a", "b")) == [False]
    assert house.again(BASE, watched=("a",)) == [True]
    assert house.again(BASE, watched=("c",)) == [False]


def test_a_run_of_tests_without_a_single_test_is_no_answer() -> None:
    house, tests = House(), replace(SCRIPT, runner=Runner.GO)
    assert house.again(BASE, command=tests) + house.again(BASE, command=tests) == [False, False]


# Real runs. The sandboxes say that they are isolated, which they are not, so that a test can count its runs outside.

CALC = "def add(a, b):\n    return a - b\n\n\ndef double(a):\n    return a * 2\n"
FIXED = CALC.replace("a - b", "a + b")
TESTS = "from calc import double\n\n\ndef test_double():\n    assert double(2) == 4\n"
COUNTED = "\n\ndef test_counted():\n    with open({place!r}, 'a') as file:\n        file.write('x')\n"
SHOWS = Reproduction(
    path="tests/test_add.py",
    content="from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    command="python -m pytest tests/test_add.py",
    kind="test",
)


def test_later_rounds_run_the_base_no_more_and_judge_as_they_would_without_that(project, tmp_path) -> None:
    runs = tmp_path / "runs"
    made = project({"calc.py": CALC, "tests/test_calc.py": TESTS + COUNTED.format(place=str(runs)), "conftest.py": ""})
    made.isolated, kept = True, KeptResults()
    patches = {
        "still wrong": (CALC.replace("a - b", "a + a"), Verdict.UNVERIFIED),
        "right": (FIXED, Verdict.VERIFIED),
        "broken elsewhere": (FIXED.replace("a * 2", "a * 3"), Verdict.REGRESSED),
        "right again": (FIXED + "\n\n# The same.\n", Verdict.VERIFIED),
    }
    counted, purposes = [], []
    for name, (changed, verdict) in patches.items():
        proof = made.verify({"calc.py": changed}, reproduction=SHOWS, kept=kept)
        assert proof.verdict is verdict, (name, proof.reason)
        counted.append(len(runs.read_text()) if runs.exists() else 0)
        purposes.append(Counter((run.side, run.purpose) for run in proof.commands if run.kept))
        assert proof.question.hash_seed == kept.hash_seed
    # Both sides; then with the patch only; then that with reruns of what got worse, on both sides; then the patch.
    assert [after - before for before, after in zip([0, *counted], counted, strict=False)][:2] == [0, 2]
    assert counted[3] - counted[2] == 1
    reproduction = {("base", "reproduction (registered)"): 1, ("control", "reproduction (registered)"): 1}
    assert purposes == [
        {},
        reproduction,
        {**reproduction, ("base", "tests"): 1},
        {**reproduction, ("base", "tests"): 1},
    ]


def script(content: str) -> Reproduction:
    return Reproduction(path="show.py", content=f"from calc import add\n{content}", command="python show.py")


def test_a_reproduction_that_passed_on_the_base_by_chance_has_another_chance(project, tmp_path) -> None:
    made, kept, place = project({"calc.py": CALC}), KeptResults(), tmp_path / "runs"
    made.isolated = True
    first_passes = script(
        f"with open({str(place)!r}, 'a') as file:\n    file.write('x')\n    first = file.tell() == 1\n"
        "assert first or add(1, 2) == 3\n"
    )
    options = {"reproduction": first_passes, "kept": kept, "test_command": "true"}
    assert "passes on the base" in made.verify({"calc.py": FIXED}, **options).reason
    again = made.verify({"calc.py": FIXED}, **options)
    assert again.reproduction is not None, again.reason
    assert [run.kept for run in again.commands if run.side == "base" and "reproduction" in run.purpose][:2] == [
        True,
        False,
    ]


def test_a_sign_of_forgery_is_held_against_a_run_of_this_very_time(project) -> None:
    made, kept = project({"calc.py": CALC}), KeptResults()
    made.isolated = True
    forged = {"calc.py": CALC.replace("return a - b", "import os\n    os._exit(0)")}
    options = {"reproduction": script("assert add(1, 2) == 3\n"), "kept": kept, "test_command": "true"}
    proofs = [made.verify(forged, **options) for _ in range(2)]
    assert [proof.verdict for proof in proofs] == [Verdict.REJECTED] * 2
    runs = [[(run.side, run.kept) for run in proof.commands if run.side != "patched"] for proof in proofs]
    assert runs == [[("base", False), ("control", False)], [("base", True), ("control", True), ("base", False)]]
