"""Packages that CI jobs install with pip, read from workflows."""

import re
import shlex

from sweagent.environment.bases.host_packages import distribution_name
from sweagent.environment.discover.nox_sessions import installed
from sweagent.environment.discover.python_metadata import Metadata
from sweagent.environment.recipe import Line
from sweagent.environment.tree import Tree

WITHOUT_TESTS = re.compile(r"lint|doc|release|publish|changelog|update|format|stale|backport|label|wheel")
"""Workflows of such names say what one job happens to use, not what the tests run on."""

_OTHER_FILES = (".travis.yml", "azure-pipelines.yml", ".circleci/config.yml")
_INSTALL = re.compile(r"\bpip[\d.]*\s+install\b((?:[^\n;&|\\]|\\\r?\n)*)")
_OTHER_EXTRAS = re.compile(r"doc|lint|typ(?:e|ing)|style|release|min|oldest|gpu|cuda")
_UNTOLD = "--untold"


def workflows(tree: Tree) -> list[str]:
    """The workflow files of GitHub that may run tests."""
    names = sorted(name for name in tree.names if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", name))
    return [name for name in names if not WITHOUT_TESTS.search(name)]


def ci_packages(tree: Tree, metadata: Metadata) -> tuple[Line, ...]:
    """Packages that CI installs for tests, by their names alone: a version there may belong to one job of many.

    These are what the extras hold that CI names, and plugins of pytest. Other packages are left out: some jobs try the
    project together with every framework that it could meet.

    Args:
        tree: the repository.
        metadata: its metadata, for the extras that CI names.
    """
    found: dict[str, Line] = {}
    for file in (*workflows(tree), *(name for name in _OTHER_FILES if name in tree.names)):
        said = installed([_words(match[1]) for match in _INSTALL.finditer(tree.read(file))], file)
        extras = [name for name in said.extras if name in metadata.extras and not _OTHER_EXTRAS.search(name)]
        plugins = [line for line in said.requirements if line.value.startswith("pytest-")]
        lines = [*plugins, *(line for name in extras for line in metadata.extras[name])]
        for line in lines:
            name, _, marker = line.value.partition(";")
            name = distribution_name(name)
            if name:
                value = f"{name};{marker}" if marker else name
                found.setdefault(name, Line(value=value, source=f"{file} installs it"))
    return tuple(found.values())


def _words(text: str) -> list[str]:
    """The words of a command, with a word of no meaning for what a shell or a workflow would fill in."""
    text = re.sub(r"\$\{\{.*?\}\}", "$", re.sub(r"\\\r?\n", " ", text))
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        words = text.split()
    return [_UNTOLD if re.search(r"[${}@]|\.whl$", word) else word.strip("'\"") for word in words]
