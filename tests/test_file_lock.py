import threading
from pathlib import Path

import pytest

from sweagent.errors import StorageError
from sweagent.file_lock import LockedElsewhereError, locked


def _try(path: Path) -> list[str]:
    """What another thread finds when it does not wait."""
    found = []

    def work() -> None:
        try:
            with locked(path, wait=0):
                found.append("held")
        except LockedElsewhereError:
            found.append("locked elsewhere")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found


def test_a_lock_keeps_others_out_until_it_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.lock"
    with locked(path):
        assert _try(path) == ["locked elsewhere"]
    assert _try(path) == ["held"]


def test_a_lock_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot lock"), locked(tmp_path / "file" / "x.lock"):
        pass
