"""How a Python repository runs its tests, and what that needs."""

import re
from collections.abc import Iterator, Sequence

import yaml

from sweagent.environment.bases.host_packages import distribution_name
from sweagent.environment.discover.django_tests import django_command
from sweagent.environment.discover.nox_sessions import Installed
from sweagent.environment.discover.python_metadata import Metadata, lines_of
from sweagent.environment.recipe import Line, normal_name
from sweagent.environment.tree import Tree
from sweagent.resources import resource

_REQUIREMENT_FILE = re.compile(
    r"(?:(?:tests?|testing|ci|\.ci|\.github|tools|scripts|dev)/)?"
    r"(?:[\w-]*(?:requirements?|requires|reqs|deps)[\w-]*/[\w.-]+|[\w-]*(?:require|reqs)[\w.-]*)"
)
_FOR_TESTS = re.compile(r"(?:^|[/._-])(?:tests?|testing|pytest|py3)(?=[._-]|/.*)")
_FOR_DEVELOPERS = re.compile(r"(?:^|[/._-])(?:dev|develop|development|ci|all)(?=[._-])")
_NOT_FOR_TESTS = re.compile(
    r"docs?\b|lint|typ(?:e|ing)|mypy|style|build|release|example|pallets|min|constraint|oldest|"
    # Drivers that want a database's own client programs; the tests do without.
    r"/(?:mysql|oracle|postgres\w*|mariadb|mssql)\."
)
_TEST_RUNNER = re.compile(r"(?mi)^(?:pytest|nose2?|testtools|ward)\b")
_OWN_EXTRAS = re.compile(r"(?:(?:-e|--editable)[ =]*)?\.\[([\w,. -]+)\]")
_TEST_GLOBS = ("*test*.py", "*tests/*.py", "*testing/*.py")
_CONFIGURATION = ("pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml")
_TEST_FILE = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_tests?|tests?)\.py$")


def test_requirements(tree: Tree, metadata: Metadata, said: Sequence[Installed]) -> tuple[Line, ...]:
    """What the tests need besides the project's extras: requirement files, `tests_require`, groups.

    Args:
        tree: the repository.
        metadata: its metadata.
        said: what the tools that run the tests install.
    """
    lines = [*metadata.tests_require, *metadata.group_for_tests()]
    for name in _requirement_files(tree):
        lines += requirement_lines(tree, name)
    for installed in said:
        lines += installed.requirements
        lines += [line for name in installed.files for line in requirement_lines(tree, _joined("", name))]
        lines += [line for name in installed.groups for line in metadata.groups.get(name, ())]
    return tuple(lines)


def undeclared_packages(tree: Tree, metadata: Metadata) -> tuple[Line, ...]:
    """Packages that the test files import, and plugins that they use.

    They are known by the table of `environments/python`, or from an extra or a group of the project.
    """
    offered = offered_packages(metadata)
    table = yaml.safe_load(resource("environments", "python", "test-packages.yaml").read_text(encoding="utf-8"))
    found: dict[str, Line] = {}
    for line in tree.lines(r"^ *(import|from) +[A-Za-z_]", *_TEST_GLOBS):
        match = re.match(r" *(?:import|from) +(\w+)", line)
        module = match[1] if match else ""
        name = offered.get(normal_name(module)) or table["imports"].get(module)
        if name and not is_local(tree, module):
            found.setdefault(name, Line(value=name, source=f"the tests import {module}"))
    options = tree.lines("addopts|asyncio_mode|DJANGO_SETTINGS_MODULE|timeout *=|--", *_CONFIGURATION)
    words = [*tree.lines(r"def test_|pytest\.mark", *_TEST_GLOBS), *options]
    for sign, name in table["signs"].items():
        if any(re.search(sign, line) for line in words):
            found.setdefault(name, Line(value=name, source=f"the tests or pytest's options use {name}"))
    for name, file in _named_plugins(tree):
        found.setdefault(name, Line(value=name, source=file))
    return tuple(found.values())


def offered_packages(metadata: Metadata) -> dict[str, str]:
    """The requirements of the project's own extras and groups, by the distribution's normal name."""
    return {
        distribution_name(line.value): line.value
        for lines in (*metadata.extras.values(), *metadata.groups.values())
        for line in lines
    }


def _named_plugins(tree: Tree) -> Iterator[tuple[str, str]]:
    """Plugins that pytest's configuration requires or loads, and the file that says so."""
    for file in _CONFIGURATION:
        text = tree.read(file)
        for required in re.findall(r"(?m)^ *required_plugins *=((?:.*\n(?=[ \t\]'\"]))*.*)", text):
            for name in re.findall(r"pytest-[\w-]*\w", required):
                yield name, f"required_plugins in {file}"
        for loaded in re.findall(r"-p[ =]+(pytest_\w+)", text):
            yield loaded.replace("_", "-"), f"`-p {loaded}` in {file}"


def is_local(tree: Tree, module: str) -> bool:
    """Whether a module of this name is a file of the repository."""
    places = (f"{folder}{module}{end}" for folder in ("", "src/", "lib/") for end in (".py", "/__init__.py"))
    return any(place in tree.names for place in places)


