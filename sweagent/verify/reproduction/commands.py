"""Place and command of a reproduction known by its file alone."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from sweagent.errors import UsageError
from sweagent.task import Repository
from sweagent.testing import Runner, command_for, dotted, runner_of
from sweagent.testing.file_kinds import is_test_module
from sweagent.verify.runs.targets import target_of
from sweagent.verify.test_edits import defines_tests
from sweagent.verify.trees import open_trees

_INTERPRETERS = {".py": "python", ".js": "node", ".mjs": "node", ".cjs": "node", ".sh": "sh", ".rb": "ruby"}
_TAKE_ONE_MORE = (Runner.UNITTEST, Runner.DJANGO, Runner.NODE, Runner.JEST, Runner.VITEST, Runner.MOCHA)
_NAMES_TESTS = re.compile(
    r"(?!.*(\bdiscover\b|\s-[kgt]\b|--grep\b|--test-?[nN]ame-?[pP]attern))[\w./:=@+ -]+\s[\w./-]*[./][\w./-]*"
)
"""A plain command whose last word is a test's name, so that one more may follow; nothing in it chooses by pattern."""

_TEST = re.compile(rb"^\s*(async )?def test", re.MULTILINE)
_FOLDERS = frozenset({"tests", "test"})
_PLAIN = re.compile(r"[\w./:=@+,'# -]+")


def home_of(file: Path, repository: Repository) -> str:
    """The folder of the repository in which a file from outside is meant to lie; empty for the root.

    A test finds its data and its `conftest.py` by its place. It belongs where as much as possible of its own path is
    a folder of the repository, else beside the one file of its name, else where the tests of the repository lie.
    Anything else is run from the root.

    Args:
        file: an absolute path outside the repository.
        repository: at its base commit.
    """
    if not (is_test_module(file.name) or is_test_module(str(PurePosixPath(*file.parts[-2:])))):
        return ""
    with open_trees(repository) as trees:
        paths = [PurePosixPath(path) for path in trees.paths(trees.base)]
    folders = {folder for path in paths for folder in path.parents}
    own = PurePosixPath(*file.parts[1:-1])
    ends = [PurePosixPath(*own.parts[start:]) for start in range(len(own.parts))]
    namesakes = [path.parent for path in paths if path.name == file.name]
    fitting = [folder for folder in ends if folder in folders] or (namesakes if len(namesakes) == 1 else [])
    fitting = fitting or _common_folder(path for path in paths if is_test_module(str(path)))
    return "" if not fitting or str(fitting[0]) == "." else str(fitting[0])


def holds_tests(file: Path) -> bool:
    """Whether a file is one of tests, by its name, its folder and what it defines."""
    return file.is_file() and is_of_tests(str(PurePosixPath(*file.parts[-2:])), file.read_bytes())


def is_of_tests(path: str, content: bytes) -> bool:
    """Whether a file is one of tests: by its name, or of Python in a folder of tests, and by what it defines."""
    pure = PurePosixPath(path)
    if not (is_test_module(path) or is_test_module(pure.name)):
        in_folder = pure.suffix == ".py" and not _FOLDERS.isdisjoint(pure.parts[:-1])
        return in_folder and _TEST.search(content) is not None
    return defines_tests(path, content)


def _common_folder(tests: Iterable[PurePosixPath]) -> list[PurePosixPath]:
    """The folder in which tests lie, if it holds all of them in itself or below; else none."""
    folders = {path.parent for path in tests}
    return [folder for folder in folders if all(other.is_relative_to(folder) for other in folders)]


def guess_command(path: str, test_command: str, content: bytes = b"") -> str:
    """The command for a file: the project's runner for a test, the interpreter for a script.

    Args:
        path: relative to the repository's root.
        test_command: how the project runs its tests; empty takes pytest or node's runner by the file's name.
        content: of the file; what it defines can make it one of tests, whatever its name.

    Raises:
        UsageError: nothing can be told from the name.
    """
    pure = PurePosixPath(path)
    named = is_test_module(path) or pure.name.startswith("test_") or ".test." in pure.name
    is_test = named or (bool(content) and is_of_tests(path, content))
    if is_test and test_command and runner_of(test_command) is not Runner.UNKNOWN:
        runner = runner_of(test_command)
        return command_for(runner, [target_of(runner, path)], test_command=test_command)
    if is_test and pure.suffix == ".py":
        return command_for(Runner.PYTEST, [path])
    if is_test and pure.suffix in (".js", ".mjs", ".cjs"):
        return command_for(Runner.NODE, [path])
    if pure.suffix in _INTERPRETERS:
        return f"{_INTERPRETERS[pure.suffix]} {shlex.quote(path)}"
    raise UsageError(f"how to run {path} is not known", "give --reproduction-command")


def takes_one_more(command: str, runner: Runner, path: str) -> bool:
    """Whether a command names tests in such a way that one more can be named.

    Args:
        command: of a reproduction.
        runner: its runner, not pytest.
        path: the reproduction's file.
    """
    if runner is Runner.MAVEN:
        return " -Dtest=" in command and _PLAIN.fullmatch(command) is not None
    if runner is Runner.GRADLE:
        return " --tests " in command and _PLAIN.fullmatch(command) is not None
    if runner is Runner.SYMPY:
        return path in command.split() and _PLAIN.fullmatch(command) is not None
    return runner in _TAKE_ONE_MORE and _NAMES_TESTS.fullmatch(command) is not None


def one_more(command: str, runner: Runner, target: str, path: str) -> str:
    """The command with one more test; of a command for which `takes_one_more` holds.

    Args:
        command: of a reproduction.
        runner: its runner.
        target: the test to add.
        path: the reproduction's file.
    """
    if runner is Runner.MAVEN:
        return re.sub(r" -Dtest='?", lambda found: f"{found.group()}{target},", command, count=1)
    if runner is Runner.GRADLE:
        return command.replace(" --tests ", f" --tests {target} --tests ", 1)
    if runner is Runner.SYMPY:
        # Beside the file: newer versions take no more files after an option. A keyword stays as it is.
        return re.sub(rf"(?<=\s){re.escape(path)}(?=\s|$)", f"{path} {target.split('::')[0]}", command, count=1)
    return f"{command} {dotted(target) if runner is Runner.UNITTEST else target}"


_NAMING = {
    Runner.GO: (r"\bgo\s+test\b", "-json", r"\s-json\b"),
    Runner.UNITTEST: (r"-m\s+unittest\b|\bunit2\b", "-v", r"\s(-v|--verbose|-q|--quiet)\b"),
    Runner.DJANGO: (r"\bruntests\.py\b|\b(manage\.py|django-admin)\s+test\b", "--verbosity 2", r"\s(-v|--verbosity)\b"),
}
"""By runner: what starts it, the option by which it names the tests that pass too, and what stands against it."""


def naming_tests(command: str, runner: Runner) -> str:
    """The command that names each test, also those that pass, where its runner has to be asked for that."""
    start, option, against = _NAMING.get(runner, ("", "", ""))
    if not option or re.search(against, command):
        return command
    return re.sub(start, lambda found: f"{found.group()} {option}", command, count=1)


def node_of(command: str) -> str:
    """The program that runs one file of tests by Node's runner; empty where there is more to the command."""
    found = re.fullmatch(r"(\S*\bnode) --test(?: --test-reporter=\w+)? [\w./-]+", command)
    return found.group(1) if found else ""
