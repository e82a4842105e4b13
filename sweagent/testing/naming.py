"""Match the many ways to name a test with results."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

_PRINTED = re.compile(r"(\w+) \(([\w.]+)\)")
_LEAST_PARTS = 3
"""A module, a class and a method: a dotted name of so many parts tells a test without its file."""
_OF_NODE = re.compile(r"^[^:]*\.[cm]?[jt]sx?(?:::|$)")
"""How a test's name begins whose file is one of JavaScript or TypeScript."""
_FIXTURE = re.compile(r"(?:setUp|tearDown)(?:Class|Module) \(([\w.]+)\)")


class Named(Protocol):
    """A reported result, as far as its name is concerned."""

    @property
    def id(self) -> str:
        """The name that the runner gives it."""

    @property
    def file(self) -> str:
        """The file that it was collected from; empty where that is not known."""


_Item = TypeVar("_Item", bound=Named)


def dotted(name: str, *, root: str = "") -> str:
    """The dotted name that unittest takes, from a path, a pytest id, or the way unittest prints a test.

    Args:
        name: `tests/test_a.py::Case::test_b`, `test_b (tests.test_a.Case)` or a dotted name.
        root: a leading folder that is on the import path, and so not part of the name.
    """
    printed = _PRINTED.fullmatch(name.strip())
    if printed:
        method, owner = printed.groups()
        return owner if owner.endswith(f".{method}") else f"{owner}.{method}"
    if "/" in name or ".py" in name or "::" in name:
        path, *rest = name.split("::")
        path = path.removeprefix("./")
        if root:
            path = path.removeprefix(f"{root}/")
        return ".".join([path.removesuffix(".py").strip("/").replace("/", "."), *rest])
    return name.strip()


def matching(test: str, results: Iterable[_Item]) -> tuple[_Item, ...]:
    """The results that a name means.

    Tried in this order, and the first that finds any decides: the very id; an id that a data set cut at a space in its
    parameters; the same test in another notation, in the same file; the end of an id, for a bare name; all tests of a
    file, a module or a class. A name without parameters means the test with every parameter.

    Args:
        test: the name that was asked for.
        results: what the runner reported.
    """
    results = tuple(results)
    exact = tuple(item for item in results if item.id == test)
    if exact or not test.strip():
        return exact
    if "[" in test and not test.endswith("]") and not _OF_NODE.search(test):
        return tuple(item for item in results if item.id.startswith(test))
    for means in _rules(test):
        found = tuple(item for item in results if means(item))
        if found:
            return found
    return ()


def around(test: str, results: Iterable[_Item]) -> tuple[_Item, ...]:
    """The results of what holds a test (its file, its module, its class), where that was reported as one.

    A file that cannot be imported and a class whose set-up fails are reported instead of their tests.

    Args:
        test: the name of a test that was not reported itself.
        results: what the runner reported.
    """
    wanted, plain = _Name.of(test), dotted(test)
    module = dotted(wanted.file) if wanted.file else ""

    def holds(item: _Item) -> bool:
        if "::" in item.id:
            return test.startswith(f"{item.id}::")
        fixture = _FIXTURE.fullmatch(item.id)
        owner = fixture.group(1) if fixture else dotted(item.id)
        if item.file and wanted.file and item.file != wanted.file:
            return False
        if item.id == wanted.file or _within(plain, owner):
            return True
        inner = wanted.inner.replace("::", ".")
        names = [module, *(f"{module}.{inner[: dot.start()]}" for dot in re.finditer(r"\.|$", inner))]
        return bool(module) and any(name == owner or name.endswith(f".{owner}") for name in names[:-1])

    return tuple(item for item in results if holds(item))


@dataclass(frozen=True)
class _Name:
    """A name taken apart: its file when it has one, and what follows that, parameters left out."""

    file: str
    inner: str

    @classmethod
    def of(cls, name: str) -> "_Name":
        head, separator, rest = name.partition("::")
        if separator and "[" not in re.sub(r"/\[|\]\.", "", head):
            return cls(head.removeprefix("./"), _without_parameters(rest))
        plain = _without_parameters(name)
        is_path = "/" in plain or plain.endswith(".py")
        return cls(plain.removeprefix("./"), "") if is_path else cls("", plain)


def _rules(test: str) -> tuple[Callable[[Named], bool], ...]:
    wanted, plain = _Name.of(test), dotted(test)
    is_file = bool(wanted.file) and not wanted.inner

    def every_parameter(item: Named) -> bool:
        return item.id.startswith(f"{test}[")

    def in_its_file(item: Named) -> bool:
        if not wanted.file or is_file or _file_of(item) != wanted.file:
            return False
        return _inner_of(item) == wanted.inner.replace("::", ".") and ("[" not in test or test.endswith(_end_of(item)))

    def same_in_dots(item: Named) -> bool:
        known = _file_of(item)
        if known and wanted.file and known != wanted.file:
            return False
        name = dotted(item.id)
        longer = not known and name.count(".") + 1 >= _LEAST_PARTS and plain.endswith(f".{name}")
        return name == plain or (longer and not is_file)

    def ends_with_it(item: Named) -> bool:
        if wanted.file:
            return not item.file and dotted(item.id).endswith(f".{plain}")
        ends = item.id if "[" in test else _without_parameters(item.id)
        return ends.endswith((f"::{test}", f".{test}")) or dotted(ends).endswith(f".{plain}")

    def within_it(item: Named) -> bool:
        if wanted.file:
            same = _file_of(item) == wanted.file
            prefix = wanted.inner.replace("::", ".")
            return (same and (is_file or _within(_inner_of(item), prefix))) or item.id.startswith(f"{test}::")
        return "." in plain and _within(dotted(item.id), plain)

    def in_other_words(item: Named) -> bool:
        # Node's runners have no common way to write groups, and a test of a helper's may have no file.
        if not wanted.file or is_file or not _OF_NODE.search(test) or _file_of(item) not in (wanted.file, ""):
            return False
        asked, known = (_in_words(name.partition("::")[2] or name) for name in (test, item.id))
        return known == asked

    def within_its_group(item: Named) -> bool:
        if not in_its_group or _file_of(item) != wanted.file:
            return False
        return _in_words(item.id.partition("::")[2]).startswith(_in_words(test.partition("::")[2]) + " ")

    in_its_group = bool(wanted.file) and not is_file and _OF_NODE.search(test) is not None
    return every_parameter, in_its_file, in_other_words, same_in_dots, ends_with_it, within_it, within_its_group


def _file_of(item: Named) -> str:
    if item.file:
        return item.file
    head, separator, _ = item.id.partition("::")
    return head if separator else ""


def _inner_of(item: Named) -> str:
    """The classes and the function, joined by dots, without the module."""
    if "::" in item.id:
        return _Name.of(item.id).inner.replace("::", ".")
    name = _without_parameters(item.id)
    module = item.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    while module:
        if name.startswith(f"{module}."):
            return name[len(module) + 1 :]
        module = module.partition(".")[2]
    return name


def _end_of(item: Named) -> str:
    _, bracket, parameters = item.id.partition("[")
    return f"{bracket}{parameters}"


def _without_parameters(name: str) -> str:
    return name.partition("[")[0] if name.endswith("]") else name


def _in_words(name: str) -> str:
    """The groups and the title of a test of Node's, in the way of jest and mocha: joined by spaces."""
    return re.sub(r" > |::", " ", name)


def _within(name: str, owner: str) -> bool:
    return name.startswith(f"{owner}.")
