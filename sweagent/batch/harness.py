"""An official test run: a container with the official flags, the patch applied as officially, the script's output.

The container is killed, not stopped: its process 1 ignores the signal that asks it to end, and waiting for that takes
the official evaluation 15 seconds an instance.
"""

import codecs
import io
import tarfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from sweagent.errors import RunInterruptedError, SandboxError, StorageError
from sweagent.model import Frozen
from sweagent.sandbox.attach import AttachTransport
from sweagent.sandbox.engine import connect, engine_errors
from sweagent.sandbox.identity import PREFIX, owner_labels

WORKDIR = "/testbed"
PATCH_FILE = "/tmp/patch.diff"  # noqa: S108 - inside the container, where the official evaluation puts it
OUTPUT_LIMIT = 1 << 30
"""Bytes of output after which a test run is ended, so that no test fills the disk."""

_CALL_SECONDS = 120.0
_WAITING = ("/bin/bash", "-c", 'read -r _; exec "$@" </dev/null', "bash")
"""Holds a command back until its output is listened to: the engine's library would lose what comes before."""

_APPLIED = 10
"""Added to the number of the command that applied the patch, in the exit status of the script that applies it."""


class TestRun(Frozen):
    """How an eval script ended."""

    __test__ = False

    timed_out: bool = False
    too_long: bool = False
    """Ended, as its output was over the limit."""
    seconds: float = 0.0


class OfficialContainer:
    """A container as the official evaluation makes it, gone when the context ends.

    Args:
        image: its name; it must be there.
        run_id: names the run in the container's labels, by which one whose controller has died is found.
        stop: when set, a command is ended and RunInterruptedError raised.

    Raises:
        SandboxError: the engine, the image or the container fails.
    """

    def __init__(self, image: str, run_id: str, stop: Event) -> None:
        self._stop = stop
        self._id = ""
        self._api = connect(_CALL_SECONDS)
        try:
            with engine_errors(f"a container of {image} cannot be had"):
                self.image_id = str(self._api.inspect_image(image)["Id"])
                self._create(run_id)
        except BaseException:
            self.close()
            raise

    def _create(self, run_id: str) -> None:
        made = self._api.create_container(
            self.image_id,
            command="tail -f /dev/null",
            user="root",
            detach=True,
            name=f"{PREFIX}-eval-{uuid.uuid4().hex[:12]}",
            labels=owner_labels(run_id),
            host_config=self._api.create_host_config(cap_add=["SYS_ADMIN"]),
        )
        self._id = made["Id"]
        self._api.start(self._id)

    def put(self, files: dict[str, bytes]) -> None:
        """Write files of root, by absolute path."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as packed:
            for path, data in files.items():
                member = tarfile.TarInfo(path.lstrip("/"))
                member.size, member.mode = len(data), 0o644
                packed.addfile(member, io.BytesIO(data))
        with engine_errors("the container takes no files"):
            self._api.put_archive(self._id, "/", archive.getvalue())

    def read(self, paths: Iterable[str], *, limit: int = 1 << 24) -> dict[str, bytes]:
        """The contents of files below the work tree, by their paths in it; what is no file of at most `limit` bytes
        is left out."""
        found = {}
        for path in paths:
            data = self._file(f"{WORKDIR}/{path}", limit)
            if data is not None:
                found[path] = data
        return found

    def _file(self, path: str, limit: int) -> bytes | None:
        from docker.errors import NotFound

        with engine_errors("the container gives no files"):
            try:
                pieces, stat = self._api.get_archive(self._id, path)
            except NotFound:
                return None
            with closing(pieces):
                if stat["size"] > limit or stat["linkTarget"]:
                    return None
                packed = io.BytesIO(b"".join(pieces))
        with tarfile.open(fileobj=packed) as archive:
            member = archive.next()
            file = archive.extractfile(member) if member else None
            return file.read() if file else None

    def execute(
        self, command: Sequence[str], sink: Callable[[bytes], object], timeout: float, *, workdir: str | None = None
    ) -> int | None:
        """Run a command and pass on its output as it comes.

        Args:
            command: the words of the command.
            sink: takes pieces of standard output and error.
            timeout: seconds.
            workdir: None takes the image's.

        Returns:
            The exit status, or None when the time was up. What then still runs ends with the container.

        Raises:
            SandboxError: the engine failed or the container died.
            RunInterruptedError: `stop` was set.
        """
        deadline = time.monotonic() + timeout
        failing = "a command cannot be run in the container"
        with engine_errors(failing):
            made = self._api.exec_create(self._id, [*_WAITING, *command], stdin=True, workdir=workdir)["Id"]
            transport = AttachTransport(self._api.exec_start(made, socket=True), lambda: None)
        try:
            with engine_errors(failing):
                transport.send(b"\n")
            while piece := self._piece(transport, deadline, failing):
                sink(piece)
        finally:
            transport.close()
        if piece is None:
            return None
        with engine_errors(failing):
            return self._exit_code(made)

    def _piece(self, transport: AttachTransport, deadline: float, failing: str) -> bytes | None:
        """The next output: empty at its end, None when the time is up."""
        while True:
            if self._stop.is_set():
                raise RunInterruptedError("the evaluation was stopped")
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            with engine_errors(failing):
                piece = transport.receive(min(left, 1.0))
            if piece is not None:
                return piece

    def _exit_code(self, made: str) -> int:
        if not self._api.inspect_container(self._id)["State"]["Running"]:
            raise SandboxError("the container died in mid-command", "look at the engine's log, and at the memory")
        for _ in range(100):
            code = self._api.exec_inspect(made)["ExitCode"]
            if code is not None:
                return int(code)
            self._stop.wait(0.05)
        raise SandboxError("the engine does not say how a command ended", "see `fix-issue doctor`")

    def close(self) -> None:
        """Kill and remove the container; what the engine refuses now, `fix-issue clean` removes later."""
        if self._id:
            with suppress(SandboxError), engine_errors("the container cannot be removed"):
                self._api.remove_container(self._id, force=True, v=True)
        self._id = ""
        self._api.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


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
    container.put({PATCH_FILE: patch})
    with _Log(notes) as said:
        code = container.execute(["/bin/bash", "-c", _apply_script(commands)], said, _CALL_SECONDS, workdir=WORKDIR)
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
    container.put({"/eval.sh": script.encode()})
    started = time.monotonic()
    too_long, code = False, None
    with _Log(log) as said:
        try:
            code = container.execute(["/bin/bash", "/eval.sh"], said, timeout)
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
