"""Kind of a file to a runner: test, hook, configuration, product.

The one rule: a test file is what the runner collects, with its fixtures and its configuration. A module that the
product itself imports is product, whatever it is called (`werkzeug/test.py`, `astropy/tests/runner.py`). Where a tree
is not known, or says nothing of a file, its name and its folder decide.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from fnmatch import fnmatch
from functools import cached_property
from pathlib import PurePosixPath

from sweagent.testing.pytest_options import SECTIONS, pytest_options
from sweagent.testing.report import Runner


class HarnessFile(StrEnum):
    """What a file does for the judgement."""

    TEST = "test"
    HOOKS = "hooks of the test runner"
    CONFIGURATION = "configuration of the test runner"
    STARTUP = "code that runs when the interpreter starts"
    RUNNER = "the test runner itself"


_TEST_NAME = re.compile(
    r"""(test_.*|.*_tests?|tests?)\.pyi?
      | .*_test\.(go|rs|dart|exs?|cc|cpp|c)
      | .*[.-](test|spec)\.[cm]?[jt]sx?
      | .*_(spec|test)\.(rb|exs?|dart)
      | .*(Test|Tests|TestCase|IT|Spec)\.(java|kt|scala|groovy|cs|php|swift)
      | test_.*\.(txt|json|ya?ml|cfg|ini)
    """,
    re.VERBOSE,
)
_COLLECTED = re.compile(r"(test_.*|.*_tests?|tests)\.py")
"""Python files that the usual runners take for tests wherever they lie; `test.py` is a common name of products too."""

_TEST_FOLDERS = frozenset({"tests", "__tests__", "__snapshots__", "testdata", "unittests"})
_LOOSE_FOLDERS = frozenset({"test", "testing", "spec", "specs"})
"""Also the names of products (`django/test`, `numpy/testing`): they hold tests where one of their files says so."""

_SPEC_FOLDERS = frozenset({"spec", "specs"})
_ROOT_TEST_FOLDERS = frozenset({"test", "testing", "t", "e2e", "src/test", "lib/test"})
"""Only at the root."""

_ASIDE = frozenset({"doc", "docs", "documentation", "examples", "benchmarks", "scripts", "tools", "ci"})
"""What lies here is not installed, so that what it imports need not be product."""

_RUNNERS = frozenset({"runtests.py"})
"""What runs the tests of sympy and of Django, wherever it lies; the scripts that are named only import it."""

_STARTUP = re.compile(r"(sitecustomize|usercustomize)(\.py|/.*)?$|.*\.(pth|egg-link|egg-info|dist-info)$")
"""Metadata of a distribution that lies on the import path names plugins, which test runners load by themselves."""

_SCRIPTS_OF_TOOLS = {
    "make": ("Makefile", "makefile", "GNUmakefile"),
    "just": ("justfile", "Justfile", ".justfile"),
    "task": ("Taskfile.yml", "Taskfile.yaml"),
    "rake": ("Rakefile",),
    "inv": ("tasks.py",),
    "invoke": ("tasks.py",),
    "doit": ("dodo.py",),
    "cargo": (".cargo/config", ".cargo/config.toml"),
    "hatch": ("hatch.toml",),
}
_CONFIGURATION = re.compile(
    r"""pytest\.(ini|toml) | \.pytest\.(ini|toml) | tox\.(ini|toml) | setup\.cfg | pyproject\.toml | noxfile\.py
      | \.coveragerc | (jest|vitest|vite|karma|playwright|cypress)\.config\.[a-z]+ | \.mocharc(\..*)? | \.taprc
      | \.npmrc | \.nycrc(\..*)? | package\.json | nextest\.toml
    """,
    re.VERBOSE,
)
_IMPORTS = re.compile(
    rb"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^#\n]*)|import[ \t]+([\w., \t]+))", re.M
)

_TEST_MODULE = re.compile(
    r"""(.*/)?( (test_[^/]*|[^/]*_tests?|tests?)\.py | [^/]*_test\.(go|rb) | [^/]*_spec\.rb
      | [^/]*\.(test|spec)\.[cm]?[jt]sx? | [^/]*(Test|Tests|TestCase)\.(java|kt) )
      | test/.*\.[cm]?js | (.*/)?tests/[^/]*\.rs
    """,
    re.VERBOSE,
)
_SUFFIXES: dict[Runner, tuple[str, ...]] = {
    Runner.PYTEST: (".py",),
    Runner.UNITTEST: (".py",),
    Runner.DJANGO: (".py",),
    Runner.SYMPY: (".py",),
    Runner.GO: (".go",),
    Runner.CARGO: (".rs",),
    Runner.JEST: (".js", ".jsx", ".ts", ".tsx", ".cjs", ".mjs"),
    Runner.VITEST: (".js", ".jsx", ".ts", ".tsx", ".cjs", ".mjs"),
    Runner.MOCHA: (".js", ".cjs", ".mjs", ".ts"),
    Runner.NODE: (".js", ".cjs", ".mjs"),
    Runner.MAVEN: (".java", ".kt"),
    Runner.GRADLE: (".java", ".kt"),
}

ReadMany = Callable[[Iterable[str]], Mapping[str, bytes]]
"""Gives the contents of files of a tree, by path."""


def harness_file(path: str, test_command: str = "") -> HarnessFile | None:
    """Say by its name and place alone what a file does for the judgement; None for an ordinary source file.

    Args:
        path: relative to the repository's root.
        test_command: how the project runs its tests; the scripts that it names are part of the runner.
    """
    pure = PurePosixPath(path)
    found = _not_a_test(pure, test_command)
    if found is None and (_TEST_NAME.fullmatch(pure.name) or _in_test_folder(pure)):
        return HarnessFile.TEST
    return found


def is_test_module(path: str, runner: Runner | None = None) -> bool:
    """Whether a file holds tests that a runner collects, by its name and place."""
    if harness_file(path) is not HarnessFile.TEST or not _TEST_MODULE.fullmatch(path):
        return False
    return runner is None or path.endswith(_SUFFIXES.get(runner, ("",)))


def runner_scripts(test_command: str) -> frozenset[str]:
    """The files that say what a test command does: `run/tests.py` of `./run/tests.py`, `Makefile` of `make`."""
    words = re.split(r"[\s;&|()'\"]+", test_command)
    named = {word.removeprefix("./") for word in words if "/" in word or word.endswith((".py", ".sh"))}
    return frozenset(named.union(*(_SCRIPTS_OF_TOOLS.get(word, ()) for word in words)))


class FileKinds:
    """What the files of a tree are to its test runner.

    Args:
        paths: all paths of the tree.
        read_many: gives the contents of its files.
        test_command: how the project runs its tests; the scripts that it names are part of the runner.
    """

    def __init__(self, paths: Collection[str], read_many: ReadMany, test_command: str = "") -> None:
        self._paths, self._read_many, self._test_command = frozenset(paths), read_many, test_command
        self._products: dict[str, bool] = {}

    def kind(self, path: str) -> HarnessFile | None:
        """What a file of the tree, or a new one beside its files, does for the judgement; None for a source file."""
        pure = PurePosixPath(path)
        found = _not_a_test(pure, self._test_command)
        if found is not None:
            return found
        collected = self.is_configured(path)
        if not (collected or _TEST_NAME.fullmatch(pure.name) or self._in_test_folder(pure)):
            return None
        return None if self.is_product(path) else HarnessFile.TEST

    def is_configured(self, path: str) -> bool:
        """Whether the patterns that pytest is configured with take a Python file that lies among tests."""
        pure = PurePosixPath(path)
        if pure.suffix != ".py" or pure.name == "__init__.py" or not self.patterns:
            return False
        if not (_TEST_NAME.fullmatch(pure.name) or self._in_test_folder(pure)):
            return False
        return any(
            fnmatch(f"/{path}", f"*/{pattern}") if "/" in pattern else fnmatch(pure.name, pattern)
            for pattern in self.patterns
        )

    def is_product(self, path: str) -> bool:
        """Whether a file of a Python package is imported by code that is installed with it and is no test."""
        if path not in self._products:
            module = self._module(path)
            self._products[path] = bool(module) and module in self._imported
        return self._products[path]

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """pytest's `python_files`; empty when it is not set or cannot be read."""
        found = self._read_many(name for name, _ in SECTIONS if name in self._paths)
        return pytest_options(found.get).get("python_files", ())

    @cached_property
    def _loose(self) -> frozenset[str]:
        """The folders with a name that products have too in which there are tests."""
        holding: set[str] = set()
        for path in self._paths:
            pure = PurePosixPath(path)
            if _COLLECTED.fullmatch(pure.name):
                holding.update(str(folder) for folder in pure.parents if folder.name in _LOOSE_FOLDERS)
        return frozenset(holding)

    def _in_test_folder(self, path: PurePosixPath) -> bool:
        if _in_test_folder(path):
            return True
        return path.suffix == ".py" and any(str(folder) in self._loose for folder in path.parents)

    def _module(self, path: str) -> str:
        """The dotted name of a file in a Python package; empty for any other."""
        pure = PurePosixPath(path)
        folder = pure.parent
        if pure.suffix != ".py" or f"{folder}/__init__.py" not in self._paths:
            return ""
        parts = [] if pure.name == "__init__.py" else [pure.stem]
        while f"{folder}/__init__.py" in self._paths:
            parts.append(folder.name)
            folder = folder.parent
        return ".".join(reversed(parts))

    @cached_property
    def _imported(self) -> frozenset[str]:
        """The dotted names of all that the product's Python files import, read once for all questions."""
        python = (path for path in self._paths if path.endswith(".py"))
        sources = [path for path in python if self._is_source(PurePosixPath(path))]
        return frozenset(
            name for path, content in self._read_many(sources).items() for name in self._imports(path, content)
        )

    def _is_source(self, path: PurePosixPath) -> bool:
        beside = not _ASIDE.isdisjoint(path.parts[:-1]) or _not_a_test(path, self._test_command) is not None
        return not (beside or _TEST_NAME.fullmatch(path.name) or self._in_test_folder(path))

    def _imports(self, importer: str, content: bytes) -> Iterable[str]:
        own = self._module(importer)
        package = own if importer.endswith("/__init__.py") else own.rpartition(".")[0]
        for base, names, plain in _IMPORTS.findall(content):
            yield from (name.split()[0] for name in plain.decode("ascii", "replace").split(",") if name.split())
            source = _absolute(base.decode("ascii", "replace"), package)
            if source:
                yield source
                taken = re.findall(r"(\w+)(?:\s+as\s+\w+)?", names.decode("utf-8", "replace"))
                yield from (f"{source}.{name}" for name in taken)


