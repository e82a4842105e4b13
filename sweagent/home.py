"""The user's home folder, or what stands for it where there is none, as for a container's arbitrary user."""

import os
import stat
import tempfile
from pathlib import Path

from sweagent.errors import StorageError


def home_folder() -> Path:
    """The home folder; a user without one is given a private folder among the temporary ones.

    Raises:
        StorageError: that folder cannot be made, or somebody else has made it.
    """
    try:
        return Path.home()
    except RuntimeError:
        folder = Path(tempfile.gettempdir(), f"fix-issue-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise StorageError(f"there is no home folder, and {folder} cannot be made: {error}", "set HOME") from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise StorageError(f"there is no home folder, and {folder} is not private", "set HOME")
    return folder


def expanded(path: str) -> Path:
    """A path in which `~` means the home folder; what means nothing, such as `~100`, stays as it is written."""
    return Path(os.path.expanduser(path))
