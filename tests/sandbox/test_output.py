"""Keeping head and tail of an output in bounded memory."""

import re

from hypothesis import given
from hypothesis import strategies as st

from sweagent.sandbox._output import BoundedOutput


@given(st.lists(st.binary(max_size=400), max_size=30), st.integers(2, 300))
def test_head_and_tail_are_the_outputs_own_and_the_count_is_right(pieces: list[bytes], limit: int) -> None:
    whole = b"".join(pieces)
    kept = BoundedOutput(limit, spool=True)
    for piece in pieces:
        kept.add(piece)
    try:
        assert kept.total == len(whole)
        if not kept.truncated:
            assert kept.text() == whole.decode("utf-8", "replace")
            return
        match = re.search(r"\n?\[… ([\d,]+) bytes left out; see P …\]\n", kept.text("P"))
        assert match is not None
        assert 0 < len(whole) - int(match[1].replace(",", "")) <= limit
        assert kept.file is not None
        kept.file.seek(0)
        assert kept.file.read() == whole
    finally:
        kept.close()


@given(st.text(alphabet="aé→😀\n", min_size=500, max_size=900), st.integers(10, 60))
def test_characters_are_not_torn(text: str, limit: int) -> None:
    kept = BoundedOutput(limit)
    kept.add(text.encode())
    assert "\ufffd" not in kept.text()
    head, notice, tail = re.split(r"\n?(\[… [\d,]+ bytes left out …\])\n", kept.text())
    assert text.startswith(head.rstrip("\n"))
    assert text.endswith(tail)
    assert notice


def test_memory_stays_bounded() -> None:
    kept = BoundedOutput(1000)
    for _ in range(1000):
        kept.add(b"x" * 100_000)
    assert kept.total == 100_000_000
    assert len(kept._head) + len(kept._tail) < 10_000
