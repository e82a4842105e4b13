"""The tools that run things for the record: test, reproduce, submit."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest


def test_counts_and_the_essence_of_failures(desk: Any) -> None:
    seen = desk("test", tests=["tests/test_core.py"])
    lines = seen.text.splitlines()
    assert lines[0].startswith("1 failed, 1 passed (pytest, exit 1, ")
    assert lines[1] == "FAILED tests/test_core.py::test_double"
    assert "    E       assert 3 == 4" in lines
    assert (seen.status, seen.exit_code, seen.named_tests) == ("error", 1, ("tests/test_core.py",))
    whole = seen.text.rsplit("the whole output: ", 1)[1].rstrip("]")
    assert "test session starts" in desk("view", path=whole).text


def test_a_pass_is_one_line(desk: Any) -> None:
    seen = desk("test", tests=["tests/test_core.py::test_fine"])
    assert seen.text.startswith("1 passed (pytest, exit 0, ")
    assert seen.text.count("\n") == 0
    assert seen.status == "ok"


def test_a_wrong_name_is_not_success(desk: Any) -> None:
    seen = desk("test", tests=["tests/test_none.py"])
    assert seen.text.startswith("0 tests ran")
    assert "not found" in seen.text
    assert seen.status == "error"
    assert desk("test", tests=["--help"]).status == "refused"


def test_a_wrong_name_does_not_keep_the_others_from_being_run(desk: Any) -> None:
    seen = desk("test", tests=["tests/test_none.py", "tests/test_core.py::test_fine"])
    assert seen.text.startswith("1 passed (pytest, exit 0, ")
    assert seen.text.endswith("[not found, so not run: tests/test_none.py]")
    assert (seen.status, seen.named_tests) == ("error", ("tests/test_core.py::test_fine",))


def test_a_label_of_django_that_leads_nowhere_is_left_out(desk: Any) -> None:
    desk.context.test_command = "python tests/runtests.py"
    (desk.tree / "tests/runtests.py").write_text("import sys\nprint(sys.argv[-1])\n")
    (desk.tree / "tests/model_fields").mkdir()
    seen = desk("test", tests=["model_enums", "tests/model_none/tests.py", "model_fields.test_a.Case"])
    assert "[not found, so not run: model_enums, tests/model_none/tests.py]" in seen.text
    assert seen.named_tests == ("model_fields.test_a.Case",)
    assert desk("test", tests=["model_enums"]).text == "0 tests ran: not found: model_enums"


def test_without_a_test_command_it_says_so(desk: Any) -> None:
    desk.context.test_command = ""
    assert "not known" in desk("test", tests=["a"]).text


def test_failures_of_one_cause_are_shown_once(desk: Any) -> None:
    (desk.tree / "tests/test_cause.py").write_text(
        "import pytest\n\n\ndef ask(name):\n    raise ConnectionError(f'no host for {name!r}')\n\n\n"
        "def test_first():\n    ask('a')\n\n\ndef test_second():\n    ask('bc')\n\n\n"
        "@pytest.mark.parametrize('x', ['a.b', 'c'])\ndef test_third(x):\n    ask(x)\n\n\n"
        "def same(x):\n    assert x == 1\n\n\ndef test_assert():\n    same(2)\n\n\ndef test_other():\n    same(3)\n"
    )
    seen = desk("test", tests=["tests/test_cause.py"])
    assert seen.text.count("ConnectionError: no host") == 1
    assert "and for the same reason: tests/test_cause.py::test_second, test_third[a.b], test_third[c]\n" in seen.text
    assert "assert 2 == 1" in seen.text
    assert "assert 3 == 1" in seen.text


def test_many_failures_stay_within_the_limit(desk: Any) -> None:
    body = "\n".join(
        f"def test_{number}():\n    assert {{'a': {number}}} == list(range(100))\n" for number in range(60)
    )
    (desk.tree / "tests/test_many.py").write_text(body)
    seen = desk("test", tests=["tests/test_many.py"])
    assert seen.text.startswith("60 failed")
    assert len(seen.text) <= 2300
    assert "FAILED tests/test_many.py::test_8, test_9, test_10, test_11, " in seen.text


def test_a_script_is_no_test_of_the_runner_whatever_it_is_called(desk: Any) -> None:
    seen = desk("reproduce", path="test_it.sh", content="exit 1\n")
    assert (seen.reproduction.kind, seen.reproduction.command) == ("script", "sh test_it.sh")


def test_a_script_that_fails_is_registered(desk: Any) -> None:
    content = "from pkg.core import double\nassert double(2) == 4, double(2)\n"
    seen = desk("reproduce", path="repro.py", content=content)
    assert seen.status == "ok"
    assert seen.text.startswith("registered; it fails now")
    assert "AssertionError: 3" in seen.text
    assert seen.reproduction.model_dump() == {
        "path": "repro.py",
        "content": content,
        "command": "python repro.py",
        "kind": "script",
        "files": {},
        "faster": 0.0,
    }
    assert (desk.tree / "repro.py").read_text() == content


def test_the_data_that_a_reproduction_reads_is_registered_with_it(desk: Any) -> None:
    (desk.tree / "data").mkdir()
    (desk.tree / "data/a.txt").write_text("4\n")
    content = "assert int(open('data/a.txt').read()) == 3\n"
    seen = desk("reproduce", path="repro.py", content=content, needs=["data/a.txt"])
    assert seen.reproduction.files == {"data/a.txt": "4\n"}
    assert seen.reproduction.paths == ("repro.py", "data/a.txt")
    (desk.tree / "data/b.bin").write_bytes(b"\xff\x00")
    for name in ("data/missing.txt", "data/b.bin", "../outside.txt"):
        refused = desk("reproduce", path="repro.py", content=content, needs=[name])
        assert (refused.status, refused.reproduction) == ("refused", None)


def test_a_test_is_run_by_the_projects_runner(desk: Any) -> None:
    seen = desk("reproduce", path="tests/test_issue.py", content="def test_it():\n    assert 0\n")
    assert seen.reproduction.kind == "test"
    assert seen.reproduction.command.endswith("tests/test_issue.py")
    assert "1 failed" in seen.text
    (desk.tree / "tests/test_there.py").write_text("def helper(): pass\n")
    nothing = desk("reproduce", path="tests/test_there.py")
    assert nothing.text.startswith("registered, but no test ran")
    assert nothing.reproduction.content == "def helper(): pass\n"


def test_what_passes_or_cannot_start_is_said(desk: Any) -> None:
    assert "it passes now" in desk("reproduce", path="r.py", content="pass\n").text
    missing = desk("reproduce", path="r2.py", content="pass\n", command="nothing_of_this_name r2.py")
    assert "could not be started" in missing.text
    assert missing.reproduction.command == "nothing_of_this_name r2.py"
    assert "did not end in time" in desk("reproduce", path="r3.sh", content="sleep 60\n", timeout=0.3).text
    outside = desk("reproduce", path="../r.py", content="pass\n")
    assert (outside.status, outside.reproduction) == ("refused", None)


def test_submit_is_one_word(desk: Any) -> None:
    seen = desk("submit")
    assert (seen.submitted, seen.summary) == (True, "")
    assert desk("submit", summary="Because.").summary == "Because."


@pytest.fixture
def pointing(desk: Any) -> Any:
    """The desk with an issue that does not name the place, committed."""
    (desk.tree / "pkg/deep.py").write_text(
        "class Store:\n    def keep(self, x):\n        return [y for y in (x,) if y]\n\n"
        "    def other(self):\n        pass\n"
    )
    (desk.tree / "pkg/front.py").write_text(
        "from pkg.deep import Store\n\n\ndef box_size(x):\n    return len(Store().keep(x))\n\n\n"
        "def box_size_of_all(xs):\n    return [box_size(x) for x in xs]\n"
    )
    git = ["git", "-C", desk.tree, "-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "base"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    desk.context.git_dir, desk.context.base_commit = desk.tree / ".git", head
    desk.context.issue_text = "Wrong size of a box of all\n\nThe size of a box with a 0 in it is 0."
    return desk


REPRODUCTION = "from pkg.front import box_size\n\ndef check():\n    assert box_size(0) == 1\n\ncheck()\n"
AS_TEST = "from pkg.front import box_size\n\ndef test_it():\n    assert box_size(0) == 1\n"


@pytest.mark.parametrize(("path", "content"), [("repro.py", REPRODUCTION), ("tests/test_box.py", AS_TEST)])
def test_a_failing_reproduction_points_at_what_it_runs(path: str, content: str, pointing: Any) -> None:
    seen = pointing("reproduce", path=path, content=content)
    shown = seen.text.split("look at these first", 1)[1].splitlines()[1:]
    assert re.fullmatch(r"pkg/front.py:4-5 box_size \d+% run", shown[0])
    assert any(re.fullmatch(r"pkg/deep.py:2-3 Store.keep \d+% run", line) for line in shown)
    assert not any("other" in line and line.endswith("run") for line in shown)
    assert len(shown) <= 5
    assert not any(path in line for line in shown)
    assert not list(pointing.tree.glob("**/sitecustomize*"))


def test_it_does_not_point_when_it_passes_or_when_hints_are_off(pointing: Any) -> None:
    assert "look at these" not in pointing("reproduce", path="a.py", content="pass\n").text
    pointing.context.hints = False
    assert "look at these" not in pointing("reproduce", path="repro.py", content=REPRODUCTION).text


def test_the_tracer_leaves_a_start_file_and_a_debugger_their_places(pointing: Any, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import builtins\nbuiltins.started_here = True\n")
    content = f"import sys\nassert started_here\nsys.settrace(lambda *_: None)\n{REPRODUCTION}"
    command = f"PYTHONPATH=$PYTHONPATH:{tmp_path} python repro.py"
    seen = pointing("reproduce", path="repro.py", content=content, command=command)
    assert "assert box_size(0) == 1" in seen.text
    assert re.search(r"box_size \d+% run", seen.text)


def test_it_does_not_point_where_a_traceback_names_the_line(pointing: Any) -> None:
    seen = pointing(
        "reproduce", path="repro.py", content="from pkg.front import box_size\n\nbox_size()\nbox_size(0).x\n"
    )
    assert "look at these" in seen.text
    inside = "from pkg.deep import Store\n\nStore().keep(type('B', (), {'__bool__': lambda self: 1 / 0})())\n"
    seen = pointing("reproduce", path="repro.py", content=inside)
    assert "pkg/deep.py" in seen.text
    assert "look at these" not in seen.text


def test_after_a_change_it_says_that_it_was_run_with_it(pointing: Any) -> None:
    pointing("edit", command="str_replace", path="pkg/deep.py", old="(x,) if y]", new="(x,)]")
    seen = pointing("reproduce", path="repro.py", content=REPRODUCTION)
    assert seen.text.startswith("registered; it passes with the changes that you have made.")
    seen = pointing("reproduce", path="repro.py", content="raise SystemExit(1)\n")
    assert seen.text.startswith("registered; it fails with the changes that you have made:")
    assert "look at these" not in seen.text


def test_what_shows_slowness_ends_well_and_is_registered_with_its_factor(desk: Any) -> None:
    seen = desk("reproduce", path="slow.py", content="print('done')\n", faster=3)
    assert seen.text.startswith("registered; it took 0.")
    assert seen.reproduction.faster == 3
    assert "it fails: what shows slowness ends well" in desk("reproduce", path="s.py", content="1 / 0\n", faster=3).text
    assert desk("reproduce", path="s.py", content="1\n", faster=0.5).status == "refused"


def test_a_plan_is_a_list_with_marks(desk: Any) -> None:
    seen = desk("plan", items=[{"what": "see it fail", "done": True}, {"what": "mend it"}])
    assert seen.text == "1. [x] see it fail\n2. [ ] mend it"
    assert desk("plan", items=[]).status == "refused"


NAMED = "tests/a.py::test_a PASSED [ 33%]\ntests/a.py::test_b PASSED [ 66%]\ntests/a.py::test_c "
TERSE = "tests/a.py .s                [ 66%]\ntests/b.py ."


@pytest.mark.parametrize(
    ("printed", "counts", "last"),
    [(NAMED, "2 passed", "tests/a.py::test_c"), (TERSE, "2 passed, 1 skipped", "tests/b.py .")],
)
def test_what_had_ended_at_the_deadline_is_counted(desk: Any, printed: str, counts: str, last: str) -> None:
    (desk.tree / "tests").mkdir(exist_ok=True)
    (desk.tree / "tests/a.py").touch()
    (desk.tree / "printed").write_text(f"====== test session starts ======\n{printed}")
    (desk.tree / "pytest").write_text("#!/bin/sh\ncat printed\nsleep 60\n")
    (desk.tree / "pytest").chmod(0o755)
    desk.context.test_command = "./pytest"
    seen = desk("test", tests=["tests/a.py"], timeout=4)
    assert seen.status == "timeout"
    assert seen.text.startswith(f"{counts} (pytest, ended at its deadline, ")
    assert "[ended after 4 s; these had ended by then; choose fewer tests" in seen.text
    assert f"\n{last}" in seen.text
    assert "test session starts" not in seen.text
