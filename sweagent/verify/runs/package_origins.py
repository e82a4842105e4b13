"""Tell from which folders Node loaded the changed packages.

A workspace can depend on a published release of a package that lies in it too; its tests say nothing of a patch then.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from sweagent.verify.runs.import_origins import Stray

_CODE = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
_INSTALLED = "/node_modules/"


@dataclass(frozen=True)
class WatchedPackage:
    """A package of npm's with a changed file.

    Attributes:
        name: as others import it.
        folder: in the work tree; empty for its root.
        inner: the folders of other packages in it.
        path: the first of its changed files.
    """

    name: str
    folder: str
    inner: tuple[str, ...]
    path: str

    def in_tree(self, workdir: str) -> tuple[str, str, tuple[str, ...]]:
        """What the program beside the run takes: the name, and folders as the sandbox has them."""
        folder, *inner = (f"{workdir}/{place}".rstrip("/") for place in (self.folder, *self.inner))
        return self.name, folder, tuple(inner)


class StrayPackage(Stray):
    """A changed package that a run loaded, but never from the work tree."""

    def __str__(self) -> str:
        return (
            f"it tests `{self.module}` from {self.loaded} and not the work tree's {self.path}: let the workspace link "
            "its own package (a version range that the work tree's version meets, `workspace:*` or `file:`) and "
            "install again"
        )


def watched_packages(
    changed: Iterable[str], paths: Iterable[str], read_many: Callable[[Iterable[str]], Mapping[str, bytes]]
) -> tuple[WatchedPackage, ...]:
    """The packages of npm's whose code changes.

    Args:
        changed: the files that the patch changes.
        paths: all files of the tree.
        read_many: gives the contents of its files.
    """
    code = [path for path in changed if path.endswith(_CODE)]
    if not code:
        return ()
    files = [path for path in paths if PurePosixPath(path).name == "package.json" and "node_modules/" not in path]
    names = {_folder(path): _name(content) for path, content in read_many(files).items()}
    homes: dict[str, str] = {}
    for path in code:
        home = next((folder for folder in map(_plain, PurePosixPath(path).parents) if names.get(folder)), None)
        if home is not None:
            homes.setdefault(home, path)
    return tuple(
        WatchedPackage(names[home], home, tuple(sorted(place for place in names if _below(place, home))), path)
        for home, path in homes.items()
    )


def package_strays(
    packages: Iterable[WatchedPackage], origins: Iterable[tuple[str, str]], workdir: str
) -> tuple[Stray, ...]:
    """The packages of which an installed copy was loaded, and no file of the work tree that is not a test.

    A copy of the package that the repository itself is belongs to a tool that needs it (linters need `chalk`).

    Args:
        packages: what `watched_packages` gave.
        origins: packages and files, as the runs recorded them.
        workdir: the work tree in the sandbox.
    """
    loaded: dict[str, list[str]] = {}
    for name, file in origins:
        loaded.setdefault(name, []).append(file.removeprefix(f"{workdir}/"))
    found = []
    for package in packages:
        files = loaded.get(package.name, [])
        copies = sorted(file for file in files if _INSTALLED in f"/{file}")
        if package.folder and copies and len(copies) == len(files):
            found.append(StrayPackage(package.name, package.path, copies[0]))
    return tuple(found)


def _folder(path: str) -> str:
    return _plain(PurePosixPath(path).parent)


def _plain(folder: PurePosixPath) -> str:
    return "" if str(folder) == "." else str(folder)


def _below(place: str, home: str) -> bool:
    return place != home and (not home or place.startswith(f"{home}/"))


def _name(content: bytes) -> str:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    name = data.get("name") if isinstance(data, dict) else None
    return name if isinstance(name, str) else ""
