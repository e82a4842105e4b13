"""How a reproduction is run, by its name."""

import shlex

from sweagent.testing import command_for, runner_of
from sweagent.testing.file_kinds import is_test_module

_INTERPRETERS = {
    ".py": "python",
    ".js": "node",
    ".mjs": "node",
    ".rb": "ruby",
    ".sh": "sh",
    ".php": "php",
    ".pl": "perl",
}


def is_run_as_test(path: str, test_command: str) -> bool:
    """Whether the project's test runner runs a file of this name."""
    return is_test_module(path) and bool(test_command)


def reproduction_command(path: str, test_command: str) -> str:
    """The command that runs a reproduction from the repository's root.

    Args:
        path: relative to the root.
        test_command: how the project runs its tests; empty when nobody knows.
    """
    suffix = path[path.rfind(".") :] if "." in path else ""
    if is_run_as_test(path, test_command):
        return command_for(runner_of(test_command), [path], test_command=test_command)
    if suffix == ".go":
        return f"go run {shlex.quote('./' + path)}"
    return f"{_INTERPRETERS[suffix]} {shlex.quote(path)}" if suffix in _INTERPRETERS else shlex.quote(f"./{path}")
