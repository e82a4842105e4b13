"""Tests that fail by chance, or anyway: those of the first kind count their runs in a file outside of the tree."""

import pytest

from sweagent.trajectory import Reproduction
from sweagent.verify import Verdict

CALC = "def add(a, b):\n    return a - b\n\n\ndef double(a):\n    return a * 2\n"
FIXED = CALC.replace("a - b", "a + b")
TESTS = "from calc import double\n\n\ndef test_double():\n    assert double(2) == 4\n"
FILES = {"calc.py": CALC, "tests/test_calc.py": TESTS, "conftest.py": ""}
COUNTING = """
    from pathlib import Path

    place = Path({place!r})
    count = len(place.read_text()) if place.exists() else 0
    place.write_text("x" * (count + 1))
"""
SHOW = Reproduction(path="show.py", content="from calc import add\n\nassert add(1, 2) == 3\n", command="python show.py")


# By name, which runs fail. The runs are: base, patched; alone: base twice, patched twice; in company: the same again.
FAILING = {"once": {1}, "on_the_base_too": {1, 2, 4, 5}, "before": {0}}


def test_tests_that_fail_by_chance_are_named_and_are_no_regressions(project, tmp_path):
    tests = {
        f"tests/test_{name}.py": f"def test_it():{COUNTING.format(place=str(tmp_path / name))}"
        f"    assert count not in {failing}\n"
        for name, failing in FAILING.items()
    }
    proof = project({**FILES, **tests, "tests/test_gone.py": "import nowhere\n"}).verify(
        {"calc.py": FIXED}, reproduction=SHOW
    )
    assert proof.verdict is Verdict.VERIFIED
    assert proof.reproduction.patched == ("passed", "passed")
    assert proof.regression.regressions == ()
    assert proof.regression.already_failing == ("tests/test_before.py::test_it", "tests/test_gone.py")
    notes = {change.id: change.note for change in proof.regression.flaky}
    assert notes["tests/test_on_the_base_too.py::test_it"] == (
        "alone: failed, passed on the base; failed, failed with the patch"
    )
    said = "passed, passed on the base; passed, passed with the patch"
    assert notes["tests/test_once.py::test_it"] == f"alone: {said}; among its neighbours: {said}"
    assert len(notes) == 2


# The runs of a reproduction by number: base 0, patched 1, control 2, patched 3, control 4.
@pytest.mark.parametrize(
    ("failing", "said"),
    [({0}, "failed once and passed once"), ({0, 2, 3}, "with the patch it passed once and failed once")],
    ids=["on the base", "with the patch"],
)
def test_a_reproduction_that_fails_by_chance_shows_nothing(project, tmp_path, failing, said):
    content = f"import calc\nif calc:{COUNTING.format(place=str(tmp_path / 'count'))}\nassert count not in {failing}\n"
    proof = project({"calc.py": CALC}).verify(
        {"calc.py": FIXED}, reproduction=SHOW.model_copy(update={"content": content}), test_command="true"
    )
    assert proof.verdict is Verdict.UNVERIFIED
    assert said in proof.reproductions[0].reason
    assert not proof.reproductions[0].accepted


def test_a_test_that_fails_by_what_the_patch_leaves_behind_is_a_regression_although_it_passes_alone(project):
    tests = TESTS.replace("def", "def test_a():\n    from calc import add\n\n    assert add(3, 0) == 3\n\n\ndef", 1)
    marked = FIXED.replace("return a + b", "double.__defaults__ = (1,)\n    return a + b").replace("a * 2", "a * by")
    marked = marked.replace("double(a)", "double(a, by=2)")
    proof = project({**FILES, "tests/test_calc.py": tests}).verify({"calc.py": marked})
    assert proof.verdict is Verdict.REGRESSED
    assert [change.id for change in proof.regression.regressions] == ["tests/test_calc.py::test_double"]
    assert "among its neighbours: passed, passed on the base; failed, failed" in proof.regression.regressions[0].note