def _absolute(name: str, package: str) -> str:
    """The absolute name of what a `from` takes, in a module of a package; empty where it leads out of it."""
    rest = name.lstrip(".")
    up = len(name) - len(rest)
    if not up:
        return name
    parts = package.split(".") if package else []
    if up > len(parts):
        return ""
    return ".".join([*parts[: len(parts) - up + 1], *([rest] if rest else [])])


def _not_a_test(path: PurePosixPath, test_command: str) -> HarnessFile | None:
    if _STARTUP.fullmatch(path.name) or any(_STARTUP.fullmatch(part) for part in path.parts[:-1]):
        return HarnessFile.STARTUP
    if path.name == "conftest.py":
        return HarnessFile.HOOKS
    if _CONFIGURATION.fullmatch(path.name):
        return HarnessFile.CONFIGURATION
    if str(path) in runner_scripts(test_command) or path.name in _RUNNERS:
        return HarnessFile.RUNNER
    return None


def _in_test_folder(path: PurePosixPath) -> bool:
    folders = path.parts[:-1]
    named = _TEST_FOLDERS if path.suffix in (".py", ".pyi", ".pyx") else _TEST_FOLDERS | _SPEC_FOLDERS
    if named.intersection(folders):
        return True
    return bool(folders) and (folders[0] in _ROOT_TEST_FOLDERS or "/".join(folders[:2]) in _ROOT_TEST_FOLDERS)
