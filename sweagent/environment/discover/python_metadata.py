"""Metadata of a Python project, read without running its code."""

import re
from collections.abc import Iterable

from pydantic import ValidationError

from sweagent.environment.recipe import Line
from sweagent.frozen import Frozen

_FOR_TESTS = frozenset({"test", "tests", "testing", "all_test", "test_all", "pytest"})
_FOR_DEVELOPERS = frozenset({"dev", "develop", "development", "check", "ci"})


class Metadata(Frozen):
    """The parts of a project's metadata that decide on its environment."""

    name: str = ""
    """The distribution's name; empty where no file says it as a constant."""
    requires_python: Line | None = None
    classified: tuple[str, ...] = ()
    """Minor versions of Python that the classifiers name."""
    dependencies: tuple[Line, ...] = ()
    extras: dict[str, tuple[Line, ...]] = {}
    groups: dict[str, tuple[Line, ...]] = {}
    """Dependency groups (PEP 735, poetry's), which are no extras."""
    build_requires: tuple[Line, ...] = ()
    setup_requires: tuple[Line, ...] = ()
    tests_require: tuple[Line, ...] = ()
    backend: str = ""
    installable: bool = False

    def for_tests(self) -> tuple[str, ...]:
        """The extras that the tests need, by their names."""
        return self._chosen(self.extras)

    def group_for_tests(self) -> tuple[Line, ...]:
        """The packages of the groups that the tests need."""
        return tuple(line for name in self._chosen(self.groups) for line in self.groups[name])

    def _chosen(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those that are named for tests; where no extra and no group is, those for developers."""
        said = {name.lower().replace("-", "_") for name in (*self.extras, *self.groups)}
        wanted = said & _FOR_TESTS or said & _FOR_DEVELOPERS
        return tuple(name for name in names if name.lower().replace("-", "_") in wanted)


def lines_of(values: object, source: str) -> tuple[Line, ...]:
    """Requirements as lines; what is no text, or could not be one line, is left out."""
    items = values.splitlines() if isinstance(values, str) else values
    lines = []
    for item in items if isinstance(items, list | tuple) else ():
        text = re.sub(r"(^|\s)#.*", "", item).strip() if isinstance(item, str) else ""
        if text:
            try:
                lines.append(Line(value=text, source=source))
            except ValidationError:
                continue
    return tuple(lines)


def range_of(value: object, source: str) -> Line | None:
    """A range of versions as a line, however it was broken into lines; None for what is no text."""
    lines = lines_of([" ".join(value.split())] if isinstance(value, str) else (), source)
    return lines[0] if lines else None


def minor_versions(values: object) -> tuple[str, ...]:
    """The minor versions of Python that classifiers name."""
    found = []
    for value in values if isinstance(values, list | tuple) else ():
        match = (
            re.search(r"Programming Language :: Python :: (\d+\.\d+)\s*$", value) if isinstance(value, str) else None
        )
        if match:
            found.append(match[1])
    return tuple(dict.fromkeys(found))
