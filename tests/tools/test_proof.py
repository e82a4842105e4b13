"""The tools that run things for the record: test, reproduce, submit."""

from typing import Any


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


def test_without_a_test_command_it_says_so(desk: Any) -> None:
    desk.context.test_command = ""
    assert "not known" in desk("test", tests=["a"]).text


def test_many_failures_stay_within_the_limit(desk: Any) -> None:
    body = "\n".join(
        f"def test_{number}():\n    assert {{'a': {number}}} == list(range(100))\n" for number in range(60)
    )
    (desk.tree / "tests/test_many.py").write_text(body)
    seen = desk("test", tests=["tests/test_many.py"])
    assert seen.text.startswith("60 failed")
    assert len(seen.text) <= 2300


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
