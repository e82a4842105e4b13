"""Where a reproduction of which only the file is known belongs, and how to run it."""

import shlex
from pathlib import Path, PurePosixPath

from sweagent.errors import UsageError
from sweagent.task import Repository
from sweagent.testing import Runner, command_for, runner_of
from sweagent.verify.targets import is_test_module, target_of
from sweagent.verify.tree import open_trees

_INTERPRETERS = {".py": "python", ".js": "node", ".mjs": "node", ".cjs": "node", ".sh": "sh", ".rb": "ruby"}


def home_of(file: Path, repository: Repository) -> str:
    """The folder of the repository in which a file from outside is meant to lie; empty for the root.

    A test finds its data and its `conftest.py` by its place. It belongs where as much as possible of its own path is
    a folder of the repository, else beside the one file of its name. Anything else is run from the root.

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
    return "" if not fitting or str(fitting[0]) == "." else str(fitting[0])


def guess_command(path: str, test_command: str) -> str:
    """The command for a file: the project's runner for a test, the interpreter for a script.

    Args:
        path: relative to the repository's root.
        test_command: how the project runs its tests; empty takes pytest or node's runner by the file's name.

    Raises:
        UsageError: nothing can be told from the name.
    """
    pure = PurePosixPath(path)
    is_test = is_test_module(path) or pure.name.startswith("test_") or ".test." in pure.name
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
