"""Run the official tests on a patch."""

import codecs
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sweagent.batch.grade.official_container import WORKDIR, OfficialContainer
from sweagent.errors import SandboxError, StorageError
from sweagent.frozen import Frozen

PATCH_FILE = "/tmp/patch.diff"  # noqa: S108 - inside the container, where the official evaluation puts it
OUTPUT_LIMIT = 1 << 30
"""Bytes of output after which a test run is ended, so that no test fills the disk."""

_CALL_SECONDS = 120.0
_APPLIED = 10
"""Added to the number of the command that applied the patch, in the exit status of the script that applies it."""


class TestRun(Frozen):
    """How an eval script ended."""

    __test__ = False

    timed_out: bool = False
    too_long: bool = False
    """Ended, as its output was over the limit."""
    seconds: float = 0.0


class _OutputTooLongError(Exception):
    """A test run wrote more than is kept."""


class _Log:
    """The output of a command in a file, as text; bytes that are no UTF-8 are replaced."""

    def __init__(self, path: Path) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._path = path
        self._left = OUTPUT_LIMIT
        with self._storage():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8", newline="")

    @contextmanager
    def _storage(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(f"cannot write {self._path}: {error}", "free some disk space") from error

    def __call__(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left < 0:
            raise _OutputTooLongError
        with self._storage():
            self._file.write(self._decoder.decode(piece))
            # So that a person can follow a run that takes long.
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with self._storage(), self._file:
            self._file.write(self._decoder.decode(b"", final=True))


def apply_officially(container: OfficialContainer, patch: bytes, commands: Sequence[str], notes: Path) -> str:
    """Apply a patch as the official evaluation does.

    Args:
        container: a fresh one.
        patch: the diff.
        commands: the ways to apply a patch; the first that works counts.
        notes: the file where it goes what became of the patch.

    Returns:
        The command that applied it; empty when none could.

    Raises:
        SandboxError: the engine failed or the container died.
        StorageError: the file cannot be written.
    """
    script = ["/bin/bash", "-c", _apply_script(commands)]
    with _Log(notes) as said:
        code = container.execute(script, said, _CALL_SECONDS, workdir=WORKDIR, files={PATCH_FILE: patch})
    if code == 1:
        return ""
    if code is None or not _APPLIED <= code <= _APPLIED + len(commands):
        raise SandboxError(f"the commands that apply the patch ended with status {code}", f"see {notes}")
    return (*commands, "git apply --check --reverse")[code - _APPLIED]


def run_script(container: OfficialContainer, script: str, timeout: float, log: Path) -> TestRun:
    """Run an eval script.

    Args:
        container: the patch is applied in it.
        script: the eval script.
        timeout: seconds.
        log: the file where its output goes.

    Raises:
        SandboxError: the engine failed or the container died.
        StorageError: the file cannot be written.
    """
    files = {"/eval.sh": script.encode()}
    started = time.monotonic()
    too_long, code = False, None
    with _Log(log) as said:
        try:
            # One stream keeps the lines in the order in which they were written.
            words = ["/bin/bash", "-c", "exec /bin/bash /eval.sh 2>&1"]
            code = container.execute(words, said, timeout, files=files)
        except _OutputTooLongError:
            too_long = True
        seconds = time.monotonic() - started
        if code is None and not too_long:
            said(f"\n\nTimeout error: {timeout:g} seconds exceeded.".encode())
    return TestRun(timed_out=code is None and not too_long, too_long=too_long, seconds=seconds)


def _apply_script(commands: Sequence[str]) -> str:
    """Try the commands in turn from a clean tree each; a patch that is there in spite of all failures is applied."""
    lines = ["applied() { git -c core.fileMode=false diff; exit $1; }"]
    for number, command in enumerate(commands):
        if number:
            lines.append("git checkout -- . ; git clean -fd")
        lines.append(f"{command} {PATCH_FILE} && applied {_APPLIED + number}")
    lines.append(f"git apply --check --reverse {PATCH_FILE} && applied {_APPLIED + len(commands)}")
    return "\n".join([*lines, "exit 1"])
