"""Looking: view and search."""

from typing import Any

import pytest


def test_a_small_file_is_shown_with_numbers(desk: Any) -> None:
    seen = desk("view", path="pkg/core.py")
    assert seen.text.startswith("pkg/core.py\n     1\tdef double(x):\n     2\t    return x + 1\n")


def test_a_range_and_its_limits(desk: Any) -> None:
    assert desk("view", path="pkg/core.py", start=5, end=-1).text == (
        "pkg/core.py 5-7 of 7\n     5\tclass Box:\n     6\t    def size(self):\n     7\t        return 1"
    )
    assert desk("view", path="pkg/core.py", start=6, end=99).text.count("\n") == 2
    assert "has 7 lines" in desk("view", path="pkg/core.py", start=50).text


def test_a_symbol_by_name(desk: Any) -> None:
    assert desk("view", path="pkg/core.py", symbol="Box.size").text == (
        "pkg/core.py 6-7 of 7\n     6\t    def size(self):\n     7\t        return 1"
    )
    missing = desk("view", path="pkg/core.py", symbol="Box.sizes")
    assert missing.status == "error"
    assert "there are: double, Box, Box.size" in missing.text


def test_a_long_file_is_shown_as_its_outline(desk: Any) -> None:
    body = "".join(f"def name_{number}(x):\n    return x\n\n\n" for number in range(100))
    (desk.tree / "long.py").write_text(body + "# end\n")
    seen = desk("view", path="long.py")
    assert seen.truncated
    assert "long.py, 401 lines" in seen.text
    assert "     1-2      def name_0(x):" in seen.text
    (desk.tree / "wide.py").write_text(f"def name():\n{'    # a comment' * 40}\n" + "\n" * 250 + "#" * 4500)
    assert "its outline" in desk("view", path="wide.py").text


def test_a_file_of_some_hundred_lines_is_shown_whole(desk: Any) -> None:
    (desk.tree / "some.py").write_text("def f(): pass\n" + "\n" * 350 + "x = 1\n")
    seen = desk("view", path="some.py")
    assert not seen.truncated
    assert seen.text.startswith("some.py\n     1\tdef f(): pass\n")
    assert seen.text.endswith("   352\tx = 1")


def test_of_a_long_text_without_an_outline_the_beginning_is_shown(desk: Any) -> None:
    (desk.tree / "long.txt").write_text("word\n" * 500)
    seen = desk("view", path="long.txt")
    assert seen.text.endswith("[more lines: give `start`]")
    assert len(seen.text) < 2200


def test_a_range_that_is_asked_for_is_shown_whole(desk: Any) -> None:
    (desk.tree / "long.py").write_text("".join(f"value_{number} = {number}\n" for number in range(1, 501)))
    seen = desk("view", path="long.py", start=1, end=-1)
    assert seen.text.splitlines()[-1] == "   500\tvalue_500 = 500"
    assert len(seen.text) > 5 * desk.context.limits.characters
    (desk.tree / "one.py").write_text("def large():\n" + "    x = 12345678901234567890\n" * 300)
    assert desk("view", path="one.py", symbol="large").text.count("\n") == 301


def test_a_folder_two_levels_deep_without_hidden_files(desk: Any) -> None:
    lines = desk("view", path=".").text.splitlines()
    assert lines[0] == "./"
    assert {"pkg/", "pkg/core.py", "tests/test_core.py"} <= set(lines)
    assert not any(".git" in line for line in lines)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a\r\nb\r\n", "CRLF line ends"),
        (b"a\nb", "no line end at the end"),
        (b"\xef\xbb\xbfa\n", "byte order mark"),
        ("caf\xe9 \xfc\n".encode("latin-1"), "latin-1"),
        (b"a\0b", "binary, 3 bytes"),
        (b"", "is empty"),
        (b"x" * 5000 + b"\n", "4,007 characters more"),
        ("ok \u202e hidden".encode(), "\\u202e"),
    ],
)
def test_what_is_special_about_a_file_is_said(desk: Any, content: bytes, said: str) -> None:
    (desk.tree / "file.txt").write_bytes(content)
    assert said in desk("view", path="file.txt").text


def test_outside_only_harmless_places_are_shown(desk: Any) -> None:
    secret = desk.tree.parent / "home" / "secret"
    (desk.tree / "link").symlink_to("/etc/passwd")
    for path in ("/etc/passwd", "link", "/proc/self/environ", "/dev/zero"):
        assert desk("view", path=path).status == "refused", path
    assert desk("view", path="nope").text == "nope does not exist"
    assert not secret.exists()
    import pydantic

    assert "VERSION" in desk("view", path=pydantic.version.__file__, end=30).text


def test_search_groups_by_file_and_leaves_out_ignored(desk: Any) -> None:
    (desk.tree / "pkg/new.py").write_text("double(3)\n")
    seen = desk("search", pattern="double(", path="pkg")
    assert seen.text == "2 lines in 2 files\npkg/core.py\n     1: def double(x):\npkg/new.py\n     1: double(3)"
    assert "ignored" not in desk("search", pattern="double").text
    assert "1 line in 1 file\nignored/core.py" in desk("search", pattern="double", path="ignored").text


