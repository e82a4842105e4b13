"""The facts of files on disk, by git blob: a second commit of a repository costs only what changed.

SQLite in write-ahead mode: many readers beside a writer, and a process that is killed loses only its last batch.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from sweagent.code.facts import FORMAT

_AT_ONCE = 500


def default_cache() -> Path:
    """The user's cache folder for this program."""
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "fix-issue"


class FactStore:
    """A store of encoded facts, used as a context manager. A folder that cannot be written to gives one in memory.

    Args:
        folder: where the file is kept; made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"code-{FORMAT}.sqlite3"
        self._connection = self._open()

    def __enter__(self) -> "FactStore":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def load(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield (key, record) of those keys that are stored."""
        wanted = list(keys)
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            # Only the number of marks goes into the text; the values are bound.
            query = f"SELECT key, record FROM facts WHERE key IN ({marks})"  # noqa: S608
            yield from self._connection.execute(query, some)

    def save(self, records: Iterable[tuple[str, bytes]]) -> None:
        """Store records in one transaction; a full disk or a lock held too long leaves the store as it was."""
        with suppress(sqlite3.OperationalError), self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", records)

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                return _connect(self.path)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                # Not a database: what is kept here can be made again.
                for name in (self.path.name, f"{self.path.name}-wal", f"{self.path.name}-shm"):
                    self.path.with_name(name).unlink(missing_ok=True)
                return _connect(self.path)
        except (OSError, sqlite3.OperationalError):
            return _connect(None)


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
    except sqlite3.Error:
        connection.close()
        raise
    return connection
