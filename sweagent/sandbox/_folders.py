"""Folders of local sandboxes: filled from a seed, always removed."""

import io
import os
import shutil
import tarfile
from pathlib import Path

from sweagent.errors import SandboxError


def remove_folder(folder: Path) -> None:
    """Remove a sandbox's folder, also where commands have taken away permissions."""

    def forced(_function: object, path: str, _error: object) -> None:
        parent = os.path.dirname(path)
        try:
            os.chmod(parent, 0o700)
            if os.path.isdir(path) and not os.path.islink(path):
                os.chmod(path, 0o700)
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.unlink(path)
        except OSError:
            return

    shutil.rmtree(folder, onerror=forced)


def fill(folder: Path, tree: bytes | Path | None) -> None:
    """Put a seed on this machine: a tar archive, its path, or a folder that is copied.

    Raises:
        SandboxError: it cannot be unpacked.
    """
    if tree is None:
        return
    try:
        if isinstance(tree, Path) and tree.is_dir():
            shutil.copytree(tree, folder, symlinks=True, dirs_exist_ok=True)
            return
        with tarfile.open(fileobj=io.BytesIO(tree) if isinstance(tree, bytes) else tree.open("rb")) as archive:
            archive.extractall(folder, filter="tar")
    except (OSError, tarfile.TarError) as error:
        raise SandboxError(f"the repository's copy cannot be unpacked: {error}", "free some disk space") from error
