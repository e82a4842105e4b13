"""Write a file as a whole or not at all."""

import os
import tempfile
from pathlib import Path

from sweagent.errors import StorageError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that it is there as a whole or not at all, also after a kill or a power cut.

    Args:
        path: the file; folders that are missing are made.
        content: text is written as UTF-8; a half surrogate pair as the byte that it stands for.

    Raises:
        StorageError: the disk refuses it; what was there before is whole.
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error}", "free some disk space") from error
