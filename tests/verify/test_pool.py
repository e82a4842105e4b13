"""The reproductions of all attempts on the candidates of all: what each cell says, and how often the base is run."""

from sweagent.config import VerifySettings
from sweagent.patch import Patch
from sweagent.trajectory import Reproduction
from sweagent.verify import KeptResults, judge_pool

CALC = "def add(a, b):\n    return a - b\n\n\ndef double(a):\n    return a * 2\n"
CANDIDATES = {
    "right": CALC.replace("a - b", "a + b"),
    "for one case": CALC.replace("a - b", "3 if (a, b) == (1, 2) else a - b"),
    "a comment": CALC + "# a comment\n",
    "forged": "import os\n" + CALC.replace("return a - b", "os._exit(0)"),
}
COUNTED = "\nwith open({place!r}, 'a') as file:\n    file.write('x')\n"


def script(path: str, content: str, place: str = "/dev/null") -> Reproduction:
    text = f"from calc import add, double\n{COUNTED.format(place=place)}\n{content}\n"
    return Reproduction(path=path, content=text, command=f"python {path}")


def pytest_file(path: str, content: str) -> Reproduction:
    text = f"from calc import add, double\n\n\ndef test_it():\n    {content}\n"
    return Reproduction(path=path, content=text, command=f"python -m pytest {path}", kind="test")


def test_each_candidate_is_run_on_each_reproduction_and_the_base_once_for_all(project, tmp_path) -> None:
    made, place, kept = project({"calc.py": CALC, "tests/test_calc.py": ""}), tmp_path / "runs", KeptResults()
    made.isolated = True
    pool = {
        "weak": script("weak.py", "assert add(1, 2) == 3", str(place)),
        "strong": pytest_file("tests/test_add.py", "assert [add(1, 2), add(2, 2)] == [3, 4]"),
        "wrong": script("wrong.py", "assert add(1, 2) == 4"),
        "passes on the base": script("double.py", "assert double(2) == 4"),
        "lacks what it imports": script("lacks.py", "import nowhere_to_be_found"),
        "reads the source": script("read.py", "assert '+' in open('calc.py').read()"),
    }
    patches = [made.patch({"calc.py": text}) for text in CANDIDATES.values()]
    task = made.task()

    def cells(patches: list[Patch], known: dict[tuple[int, int], bool] | None = None) -> list[tuple[bool | None, ...]]:
        return judge_pool(task, patches, tuple(pool.values()), sandboxes=made.open, known=known, kept=kept)

    assert dict(zip(CANDIDATES, cells(patches, {(1, 1): False}), strict=True)) == {
        "right": (True, True, False, None, None, None),
        "for one case": (True, False, False, None, None, None),
        "a comment": (False, False, False, None, None, None),
        "forged": (False, False, False, None, None, None),
    }
    # Base, control and one run a candidate, and another where it does not pass.
    assert len(place.read_text()) == 2 + 4 + 2
    assert cells(patches[:1]) == [(True, True, False, None, None, None)]
    assert len(place.read_text()) == 2 + 4 + 2 + 1


def test_what_cannot_be_applied_and_what_changes_nothing_has_no_say(project) -> None:
    made = project({"calc.py": CALC})
    base = made.repository.base_commit
    patches = [
        Patch(base_commit=base, text="--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"),
        Patch(base_commit=base, text=""),
    ]
    assert (
        judge_pool(made.task(), patches, [script("a.py", "raise SystemExit(1)")], sandboxes=made.open) == [(None,)] * 2
    )
    assert judge_pool(made.task(), patches, [], sandboxes=made.open) == [(), ()]
    assert not made.opened


def test_a_candidate_that_is_wrong_is_not_faster(project) -> None:
    made = project({"calc.py": CALC})
    slow = script("slow.py", "assert double(2) == 4").model_copy(update={"faster": 2.0})
    wrong = made.patch({"calc.py": CALC.replace("a * 2", "a * 3")})
    assert judge_pool(made.task(), [wrong], [slow], sandboxes=made.open) == [(False,)]


def test_what_ends_nowhere_speaks_against_nobody(project, monkeypatch) -> None:
    monkeypatch.setattr("sweagent.verify.pool.first_deadline", lambda share: 1.0)
    made = project({"calc.py": CALC})
    endless, patch = script("endless.py", "while True:\n    pass"), made.patch({"calc.py": CANDIDATES["right"]})
    rows = judge_pool(made.task(), [patch], [endless], sandboxes=made.open, settings=VerifySettings(seconds=5.5))
    assert rows == [(None,)]
