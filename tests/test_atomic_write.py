import os
from pathlib import Path

import pytest

from sweagent.atomic_write import write_atomically
from sweagent.errors import StorageError


def test_bytes_that_are_not_utf8_survive_and_line_ends_stay(tmp_path: Path) -> None:
    write_atomically(tmp_path / "new" / "patch.diff", "caf\udce9\r\n")

    assert (tmp_path / "new" / "patch.diff").read_bytes() == b"caf\xe9\r\n"
    assert os.listdir(tmp_path / "new") == ["patch.diff"]


def test_what_cannot_be_replaced_stays_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "kept").mkdir(parents=True)

    with pytest.raises(StorageError, match="cannot write"):
        write_atomically(tmp_path / "a", b"new")

    assert os.listdir(tmp_path) == ["a"]
