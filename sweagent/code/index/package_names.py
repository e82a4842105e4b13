"""Names of a repository's own packages, from their manifests."""

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from posixpath import basename, dirname, join, normpath

MANIFESTS = ("go.mod", "Cargo.toml", "composer.json")

_GO_MODULE = re.compile(r"^module\s+\"?([^\s\"]+)", re.MULTILINE)


def package_folders(manifests: Mapping[str, bytes]) -> dict[str, tuple[str, ...]]:
    """Return the folders of packages by their name, written with slashes; what cannot be read gives none.

    Args:
        manifests: the contents of files whose paths end with one of `MANIFESTS`, by path.
    """
    folders: defaultdict[str, list[str]] = defaultdict(list)
    for path, content in manifests.items():
        try:
            for name, folder in _named(basename(path), content.decode("utf-8", "replace")):
                place = normpath(join(dirname(path), folder))
                folders[name].append("" if place == "." else place)
        except (ValueError, TypeError, AttributeError, RecursionError):
            continue
    return {name: tuple(places) for name, places in folders.items()}


def _named(manifest: str, text: str) -> Iterator[tuple[str, str]]:
    """The packages that a manifest tells of, each with its folder relative to the manifest's."""
    if manifest == "go.mod":
        yield from ((name, "") for name in _GO_MODULE.findall(text)[:1])
    elif manifest == "Cargo.toml":
        described = tomllib.loads(text)
        for part in ("package", "lib"):
            if name := described.get(part, {}).get("name"):
                yield name.replace("-", "_"), ""
    elif manifest == "composer.json":
        yield from _autoloaded(json.loads(text))


def _autoloaded(described: dict[str, dict[str, dict[str, str | list[str]]]]) -> Iterator[tuple[str, str]]:
    for part in ("autoload", "autoload-dev"):
        for standard in ("psr-4", "psr-0"):
            for prefix, folders in described.get(part, {}).get(standard, {}).items():
                name = prefix.strip("\\").replace("\\", "/")
                for folder in [folders] if isinstance(folders, str) else folders:
                    yield name, folder if standard == "psr-4" else join(folder, name)
