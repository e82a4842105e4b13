"""Read from Node's test loading which packages are missing."""

import re
from collections.abc import Callable, Iterator

from sweagent.environment.missing import Lack, LackKind

_FOUND = re.compile(r"^(?:runner \w+|loaded|collected \d+ items)$", re.M)
_COLLECTED = re.compile(r"^collected (\d+) items$", re.M)
_COUNTS = (
    re.compile(r"^Tests:? .*?(\d+) total\s*$", re.M),  # jest
    re.compile(r"^\s*Tests  .*\((\d+)\)\s*$", re.M),  # vitest
)
_MISSING = re.compile(
    r"""Cannot\ find\ (?:module|package)\ '([^'\n]+)'
        (?:\ (?:imported\ )?from\ '?([^'\s]+)'?|\s*\n\s*(?:Require\ stack:\s*\n\s*-\ ([^\n]+))?)?
      | Failed\ to\ (?:resolve\ import|load\ url)\ "?([^"\s]+)"?(?:\ \(resolved[^)]*\))?\ (?:from|in)\ "?([^"\s]+)"?
    """,
    re.X,
)
_PROGRAM = re.compile(r"^(?:/bin/)?sh: (?:\d+: |line \d+: )?([\w./-]+): (?:command )?not found", re.M)


def asked(output: str) -> bool:
    """Whether a runner that is known was there, or could not be started."""
    return _FOUND.search(output) is not None or _PROGRAM.search(output) is not None


def collected(output: str) -> int:
    """How many tests were loaded; of Node's own runner, which does not tell, how many files."""
    counts = [sum(map(int, pattern.findall(output))) for pattern in (_COLLECTED, *_COUNTS)]
    return next((count for count in counts if count), output.count("\nloaded\n"))


def node_lacks(output: str, is_own: Callable[[str], bool]) -> tuple[Lack, ...]:
    """The packages, modules of the repository and programs that are missing, with the files that ask for them.

    Args:
        output: of `beside_node`.
        is_own: whether a package of some name is one of the repository's own.
    """
    importers: dict[tuple[LackKind, str], set[str]] = {}
    for kind, name, importer in _missing(output, is_own):
        importers.setdefault((kind, name), set()).add(importer)
    programs = [Lack(kind=LackKind.PROGRAM, name=name) for name in dict.fromkeys(_PROGRAM.findall(output))]
    return (*programs, *(Lack(kind=kind, name=name, files=len(files)) for (kind, name), files in importers.items()))


def _missing(output: str, is_own: Callable[[str], bool]) -> Iterator[tuple[LackKind, str, str]]:
    for module, importer, requirer, unresolved, beside in _MISSING.findall(output):
        name = package_of(module or unresolved)
        kind = LackKind.MODULE if name and not is_own(name) else LackKind.OWN_MODULE
        yield kind, name or module or unresolved, importer or requirer or beside


def package_of(module: str) -> str:
    """The package that a module is asked of; empty for a file and for what is Node's own."""
    found = re.match(r"(@[\w.~-]+/)?[a-zA-Z0-9][\w.~-]*", module)
    return found.group() if found and not module.startswith("node:") else ""
