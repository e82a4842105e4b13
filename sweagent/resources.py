"""Find bundled `tools/`, `prompts/`, `environments/` and `trajectories/`."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(*parts: str) -> Path:
    """Return the path of a bundled file or folder.

    Args:
        parts: path components, the first of which is one of the four resource folders.

    Raises:
        FileNotFoundError: if the installation lacks it.
    """
    bundled = _PACKAGE / "_bundled"
    path = (bundled if bundled.is_dir() else _PACKAGE.parent).joinpath(*parts)
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: the installation of fix-issue is not complete; install it again")
    return path
