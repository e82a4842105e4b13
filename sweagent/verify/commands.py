"""How to run a reproduction of which only the file is known."""

import shlex
from pathlib import PurePosixPath

from sweagent.errors import UsageError
from sweagent.testing import Runner, command_for, runner_of
from sweagent.verify.targets import is_test_module, target_of

_INTERPRETERS = {".py": "python", ".js": "node", ".mjs": "node", ".cjs": "node", ".sh": "sh", ".rb": "ruby"}


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
