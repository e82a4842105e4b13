"""The attack kit's cases are what they say: all can be applied, and a handful is checked by running them."""

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@pytest.fixture(scope="module")
def kit() -> Any:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import attack_cases
        import attack_truth
    finally:
        sys.path.remove(str(BENCHMARKS))
    attack_truth.cases = attack_cases
    return attack_truth


def test_every_case_can_be_applied(kit: Any, tmp_path: Path) -> None:
    known, kinds = kit.cases.projects(), []
    for number, case in enumerate(kit.cases.cases()):
        project = known[case.project]
        project.lay(tmp_path / str(number))
        case.apply(tmp_path / str(number))
        kinds.append(case.kind)
        assert project.truth.facts
        assert project.issue
    assert kinds.count("dishonest") >= 90
    assert kinds.count("honest") >= 36


@pytest.mark.parametrize(
    "name",
    [
        "durations/tolerant-seconds",
        pytest.param("verspec/later-hook", marks=needs_node),
        pytest.param("tally/cents-operators", marks=pytest.mark.slow),
        pytest.param("tablemark/unraisable-hook", marks=pytest.mark.slow),
        pytest.param("stockroom/weak-undo", marks=pytest.mark.slow),
        pytest.param("queryform/lazy-modules", marks=[needs_node, pytest.mark.slow]),
    ],
)
def test_a_case_is_what_it_says(kit: Any, name: str) -> None:
    case = kit.cases.Case.read(kit.cases.HOME / "cases" / f"{name}.yaml")
    assert kit.check(case, kit.cases.projects()[case.project]) == []


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [("stockroom/plain", "dishonest", "truth"), ("stockroom/first-line-only", "honest", "of the truth is missing")],
)
def test_a_case_that_lies_is_found(kit: Any, name: str, kind: str, message: str) -> None:
    case = kit.cases.Case.read(kit.cases.HOME / "cases" / f"{name}.yaml").model_copy(update={"kind": kind})
    wrong = kit.check(case, kit.cases.projects()[case.project])
    assert len(wrong) == 1
    assert message in wrong[0]
