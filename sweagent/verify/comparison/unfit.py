"""Name test files that keep a run from running any."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from sweagent.testing import Runner, TestResult, dotted
from sweagent.verify.runs.side_runner import CommandResult

_LINES = 60
_SHORTEST = 4
"""A folder's bare name has to be this long to be told from a word of a sentence."""
_WAYS = 3
_PLAIN = frozenset({"tests", "test", "testing", "unit", "functional", "integration", "src", "lib"})
_MASKED = re.compile(r"0x[0-9a-f]+|\bc[0-9a-f]{16}\b|/tmp/\w+|\d+")


def file_of(test: TestResult, files: Iterable[str]) -> str:
    """The file of a batch that a reported test belongs to; empty when neither the runner nor its id tells."""
    known = set(files)
    for path in (test.file, test.id.partition("::")[0]):
        if path in known:
            return path
    name = f"{dotted(test.id)}."
    fitting = [file for file in known if any(name.startswith(f"{alias}.") for alias in _dotted_names(file))]
    return max(fitting, key=len, default="")


def named_in(run: CommandResult, files: Sequence[str]) -> tuple[list[str], str]:
    """The files of a batch that the end of a run's output names, and the line that does.

    Args:
        run: a run that reported no test.
        files: what it was told to run.

    Returns:
        Nothing where no line tells some of the files from the others.
    """
    lines = [line.strip() for line in run.completed.output.splitlines() if line.strip()][-_LINES:]
    names = {file: _names(file) for file in files}
    for line in reversed(lines):
        for strength in range(_WAYS):
            found = [file for file, patterns in names.items() if patterns[strength].search(line)]
            if found and len(found) < len(files):
                return found, line[:200]
    return [], ""


def folder_named(line: str, file: str) -> str:
    """The outermost folder of a file whose bare name a line gives, with a slash after it; empty if it gives none."""
    parents = [folder for folder in reversed(PurePosixPath(file).parents) if _telling(folder.name)]
    return next((f"{folder}/" for folder in parents if re.search(rf"(?<![\w/.]){folder.name}(?![\w/])", line)), "")


def signature(run: CommandResult) -> str:
    """What a failed run has in common with others that fail for the same reason, whatever files they were given."""
    lines = [line.strip() for line in run.completed.output.splitlines() if line.strip()][-3:]
    return _MASKED.sub("#", f"{run.completed.exit_code}\n" + "\n".join(lines))


def _names(file: str) -> tuple[re.Pattern[str], ...]:
    """How a line can name a file, the most telling way first."""
    folders = [folder for folder in PurePosixPath(file).parents if _telling(folder.name)]
    ways = (
        [re.escape(name) for name in (file, *_dotted_names(file))],
        [rf"{re.escape(str(folder))}(?=/)" for folder in folders],
        [re.escape(folder.name) for folder in folders if len(folder.name) >= _SHORTEST],
    )
    return tuple(re.compile(rf"(?<![\w.])({'|'.join(words) or '(?!)'})(?![\w-])") for words in ways)


def _telling(name: str) -> bool:
    return bool(name) and name not in _PLAIN


def _dotted_names(file: str) -> tuple[str, ...]:
    """Return a module's names from the root and from a folder of tests that is on the import path."""
    return (dotted(file), *(dotted(file, root=root) for root in ("tests", "src") if file.startswith(f"{root}/")))


def takes_no_file(runner: Runner) -> bool:
    """Whether a runner runs its whole suite only, so that no file can be left out."""
    return runner in (Runner.UNKNOWN, Runner.CARGO)
