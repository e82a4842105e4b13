"""Which files of a repository decide how tests are found, run and reported. A patch may not bend them."""

import re
from enum import StrEnum
from pathlib import PurePosixPath


class HarnessFile(StrEnum):
    """What a file does for the judgement."""

    TEST = "test"
    HOOKS = "hooks of the test runner"
    CONFIGURATION = "configuration of the test runner"
    STARTUP = "code that runs when the interpreter starts"
    RUNNER = "the test runner itself"


_TEST_NAME = re.compile(
    r"""(test_.*|.*_tests?|tests?)\.pyi?$          # Python
      | .*_test\.go$
      | .*\.(test|spec)\.[cm]?[jt]sx?$
      | .*(Test|Tests|TestCase|IT)\.(java|kt|scala)$
      | .*_(test|spec)\.(rb|exs?|dart)$
    """,
    re.VERBOSE,
)
_TEST_FOLDERS = frozenset({"tests", "__tests__", "__snapshots__", "spec", "specs"})
_ROOT_TEST_FOLDERS = frozenset({"test", "testing", "t", "src/test"})
"""Only at the root: `django/test` and `numpy/testing` are sources."""

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


def harness_file(path: str, test_command: str = "") -> HarnessFile | None:
    """Say what a file does for the judgement, or None for an ordinary source file.

    Args:
        path: relative to the repository's root.
        test_command: how the project runs its tests; the scripts that it names are part of the runner.
    """
    pure = PurePosixPath(path)
    if _STARTUP.fullmatch(pure.name) or any(_STARTUP.fullmatch(part) for part in pure.parts[:-1]):
        return HarnessFile.STARTUP
    if pure.name == "conftest.py":
        return HarnessFile.HOOKS
    if _CONFIGURATION.fullmatch(pure.name):
        return HarnessFile.CONFIGURATION
    if path in runner_scripts(test_command) or pure.name in _RUNNERS:
        return HarnessFile.RUNNER
    if _TEST_NAME.match(pure.name) or _in_test_folder(pure):
        return HarnessFile.TEST
    return None


def runner_scripts(test_command: str) -> frozenset[str]:
    """The files that say what a test command does: `run/tests.py` of `./run/tests.py`, `Makefile` of `make`."""
    words = re.split(r"[\s;&|()'\"]+", test_command)
    named = {word.removeprefix("./") for word in words if "/" in word or word.endswith((".py", ".sh"))}
    return frozenset(named.union(*(_SCRIPTS_OF_TOOLS.get(word, ()) for word in words)))


def _in_test_folder(path: PurePosixPath) -> bool:
    folders = path.parts[:-1]
    if _TEST_FOLDERS.intersection(folders):
        return True
    return bool(folders) and (folders[0] in _ROOT_TEST_FOLDERS or "/".join(folders[:2]) in _ROOT_TEST_FOLDERS)
