"""Supervisor as a local process under a guardian."""

import contextlib
import errno
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, cast

from sweagent.sandbox._channel import Received

_SEND_WITHIN = 30.0


class ProcessTransport:
    """Starts the guardian and the supervisor below it.

    Args:
        argv: the supervisor's command line; an item `INFO_FD` is replaced by the number of the information pipe, and
            `FILTER_FD` by that of a file with the filter.
        env: its environment.
        folder: its working directory.
        limits: resource limits by their names in the `resource` module.
        cgroups: folders of control groups to run in.
        call_filter: of system calls, for bubblewrap.
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        folder: Path,
        limits: Mapping[str, int],
        cgroups: Sequence[Path] = (),
        call_filter: bytes = b"",
    ) -> None:
        control, self._control = os.pipe()
        info = info_out = None
        passed = [control]
        if "INFO_FD" in argv:
            info, info_out = os.pipe()
            passed += [info, info_out]
        numbers = {"INFO_FD": str(info_out)}
        if call_filter:
            passed.append(os.memfd_create("filter"))
            os.write(passed[-1], call_filter)
            os.lseek(passed[-1], 0, os.SEEK_SET)
            numbers["FILTER_FD"] = str(passed[-1])
        plan = {
            "argv": [numbers.get(word, word) for word in argv],
            "env": dict(env),
            "folder": str(folder),
            "limits": dict(limits),
            "cgroups": [str(group) for group in cgroups],
            "info": info,
            "info_out": info_out,
        }
        guardian = Path(__file__).with_name("_guardian.py")
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(guardian), str(control)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=passed,
                bufsize=0,
                cwd=os.sep,
                start_new_session=True,
            )
        except OSError:
            os.close(self._control)
            raise
        finally:
            for descriptor in passed:
                os.close(descriptor)
        self._send_plan(json.dumps(plan).encode() + b"\n")
        self._in, self._out = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)
        self._answers = cast(IO[bytes], self._process.stderr)
        os.set_blocking(self._in.fileno(), False)
        self._poll = select.poll()
        for stream in (self._out, self._answers):
            self._poll.register(stream, select.POLLIN)

    def _send_plan(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._control, rest) :]

    def send(self, data: bytes) -> None:
        """See `Transport.send`."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._in.fileno(), rest) :]
            except BlockingIOError:
                if not select.select([], [self._in], [], _SEND_WITHIN)[1]:
                    raise TimeoutError("the supervisor does not read") from None

    def receive(self, timeout: float) -> Received | None:
        """See `Transport.receive`."""
        try:
            ready = {descriptor for descriptor, _ in self._poll.poll(max(0.0, timeout) * 1000)}
            if not ready:
                return None
            output, answers = (
                os.read(stream.fileno(), 1 << 18) if stream.fileno() in ready else b""
                for stream in (self._out, self._answers)
            )
        except ValueError as error:
            raise OSError(errno.EBADF, "closed by another thread") from error
        return Received(output, answers)

    def interrupt(self) -> None:
        """See `Transport.interrupt`."""
        os.write(self._control, b"i")

    def close(self) -> None:
        """End everything below the guardian, and wait some seconds for it."""
        if self._control < 0:
            return
        os.close(self._control)
        self._control = -1
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        for stream in (self._in, self._out, self._answers):
            stream.close()
