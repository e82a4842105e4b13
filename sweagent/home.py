"""User's folders: home, settings, state and cache."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from sweagent.errors import StorageError


def home_folder() -> Path:
    """The home folder; a user without one is given a private folder among the temporary ones.

    Raises:
        StorageError: that folder cannot be made, or somebody else has made it.
    """
    try:
        home = Path.home()
    except RuntimeError:
        home = Path()
    if home.is_absolute():
        return home
    folder = Path(tempfile.gettempdir(), f"fix-issue-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise StorageError(f"there is no home folder, and {folder} cannot be made: {error}", "set HOME") from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise StorageError(f"there is no home folder, and {folder} is not private", "set HOME")
    return folder


def config_folder() -> Path:
    """The folder of the user's own settings: `$XDG_CONFIG_HOME/fix-issue`, else `~/.config/fix-issue`."""
    return _user_folder("user_config_path", ".config")


def state_folder() -> Path:
    """The folder for what runs leave: `$XDG_STATE_HOME/fix-issue`, else `~/.local/state/fix-issue`."""
    return _user_folder("user_state_path", ".local/state")


def cache_folder() -> Path:
    """The folder for what can be made again: `$XDG_CACHE_HOME/fix-issue`, else `~/.cache/fix-issue`."""
    return _user_folder("user_cache_path", ".cache")


def _user_folder(kind: str, otherwise: str) -> Path:
    """A folder of the XDG base directories.

    A relative one would be looked up in the current folder, which may be anybody's work tree. The XDG specification
    says to ignore it; it also comes about where there is no home folder.
    """
    from platformdirs.unix import Unix

    with suppress(RuntimeError):  # newer versions refuse to answer where there is no home folder
        path: Path = getattr(Unix("fix-issue"), kind)
        if path.is_absolute():
            return path
    return home_folder() / otherwise / "fix-issue"


def ignore_dotenv_files() -> None:
    """Keep libraries from reading a `.env` of a folder that happens to be near: it may be anybody's work tree.

    litellm and swebench read one when they are imported. Child processes are kept from it too.
    """
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"


def expanded(path: str) -> Path:
    """A path in which `~` means the home folder; what means nothing, such as `~100`, stays as it is written."""
    return Path(os.path.expanduser(path))
