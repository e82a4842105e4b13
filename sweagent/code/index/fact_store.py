"""Store facts of files on disk, by git blob.

SQLite in write-ahead mode: many readers beside a writer, and a process that is killed loses only its last batch.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from sweagent.code.index.facts import FORMAT
from sweagent.file_lock import locked

_AT_ONCE = 500
_FAILURES = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What a store may raise; of a damaged schema sqlite3 tells with bytes that it cannot decode itself."""
_NO_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOMEM,
    }
)


class FactStore:
    """A store of encoded facts, used as a context manager.

    What it keeps can be made again: a damaged file is replaced by a new one, and a folder that cannot be written to
    gives a store in memory.

    Args:
        folder: where the file is kept; made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"code-{FORMAT}.sqlite3"
        self._file = (0, 0)
        self._connection = self._open()

    def __enter__(self) -> "FactStore":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def load(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield (key, record) of those keys that are stored and can be read."""
        wanted = list(keys)
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            # Only the number of marks goes into the text; the values are bound.
            query = f"SELECT key, record FROM facts WHERE key IN ({marks})"  # noqa: S608
            try:
                rows = self._connection.execute(query, some).fetchall()
            except _FAILURES as error:
                self._renew_if_damaged(error)
                return
            yield from rows

    def save(self, records: Iterable[tuple[str, bytes]]) -> None:
        """Store records in one transaction; a full disk or a lock held too long leaves the store as it was."""
        try:
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", records)
        except _FAILURES as error:
            self._renew_if_damaged(error)

    def _open(self) -> sqlite3.Connection:
        try:
            with locked(self.path.with_suffix(".lock")):
                try:
                    connection = _connect(self.path)
                except _FAILURES as error:
                    if not _is_damage(error):
                        raise
                    _remove(self.path)
                    connection = _connect(self.path)
                self._file = _identity(self.path)
                return connection
        except (OSError, *_FAILURES):
            return _connect(None)

    def _renew_if_damaged(self, error: Exception) -> None:
        if not _is_damage(error):
            return
        with suppress(OSError), locked(self.path.with_suffix(".lock")):
            # Another process may have renewed it already. While the connection is open, no new file has its number.
            if _identity(self.path) == self._file:
                _remove(self.path)
        self._connection.close()
        self._connection = self._open()


def _is_damage(error: Exception) -> bool:
    """Tell damage from a lock held too long, from a disk that is full or cannot be written, and from faults of ours."""
    if isinstance(error, sqlite3.ProgrammingError):
        return False
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF not in _NO_DAMAGE


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def _connect(path: Path | None) -> sqlite3.Connection:
    connection = sqlite3.connect(path or ":memory:", timeout=20)
    try:
        with closing(connection.execute("PRAGMA journal_mode=WAL")) as cursor:
            cursor.fetchone()
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID"
        )
        connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection
