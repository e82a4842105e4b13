"""Tools of other profiles: an interpreter that keeps its state, values of locals, what is installed."""

from typing import Any


def test_the_interpreter_keeps_its_state(desk: Any) -> None:
    assert desk("python", code="x = 20\nprint('set')\nx + 1").text == "set\n21"
    assert desk("python", code="from pkg.core import double\ndouble(x)").text == "21"
    shown = desk("python", code="sh('echo from the shell; exit 3')")
    assert shown.text == "from the shell\n3"
    failed = desk("python", code="def f():\n    return 1 / 0\nf()")
    assert failed.status == "error"
    assert failed.text.splitlines()[0] == "Traceback (most recent call last):"
    assert "interpreter.py" not in failed.text
    assert "    return 1 / 0" in failed.text
    assert failed.text.endswith("ZeroDivisionError: division by zero\n[exit 1]")
    assert desk("python", code="x").text == "20"


def test_a_cell_that_does_not_end_is_interrupted_and_the_state_stays(desk: Any) -> None:
    desk("python", code="x = 5")
    seen = desk("python", code="print('begun', flush=True)\nwhile True: pass", timeout=1)
    assert (seen.status, seen.exit_code) == ("timeout", None)
    assert seen.text.startswith("begun\n")
    assert "KeyboardInterrupt" in seen.text
    assert desk("python", code="x").text == "5"


def test_an_interpreter_that_ends_is_told_of_and_started_anew(desk: Any) -> None:
    desk("python", code="x = 5")
    assert "its state is lost" in desk("python", code="import os; os._exit(3)").text
    assert "NameError" in desk("python", code="x").text
    desk("python", code="x = 6")
    assert "NameError" in desk("python", code="x", fresh=True).text


def test_locals_line_by_line(desk: Any) -> None:
    (desk.tree / "pkg/loop.py").write_text(
        "def total(items):\n    found = 0\n    for item in items:\n        found += item\n    return found\n"
    )
    script = "from pkg.loop import total\ntotal([1])\nassert total([2, 3]) == 6\n"
    assert desk("trace", path="pkg/loop.py", symbol="total").status == "refused"
    desk("reproduce", path="repro.py", content=script)
    seen = desk("trace", path="pkg/loop.py", symbol="total", calls=2)
    assert "pkg/loop.py:1-5 total under `python repro.py` (exit 1)" in seen.text
    assert "call 2: items=[2, 3]" in seen.text
    assert "     4 found += item    # found=5" in seen.text
    assert seen.text.endswith("returned 5")
    assert "[1 more calls]" in desk("trace", path="pkg/loop.py", symbol="total").text
    raised = desk(
        "trace", path="pkg/loop.py", symbol="total", command="python -c 'from pkg.loop import total; total(3)'"
    )
    assert "raised TypeError: TypeError(\"'int' object is not iterable\")" in raised.text
    assert "was not called" in desk("trace", path="pkg/core.py", symbol="Box.size").text
    assert desk("trace", path="pkg/core.py", symbol="Box").status == "refused"


def test_a_long_trace_keeps_its_beginning_and_its_end(desk: Any) -> None:
    (desk.tree / "pkg/loop.py").write_text(
        "def count():\n    n = 0\n    while n < 5000:\n        n += 1\n    return n\n"
    )
    command = "python -c 'from pkg.loop import count; count()'"
    seen = desk("trace", path="pkg/loop.py", symbol="count", command=command)
    assert "# n=1\n" in seen.text
    assert seen.text.endswith("returned 5000")


def test_what_is_installed_by_name_and_by_words(desk: Any) -> None:
    (desk.tree / "pkg/api.py").write_text(
        'def merge_intervals(first, *, keep_end=True):\n    """Join two intervals that overlap.\n\n    More.\n    """\n'
    )
    by_name = desk("api", text="pkg.api.merge_intervals").text
    assert by_name.startswith("pkg.api.merge_intervals(first, *, keep_end=True)\n  at pkg/api.py:1\n  Join two")
    assert "json.loads(s, " in desk("api", text="json.loads").text
    assert desk("api", text="merge_intervals").text.startswith(
        "def merge_intervals (first, *, keep_end=True)".replace(" (", "(")
    )
    assert "pkg/api.py:1" in desk("api", text="overlapping intervals merged").text
    assert desk("api", text="  ").status == "refused"
    assert "nothing is known" in desk("api", text="zzzqqq_nothing").text