def is_own(tree: Tree, module: str) -> bool:
    """Whether a module that is missing belongs to the repository, so that no package of its name is sought.

    A module that the tables know is not, unless it lies where packages do; any other is the repository's own where
    a file or a folder has its name: tests import their helpers from anywhere.

    Args:
        tree: the repository.
        module: the first part of its name.
    """
    if is_local(tree, module):
        return True
    table = yaml.safe_load(resource("environments", "python", "test-packages.yaml").read_text(encoding="utf-8"))
    if any(module in table[part] for part in ("imports", "modules", "builds", "removed")):
        return False
    return any(part.removesuffix(".py") == module for name in tree.names for part in name.split("/"))


def _requirement_files(tree: Tree) -> list[str]:
    """The files named for tests, or those for developers when there are none; a pinned file wins over its source."""
    files = [
        name
        for name in sorted(tree.names)
        if name.endswith((".txt", ".pip", ".in")) and _REQUIREMENT_FILE.fullmatch(name)
    ]
    files = [name for name in files if not _NOT_FOR_TESTS.search(name)]
    pinned = {name.rsplit(".", 1)[0] for name in files if not name.endswith(".in")}
    files = [name for name in files if not name.endswith(".in") or name.removesuffix(".in") not in pinned]
    chosen = [name for name in files if _FOR_TESTS.search(name)]
    chosen = chosen or [name for name in files if _FOR_DEVELOPERS.search(name)]
    if not chosen and "requirements.txt" in files and _TEST_RUNNER.search(tree.read("requirements.txt")):
        # One file for everything: who runs the tests installs that.
        chosen = ["requirements.txt"]
    return chosen


def extras_of_requirement_files(tree: Tree) -> tuple[str, ...]:
    """The project's own extras that the requirement files for tests install (`-e .[full]`)."""
    lines = [line for name in _requirement_files(tree) for line in lines_of(tree.read(name), name)]
    named = (_OWN_EXTRAS.match(line.value) for line in lines)
    return tuple(dict.fromkeys(extra.strip() for match in named if match for extra in match[1].split(",")))


def requirement_lines(tree: Tree, name: str, seen: frozenset[str] = frozenset()) -> list[Line]:
    """The requirements of a file, with the files that it includes; options and local paths are left out."""
    lines: list[Line] = []
    folder = name.rsplit("/", 1)[0] + "/" if "/" in name else ""
    for line in lines_of(re.sub(r"\\\r?\n", " ", tree.read(name)), name):
        include = re.match(r"(?:-r|--requirement)[ =]*(\S+)", line.value)
        if include and name not in seen:
            lines += requirement_lines(tree, _joined(folder, include[1]), seen | {name})
        elif re.match(r"[A-Za-z0-9]", line.value) and "://" not in line.value.split(";")[0]:
            value = re.sub(r"\s--hash=\S+", "", line.value).strip()
            lines.append(line.model_copy(update={"value": value}))
    return lines


def test_command(tree: Tree, metadata: Metadata) -> tuple[Line, tuple[str, ...]]:
    """The command that runs the suite, and where the tests lie."""
    paths = _test_paths(tree)
    if "tests/runtests.py" in tree.names and "django/__init__.py" in tree.names:
        return Line(value="python tests/runtests.py", source="tests/runtests.py"), ("tests",)
    if {"bin/test", "sympy/utilities/pytest.py"} <= tree.names and "sympy/testing/pytest.py" not in tree.names:
        # Under pytest, the tests of SymPy before 1.6 cannot be imported.
        return Line(value="python bin/test", source="bin/test"), paths
    django = None if _mentions_pytest(tree) else django_command(tree)
    if django is not None:
        return django, paths
    if "manage.py" in tree.names and not _mentions_pytest(tree):
        return Line(value="python manage.py test", source="manage.py"), paths
    source = "pytest is configured" if _mentions_pytest(tree) else "test files; pytest also runs unittest's"
    return Line(value="python -m pytest", source=source), paths


def _mentions_pytest(tree: Tree) -> bool:
    if "pytest.ini" in tree.names or "conftest.py" in tree.names:
        return True
    files = ("tox.ini", "setup.cfg", "pyproject.toml", "noxfile.py", "Makefile", ".travis.yml")
    return any("pytest" in tree.read(name) or "py.test" in tree.read(name) for name in files)


def _test_paths(tree: Tree) -> tuple[str, ...]:
    folders: dict[str, int] = {}
    for name in tree.names:
        if _TEST_FILE.search(name):
            parts = name.split("/")
            index = next((i for i, part in enumerate(parts) if re.fullmatch(r"tests?|testing", part)), len(parts) - 1)
            folder = "/".join(parts[: index + 1])
            folders[folder] = folders.get(folder, 0) + 1
    return tuple(sorted(sorted(folders, key=lambda folder: -folders[folder])[:5]))


def _joined(folder: str, path: str) -> str:
    parts: list[str] = []
    for part in (folder + path).split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/".join(parts)
