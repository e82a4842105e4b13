"""Commands and files over one channel, with recovery."""

import contextlib
import errno
import os
import re
import signal
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import IO, Self

from sweagent.config import SandboxSettings
from sweagent.errors import SandboxError
from sweagent.sandbox import _files
from sweagent.sandbox._channel import ChannelLostError, Ended, Request, Transport, exchange
from sweagent.sandbox._output import BoundedOutput
from sweagent.sandbox.base import Completed, SandboxInfo

KEPT_OUTPUTS = 4
"""How many long outputs wait on the host for somebody to look at them; older ones make room."""

FILE_SECONDS = 60.0
"""What reading or writing a file may take, and a second more for each megabyte."""

_FILE_TRIES = 3
"""How often it is tried when the sandbox is lost in the middle."""

_NO_EDITOR = "sh -c 'echo there is no editor here: give the text with an option or in a file >&2; exit 1'"

DEFAULT_ENVIRONMENT: Mapping[str, str] = {
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "MANPAGER": "cat",
    "EDITOR": _NO_EDITOR,
    "VISUAL": _NO_EDITOR,
    "GIT_EDITOR": _NO_EDITOR,
    "GIT_SEQUENCE_EDITOR": _NO_EDITOR,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PYTHONUNBUFFERED": "1",
    "DEBIAN_FRONTEND": "noninteractive",
    "TERM": "dumb",
}
"""Nobody sits at a terminal: programs must not page, ask, or open an editor."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ShellSandbox(ABC):
    """A sandbox driven by the supervisor. The kinds differ in how it is started, brought back and removed.

    Args:
        settings: bounds and defaults.
        info: what this sandbox is.
        workdir: the work tree's root inside it.
        outputs: a folder inside it for long outputs.
    """

    def __init__(self, settings: SandboxSettings, info: SandboxInfo, workdir: str, outputs: str) -> None:
        self._settings = settings
        self._info = info
        self._workdir = workdir
        self._outputs = outputs
        self._transport: Transport | None = None
        self._closed = False
        self._torn = False
        self._lock = threading.RLock()
        self._count = 0
        self._pending: dict[str, IO[bytes]] = {}
        self._stop_reason = ""
        self._asked = threading.Event()

    @abstractmethod
    def _connect(self, *, again: bool) -> Transport:
        """Start the supervisor; with `again`, end whatever is left of the one before and keep the work tree.

        Raises:
            SandboxError: it cannot be started, or the work tree is gone.
        """

    def _make_anew(self) -> None:
        """Replace a sandbox whose own programs are gone by one in the first state.

        Raises:
            SandboxError: this kind cannot be made anew.
        """
        raise SandboxError("a command has removed the programs that the sandbox needs", "start the run again")

    @abstractmethod
    def _remove(self) -> None:
        """End and remove everything. Called once, perhaps in mid-command; must not raise for what is gone already."""

    def _guard(self, done: threading.Event) -> None:  # noqa: B027 - most kinds have nothing to watch
        """Watch what the kernel does not bound while a long command runs, until `done` is set."""

    @property
    def info(self) -> SandboxInfo:
        """What this sandbox is."""
        return self._info

    @property
    def workdir(self) -> str:
        """The absolute path of the repository inside the sandbox."""
        return self._workdir

    def run(
        self,
        command: str,
        *,
        timeout: float | None = None,
        output_limit: int | None = None,
        env: Mapping[str, str] | None = None,
        fresh: bool = False,
        background: bool = False,
    ) -> Completed:
        """Run a shell command; see `Sandbox.run`."""
        limit = self._settings.output if output_limit is None else output_limit
        request = Request(
            command=_bytes(command),
            timeout=self._settings.timeout if timeout is None else timeout,
            fresh=fresh,
            background=background,
            around=_around(env or {}),
        )
        start = time.monotonic()
        kept = BoundedOutput(limit, spool=True)
        with self._lock:
            self._put_outputs(command)
            try:
                ended, notes = self._try(request, kept)
                seconds = time.monotonic() - start
                place = self._store(kept)
            finally:
                text = kept.text
                kept.close()
        if "\0" in command:
            notes.append("the NUL bytes in the command were left out")
        if ended is None:
            code, timed_out = None, time.monotonic() - start >= request.timeout
        else:
            cut_off = ended.late and ended.status > 128
            timed_out = cut_off and not self._stop_reason
            code = None if cut_off else ended.status
            notes += self._remarks(ended, cut_off=cut_off, background=background)
            if background:
                place = f"{self._outputs}/{next((note for note in ended.notes if note.startswith('job-')), '')}.log"
        return Completed(
            output=text(place),
            exit_code=code,
            timed_out=timed_out,
            truncated=kept.truncated,
            total_bytes=kept.total,
            full_output=place,
            seconds=round(seconds, 4),
            notes=tuple(notes),
        )

    def _try(self, request: Request, kept: BoundedOutput) -> tuple[Ended | None, list[str]]:
        """Run a request, bringing the sandbox back when it is lost; without an end when it was lost in mid-command."""
        notes: list[str] = []
        if self._closed:
            raise SandboxError("the sandbox is closed", "open a new one")
        if self._transport is not None and (self._torn or not self._alive(self._transport)):
            self._come_back()
            self._torn = False
            notes.append("the sandbox had to be started again; directory and variables are the first ones")
        try:
            ended = self._exchange(request, kept)
            if "state" in ended.notes:
                # The command did not start, as there was no room for it.
                self._come_back()
                notes.append("the sandbox's own disk was full; directory and variables are the first ones")
                ended = self._exchange(request, kept)
            if "noshell" in ended.notes:
                self._make_anew()
                notes.append(
                    "the command removed the sandbox's own programs; it was created again: ALL changes are lost"
                )
            return ended, notes
        except ChannelLostError as error:
            self._come_back()
            why = "did not let itself be ended" if error.stuck else "ended the sandbox's shell or its engine stopped"
            notes.append(
                f"the command {why}; the sandbox was started again: files are kept, but directory and "
                "variables are the first ones, and background jobs have ended"
            )
            return None, notes

    def _exchange(self, request: Request, kept: BoundedOutput) -> Ended:
        if self._closed or self._transport is None:
            raise SandboxError("the sandbox is closed", "open a new one")
        done = threading.Event()
        self._stop_reason = ""
        self._asked.clear()
        # Stays true when a signal of the caller breaks in: the answer of this command may then still be on its way.
        self._torn = True
        try:
            ended = exchange(self._transport, request, kept, on_long=lambda: self._guard(done), asked=self._asked)
        except ChannelLostError:
            self._torn = False
            raise
        finally:
            done.set()
        self._torn = False
        return ended

    def _alive(self, transport: Transport) -> bool:
        try:
            received = transport.receive(0)
            return received is None or any(received)
        except OSError:
            return False

    def _come_back(self) -> None:
        if self._closed:
            raise SandboxError("the sandbox is closed", "open a new one")
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        self._open(again=True)

    def _open(self, *, again: bool = False) -> None:
        self._transport = self._connect(again=again)
        kept = BoundedOutput(1000)
        try:
            ended = self._exchange(Request(command=b"pwd", timeout=30.0, fresh=True), kept)
        except ChannelLostError as error:
            said = kept.text().strip()
            raise SandboxError(
                f"the sandbox does not start: {said or error}", "the image needs a POSIX shell and coreutils"
            ) from error
        if ended.status != 0 or kept.whole() == b"":
            raise SandboxError("the sandbox's shell does not work", "the image needs a POSIX shell and coreutils")

    def _store(self, kept: BoundedOutput) -> str | None:
        """Name the file for the rest of a long output. It is written when somebody is about to look at it."""
        if kept.file is None:
            return None
        self._count += 1
        place = f"{self._outputs}/output-{self._count}.txt"
        self._pending[place], kept.file = kept.file, None
        while len(self._pending) > KEPT_OUTPUTS:
            self._pending.pop(next(iter(self._pending))).close()
        return place

    def _put_outputs(self, mention: str) -> None:
        """Write the files of long outputs when a command or a path could mean them."""
        if not any(word in mention for word in ("output-", "fix-issue")):
            return
        while self._pending:
            place, file = self._pending.popitem()
            file.seek(0)
            with file, contextlib.suppress(OSError):
                self._put(place, file.read(), None)

    def _remarks(self, ended: Ended, *, cut_off: bool, background: bool) -> list[str]:
        notes = []
        status, strays = ended.status, ended.strays
        if self._stop_reason:
            notes.append(self._stop_reason)
        elif not cut_off and 128 < status <= 192:
            notes.append(f"exit code {status}: {_signal(status - 128)}")
        if ended.memory_kills > 0:
            notes.append(f"memory ran out (limit {self._settings.memory}) and the system killed {ended.memory_kills}")
        if strays and not cut_off:
            noun = "process that was" if strays == 1 else "processes that were"
            notes.append(f"{strays} {noun} left running in the background ended with the command; ask for `background`")
        if "folder" in ended.notes:
            notes.append(f"the working directory was gone; the command started in {self._workdir}")
        if "lost" in ended.notes:
            notes.append("the carried state was damaged: directory and variables are the first ones")
        if "unsaved" in ended.notes and not background:
            notes.append("directory and variables are as they were before the command, as its shell was ended early")
        if "signalled" in ended.notes:
            notes.append("the command signalled the sandbox's own shell, which ended it")
        if "unkillable" in ended.notes:
            notes.append("some processes could not be ended")
        return notes

    def _path(self, path: str) -> str:
        if not path or "\0" in path:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return path if path.startswith("/") else f"{self._workdir}/{path}"

    def _file_command(self, code: str, path: str, payload: bytes | None = None) -> bytes:
        """Run shell code of `_files`, and raise the error that its exit status stands for.

        It may all be done again, so a sandbox that is lost in the middle and comes back costs no file.
        """
        size = len(payload or b"") / 1e6
        request = Request(command=_bytes(code), timeout=FILE_SECONDS + size, fresh=True, payload=payload)
        with self._lock:
            for _ in range(_FILE_TRIES):
                kept = BoundedOutput(1 << 62)
                ended, _notes = self._try(request, kept)
                if ended is not None:
                    break
            else:
                raise SandboxError(f"the sandbox was lost again and again at {path}", "start the run again")
            if ended.late and payload is not None:
                # What was not read of the payload would be taken for a command.
                self._come_back()
        if ended.late:
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), path)
        if ended.status != 0:
            raise _files.file_error(ended.status, kept.whole().decode("utf-8", "replace"), path)
        return kept.whole()

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        """Return the content of a file; see `Sandbox.read`."""
        with self._lock:
            self._put_outputs(path)
            return self._file_command(_files.read_code(self._path(path), limit), path)

    def write(self, path: str, data: bytes, *, mode: int | None = None) -> None:
        """Write a file atomically; see `Sandbox.write`."""
        self._put(self._path(path), data, mode)

    def write_many(self, files: Mapping[str, bytes]) -> None:
        """Write several files in one command; see `Sandbox.write_many`."""
        sizes = {self._path(path): len(data) for path, data in files.items()}
        if not sizes:
            return
        code = _files.write_many_code(sizes, f"fix-issue-{uuid.uuid4().hex}")
        try:
            self._file_command(code, next(iter(files)), b"".join(files.values()))
        except OSError:
            # Which of them it was, and why, is told by each by itself.
            for path, data in files.items():
                self.write(path, data)

    def _put(self, path: str, data: bytes, mode: int | None) -> None:
        code = _files.write_code(path, len(data), mode, f"fix-issue-{uuid.uuid4().hex}")
        self._file_command(code, path, data)

    def put_tree(self, archive: bytes, path: str) -> None:
        """Unpack a tar archive; see `Sandbox.put_tree`."""
        self._file_command(_files.unpack_code(self._path(path), len(archive)), path, archive)

    def close(self) -> None:
        """End everything and remove the sandbox; see `Sandbox.close`."""
        if self._closed:
            return
        self._closed = True
        for file in self._pending.values():
            file.close()
        try:
            self._remove()
        finally:
            if self._transport is not None:
                self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _bytes(text: str) -> bytes:
    """Text as the shell reads it; lone surrogates stand for bytes that are not UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _around(env: Mapping[str, str]) -> bytes:
    """Shell code that sets variables for one command and puts the old values back before the state is saved."""
    if not env:
        return b""
    before, after = [], []
    for name, value in env.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a name of a variable")
        before.append(f"__fi_had_{name}=${{{name}+x}} __fi_old_{name}=${name}; export {name}={_files.quoted(value)}")
        after.append(f'if [ -n "$__fi_had_{name}" ]; then export {name}="$__fi_old_{name}"; else unset {name}; fi')
    return _bytes(f"__fi_before() {{ {'; '.join(before)}; }}\n__fi_after() {{ {'; '.join(after)}; }}\n")


def _signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"ended by signal {number}"
    hint = "; the bound on the size of a file was reached" if number == signal.SIGXFSZ else ""
    return f"ended by signal {number} ({name}){hint}"