def test_search_options(desk: Any) -> None:
    assert "1: def double(x):" in desk("search", pattern="DEF +DOUBLE", regex=True, ignore_case=True).text
    around = desk("search", pattern="class Box", context=1).text
    assert "     5: class Box:" in around
    assert "     6      def size(self):" in around
    assert "test_core" not in desk("search", pattern="double", glob="core.py").text
    assert "tests/test_core.py" in desk("search", pattern="double", path="tests/test_core.py").text


def test_search_says_when_nothing_is_found_or_wrong(desk: Any) -> None:
    nothing = desk("search", pattern="zzzz", glob="*.py")
    assert (nothing.text, nothing.status) == ("nothing found in the repository (*.py) for: zzzz", "ok")
    assert desk("search", pattern="(", regex=True).status == "error"
    assert desk("search", pattern="a\nb").status == "refused"
    assert desk("search", pattern="-x --help").text.startswith("nothing found")


def test_every_hit_is_shown_before_what_stands_around_it(desk: Any) -> None:
    (desk.tree / "long.py").write_text("".join(f"value_{n} = 'wanted' {'x' * 300}\n" + "pass\n" * 9 for n in range(12)))
    seen = desk("search", pattern="wanted", context=4)
    assert seen.text.startswith("12 lines in 1 file\nlong.py\n     1: value_0")
    assert all(f"{10 * n + 1}: value_{n} = 'wanted'" in seen.text for n in range(12))
    assert seen.text.endswith("so that every hit is shown; narrow `path` or `glob`]")
    assert "pass" not in seen.text
    assert "     2  pass" in desk("search", pattern="value_0 ", context=1).text.replace("2   pass", "2  pass")


def test_search_is_bounded_and_works_without_git(desk: Any) -> None:
    (desk.tree / "many.txt").write_text("word here\n" * 3000)
    for number in range(40):
        (desk.tree / f"pkg/file_{number:02}.txt").write_text("a word\n")
    seen = desk("search", pattern="word")
    assert "3,040 lines in 41 files" in seen.text
    assert "more hits here" in seen.text
    assert "pkg/file_20.txt" in seen.text
    assert len(seen.text) < 3500
    desk("bash", command="rm -rf .git many.txt")
    assert "pkg/core.py\n     1: def double(x):" in desk("search", pattern="def double", path="pkg").text


@pytest.mark.parametrize(
    ("glob", "path", "found"),
    [
        ("*.py", "pkg", ["pkg/__init__.py", "pkg/core.py"]),
        ("test_*", ".", ["tests/test_core.py"]),
        ("**/core.py", ".", ["pkg/core.py"]),
        ("pkg/*.py", ".", ["pkg/__init__.py", "pkg/core.py"]),
        ("pkg", ".", ["pkg/"]),
        ("[!_]*.py", "pkg", ["pkg/core.py"]),
    ],
)
def test_files_by_name(desk: Any, glob: str, path: str, found: list[str]) -> None:
    assert desk("search", glob=glob, path=path).text.split("\n") == found


def test_no_file_of_that_name(desk: Any) -> None:
    desk("bash", command="rm conftest.py")
    assert desk("search", glob="conftest.py").exit_code == 1
    assert desk("search", glob="*.rs").text.endswith("matches *.rs")
    assert desk("search", glob="*", path="pkg/core.py").status == "refused"
    assert desk("search").status == "refused"


def test_the_whole_of_a_folded_issue_can_be_viewed(desk: Any) -> None:
    from sweagent.agent.prompting import keep_whole_issue

    text = "Crash\n\n" + "\n".join(f"package-{number}    1.{number}.0" for number in range(40)) + "\n\nIt crashes."
    shown = keep_whole_issue(desk.context.sandbox, text)
    assert "38 lines: versions; the whole text: .git/fix-issue/issue.md]" in shown
    assert shown.endswith("It crashes.")
    whole = desk("view", path=".git/fix-issue/issue.md", start=1, end=-1)
    assert "package-39    1.39.0" in whole.text


def test_a_file_too_large_to_come_at_once_is_read_whole(desk: Any) -> None:
    (desk.tree / "big.txt").write_text("0123456789\n" * 60_000)
    assert "big.txt 60000-60000 of 60000" in desk("view", path="big.txt", start=60_000).text
    seen = desk("edit", command="insert", path="big.txt", line=60_000, new="end")
    assert seen.status == "ok"
    assert (desk.tree / "big.txt").read_text().endswith("789\nend\n")


def test_programs_of_the_sandbox_that_lie_cannot_crash_the_harness(desk: Any) -> None:
    folder = desk.tree.parent / "tmp"
    (folder / "base64").write_text("#!/bin/sh\necho '!!! not base64 !!!x'\n")
    (folder / "base64").chmod(0o755)
    desk.context.sandbox.run("true")
    run = desk.context.sandbox.run

    def with_lies(command: str, **options: Any) -> Any:
        return run(f"PATH={folder}:$PATH; {command}", **options)

    desk.context.sandbox.run = with_lies
    assert "     1\tdef double(x):" in desk("view", path="pkg/core.py").text
