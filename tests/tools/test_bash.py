"""The shell says truthfully what came of a command."""

from typing import Any

import pytest

from sweagent.tool_support.sandbox_paths import SavedOutputs


@pytest.mark.parametrize(
    ("command", "text", "status", "code"),
    [
        ("echo hi", "hi", "ok", 0),
        ("true", "(no output, exit 0)", "ok", 0),
        ("echo a; exit 3", "a\n[exit 3]", "error", 3),
        ("grep nothing_here pkg/core.py", "(no output)\n[exit 1: grep says that nothing was found]", "error", 1),
        ("nothing_of_this_name 2>/dev/null", "(no output)\n[exit 127: command not found]", "error", 127),
        ("printf 'a\\rb\\033[31mred\\033[0m\\n'", "bred", "ok", 0),
        ("printf 'a\\000b\\033]8;;x\\007c'", "a\\x00bc", "ok", 0),
        ("seq 3 | head -1", "1", "ok", 0),
        ("cd pkg && pwd | sed 's/.*\\///'", "pkg", "ok", 0),
        ("cat <<'X' | wc -l\na|b\nX", "1", "ok", 0),
        ("echo 'unclosed", None, "error", None),
    ],
)
def test_what_came_of_it(desk: Any, command: str, text: str | None, status: str, code: int | None) -> None:
    seen = desk("bash", command=command)
    assert seen.status == status
    if text is not None:
        assert seen.text.strip() == text
        assert seen.exit_code == code


def test_a_failure_hidden_by_a_pipe_is_said(desk: Any) -> None:
    seen = desk("bash", command="(echo out; exit 2) | tail -1")
    assert seen.exit_code == 0
    assert seen.text == "out\n[exit codes along the pipe: 2 0]"
    assert "pipe" not in desk("bash", command="yes | head -1").text


def test_the_folder_and_exports_carry_over(desk: Any) -> None:
    desk("bash", command="cd pkg; export GREETING=hello")
    assert desk("bash", command="echo $GREETING; ls core.py").text == "hello\ncore.py"


def test_partial_output_is_kept_at_the_deadline(desk: Any) -> None:
    seen = desk("bash", command="echo begun; sleep 60", timeout=0.3)
    assert (seen.status, seen.exit_code) == ("timeout", None)
    assert seen.text.startswith("begun\n[ended after 0.3 s, its limit; `timeout` may be up to 90")


def test_an_output_half_as_long_again_as_an_observation_is_not_cut(desk: Any) -> None:
    seen = desk("bash", command="seq 1 700")
    assert not seen.truncated
    assert len(seen.text.splitlines()) == 700
    assert len(seen.text) > desk.context.limits.characters * 1.3


def test_long_output_is_bounded_and_the_whole_can_be_viewed(desk: Any) -> None:
    seen = desk("bash", command="seq 1 20000")
    assert seen.truncated
    assert len(seen.text) < 3600
    assert seen.text.startswith("1\n2\n")
    assert seen.text.rstrip().endswith("20000")
    (path,) = desk.context.state.of(SavedOutputs).paths
    assert path in seen.text
    assert "  9999\t9999" in desk("view", path=path, start=9999, end=9999).text


def test_a_background_job_can_be_looked_at(desk: Any) -> None:
    seen = desk("bash", command="echo from the job", background=True)
    path = seen.text.split("goes to ")[1].split(",")[0]
    wait = f"until grep -q 'exit code' {path}; do :; done; cat {path}"
    assert "from the job" in desk("bash", command=wait, timeout=20).text


@pytest.mark.parametrize(
    "arguments", [{}, {"command": ""}, {"command": "a\0b"}, {"command": "ls", "timeout": -1}, {"cmd": "x"}]
)
def test_what_cannot_be_run_is_refused(desk: Any, arguments: dict[str, Any]) -> None:
    assert desk("bash", **arguments).status == "refused"
