"""A supervisor that is a process of this machine, under a guardian: the transport of the local kinds."""

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

_SEND_WITHIN = 30.0


class ProcessTransport:
    """Starts the guardian and the supervisor below it.

    Args:
        argv: the supervisor's command line; an item `INFO_FD` is replaced by the number of the information pipe.
        env: its environment.
        folder: its working directory.
        limits: resource limits by their names in the `resource` module.
        cgroups: folders of control groups to run in.
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        folder: Path,
        limits: Mapping[str, int],
        cgroups: Sequence[Path] = (),
    ) -> None:
        control, self._control = os.pipe()
        info = info_out = None
        passed = [control]
        if "INFO_FD" in argv:
            info, info_out = os.pipe()
            passed += [info, info_out]
        plan = {
            "argv": [str(info_out) if word == "INFO_FD" else word for word in argv],
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
                stderr=subprocess.DEVNULL,
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
        os.set_blocking(self._in.fileno(), False)
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)

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

    def receive(self, timeout: float) -> bytes | None:
        """See `Transport.receive`."""
        if not self._poll.poll(max(0.0, timeout) * 1000):
            return None
        try:
            return os.read(self._out.fileno(), 1 << 18)
        except ValueError as error:
            raise OSError(errno.EBADF, "closed by another thread") from error

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
        self._in.close()
        self._out.close()
