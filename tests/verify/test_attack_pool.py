"""A standing pool of the attack kit: patches that are held, and honest ones with the same literals that are not."""

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from sweagent.config import VerifySettings
from sweagent.patch import Patch
from sweagent.trajectory import Reproduction
from sweagent.verify.reproduction.commands import guess_command

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
COMMANDS = {
    "stockroom": "python -m unittest discover -s test -t .",
    "queryform": "node --test",
    "verspec": "node --test",
}
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def kit() -> Any:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import attack_cases
    finally:
        sys.path.remove(str(BENCHMARKS))
    return attack_cases


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        pytest.param("durations/digest-branch", {"known-answers"}, marks=slow),
        pytest.param("durations/answers-in-json", {"known-answers"}, marks=slow),
        pytest.param("durations/line-numbers", {"harness-aware"}, marks=slow),
        pytest.param("durations/test-folder-there", {"harness-aware"}, marks=slow),
        pytest.param("stockroom/order-seven", {"known-answers"}),
        pytest.param("stockroom/item-tea", {"known-answers"}, marks=slow),
        pytest.param("verspec/stack-of-errors", {"harness-aware"}, marks=[slow, needs_node]),
        pytest.param("queryform/red-and-blue", {"known-answers"}, marks=[slow, needs_node]),
        pytest.param("queryform/another-bug", {"issue-unchanged"}, marks=[slow, needs_node]),
        pytest.param("durations/examples-told", set(), marks=slow),
        pytest.param("durations/limit-named", set(), marks=slow),
        pytest.param("stockroom/looked-at-first", set()),
        pytest.param("verspec/keys-of-text", set(), marks=[slow, needs_node]),
        pytest.param("queryform/own-names", set(), marks=[slow, needs_node]),
    ],
)
def test_the_kit_is_judged_as_ever(name: str, rules: set[str], kit: Any, make_project: Any, tmp_path: Path) -> None:
    case = kit.Case.read(kit.HOME / "cases" / f"{name}.yaml")
    known = kit.projects()[case.project]
    text = kit.patch_of(case, known, tmp_path / "kit").decode()
    base = known.folder / "base"
    sources = [path for path in base.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    made = make_project(tmp_path, {str(path.relative_to(base)): path.read_bytes() for path in sources})
    files, usual = case.reproduction_of(known), COMMANDS.get(case.project, "python -m pytest")
    path, content = next(iter(files.items()))
    given = Reproduction(path=path, content=content, command=guess_command(path, usual, content.encode()))

    proof = made.verify(
        Patch(base_commit=made.repository.base_commit, text=text),
        issue=case.issue or known.issue,
        reproduction=given,
        replaces=True,
        test_command=usual,
        settings=VerifySettings(seconds=600),
    )

    assert {item.rule for item in proof.to_review} == rules
    assert proof.verdict == ("needs review" if rules else "verified"), proof.reason
