"""Container with the flags of the official evaluation.

It is killed, not stopped: its process 1 ignores the signal that asks it to end, and waiting for that takes the official
evaluation 15 seconds an instance.
"""

import io
import tarfile
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from threading import Event
from types import TracebackType
from typing import Self

from sweagent.errors import RunInterruptedError, SandboxError
from sweagent.sandbox.attach import AttachTransport
from sweagent.sandbox.engine import connect, engine_errors
from sweagent.sandbox.identity import PREFIX, owner_labels

WORKDIR = "/testbed"
_CALL_SECONDS = 120.0
_WAITING = (
    "/bin/bash",
    "-c",
    'read -r _; while [ "$1" != -- ]; do { head -c "$2" >"$1"; } 2>/dev/null || exit 120; shift 2; done; '
    'shift; exec "$@" </dev/null',
    "bash",
)
"""Holds a command back until its output is listened to: the engine's library would lose what comes before. Then takes
the files for it, which costs the engine a tenth of what an archive does."""

_NOT_WRITTEN = 120
"""Its exit status when a file cannot be written."""


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
        self._api = connect(_CALL_SECONDS).api
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
        self,
        command: Sequence[str],
        sink: Callable[[bytes], object],
        timeout: float,
        *,
        workdir: str | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> int | None:
        """Run a command and pass on its output as it comes.

        Args:
            command: the words of the command.
            sink: takes pieces of standard output and error.
            timeout: seconds.
            workdir: None takes the image's.
            files: contents by absolute path, written before the command starts.

        Returns:
            The exit status, or None when the time was up. What then still runs ends with the container.

        Raises:
            SandboxError: the engine failed or the container died.
            RunInterruptedError: `stop` was set.
        """
        deadline = time.monotonic() + timeout
        failing = "a command cannot be run in the container"
        with engine_errors(failing):
            sizes = [word for path, data in (files or {}).items() for word in (path, str(len(data)))]
            words = [*_WAITING, *sizes, "--", *command]
            made = self._api.exec_create(self._id, words, stdin=True, workdir=workdir)["Id"]
            transport = AttachTransport(self._api.exec_start(made, socket=True), lambda: None, answers=False)
        try:
            with engine_errors(failing):
                transport.send(b"\n" + b"".join((files or {}).values()))
            silent = True
            while piece := self._piece(transport, deadline, failing):
                silent = False
                sink(piece)
        finally:
            transport.close()
        if piece is None:
            return None
        with engine_errors(failing):
            code = self._exit_code(made)
        if files and silent and code == _NOT_WRITTEN:
            raise SandboxError("the container takes no files", "see whether the engine's disk is full")
        return code

    def _piece(self, transport: AttachTransport, deadline: float, failing: str) -> bytes | None:
        """The next output: empty at its end, None when the time is up."""
        while True:
            if self._stop.is_set():
                raise RunInterruptedError("the evaluation was stopped")
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            with engine_errors(failing):
                received = transport.receive(min(left, 1.0))
            if received is not None:
                return received.output

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
