"""Tell from which files a run imported the changed Python modules.

A run that tests an installed release in place of the work tree shows nothing of a patch. So each run of Python tests,
and each driven script, records the file of every changed module that it loaded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

_ROOT_FOLDERS = ("src", "lib", "python", "source")
_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


@dataclass(frozen=True)
class Stray:
    """A changed module that a run did not load from its file in the work tree.

    Attributes:
        module: its dotted name.
        path: the changed file.
        loaded: where it was loaded from.
    """

    module: str
    path: str
    loaded: str

    def __str__(self) -> str:
        if PurePosixPath(self.loaded).suffix in (".so", ".pyd") and self.loaded.startswith(_folder(self.path)):
            return (
                f"it runs the compiled {self.loaded} and not the changed {self.path}: remove the compiled file, "
                "or have it built again"
            )
        root = self.path.removesuffix(".py").removesuffix("/__init__")
        root = root.removesuffix(self.module.replace(".", "/")).strip("/")
        project = root.removesuffix("src").strip("/") or "."
        return (
            f"it tests `{self.module}` from {self.loaded} and not the work tree's {self.path}: install the project "
            f"in editable mode (`pip install -e {project}`), or set PYTHONPATH={root or '.'}"
        )


def _folder(path: str) -> str:
    return f"{PurePosixPath(path).parent}/".removeprefix("./")


def watched_modules(changed: Iterable[str], paths: Iterable[str]) -> dict[str, str]:
    """The names under which changed Python files can be imported, each with its file.

    A name starts below a folder that can be on the import path: the root, a `src` folder, or one with a project file.

    Args:
        changed: the files that the patch changes.
        paths: all files of the tree.
    """
    known = frozenset(paths)
    return {name: path for path in changed if path.endswith(".py") for name in _names(path, known)}


def own_modules(paths: Iterable[str]) -> frozenset[str]:
    """The top-level names of the Python modules of a work tree, without its tests' bare files."""
    known = frozenset(paths)
    folders = {folder for path in known for folder in PurePosixPath(path).parents}
    roots = {str(folder) for folder in folders if _is_root(folder, known)}
    found = set()
    for path in known:
        if path.endswith((".py", ".pyx", ".pyi")):
            for root in (str(folder) for folder in PurePosixPath(path).parents):
                if root in roots:
                    rest = path if root == "." else path.removeprefix(f"{root}/")
                    found.add(rest.split("/")[0].split(".")[0])
    return frozenset(found)


def _names(path: str, known: frozenset[str]) -> list[str]:
    pure = PurePosixPath(path)
    parts = pure.parent.parts if pure.name == "__init__.py" else (*pure.parent.parts, pure.stem)
    roots = [folder for folder in pure.parents if _is_root(folder, known)]
    rests = [parts[len(folder.parts) :] for folder in roots]
    return [".".join(rest) for rest in rests if rest and all(part.isidentifier() for part in rest)]


def _is_root(folder: PurePosixPath, known: frozenset[str]) -> bool:
    if f"{folder}/__init__.py".removeprefix("./") in known:
        return False
    if str(folder) == "." or folder.name in _ROOT_FOLDERS:
        return True
    return any(f"{folder}/{name}" in known for name in _PROJECT_FILES)


def strays(watched: Mapping[str, str], origins: Iterable[tuple[str, str]], workdir: str) -> tuple[Stray, ...]:
    """The changed modules that a run loaded, but never from a file that the patch changes.

    A module that was moved may go on under its old name, and is loaded from another changed file then.

    Args:
        watched: what `watched_modules` gave.
        origins: modules and files, as the run recorded them; a module may be named several times.
        workdir: the work tree in the sandbox.
    """
    loaded: dict[str, list[str]] = {}
    for module, file in origins:
        if module in watched:
            loaded.setdefault(module, []).append(file.removeprefix(f"{workdir}/"))
    changed = frozenset(watched.values())
    own = {watched[module] for module, files in loaded.items() if not changed.isdisjoint(map(_source, files))}
    return tuple(
        Stray(module, watched[module], min(files, key=lambda file: (file.startswith("/"), file)))
        for module, files in sorted(loaded.items())
        if watched[module] not in own
    )


def _source(file: str) -> str:
    return file[:-1] if file.endswith((".pyc", ".pyo")) else file
