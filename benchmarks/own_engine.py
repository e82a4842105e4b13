"""A Docker engine of one's own, which can be restarted while others use the machine's; as root, on Linux."""

import os
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType

_PATIENCE = 60.0
"""Seconds until an engine must answer after its start, and must have ended after it was told to."""


class OwnEngine:
    """Use it as a context manager; within, DOCKER_HOST names it. It has no images, and its containers no way out."""

    def __init__(self) -> None:
        # The engine's own sockets lie below, and the paths of sockets must be short.
        self._folder = tempfile.TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True)
        self._path = Path(self._folder.name)
        self._lock = threading.Lock()

    def __enter__(self) -> "OwnEngine":
        self._before = os.environ.get("DOCKER_HOST")
        os.environ["DOCKER_HOST"] = f"unix://{self._path / 's'}"
        # As on a usual host it is a service of its own, which outlives an engine that is killed.
        below = {"--root": "images", "--state": "state", "--address": "c"}
        self._containerd = self._program("containerd", below)
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._end(signal.SIGTERM)
        self._containerd.terminate()
        self._containerd.wait(_PATIENCE)
        subprocess.run(["umount", "--lazy", str(self._path / "data")], check=False, stderr=subprocess.DEVNULL)
        del os.environ["DOCKER_HOST"]
        if self._before is not None:
            os.environ["DOCKER_HOST"] = self._before
        self._folder.cleanup()

    def restart(self, how: signal.Signals) -> None:
        """End the engine and start it again, in a thread of its own; a restart that is going on is not disturbed.

        Args:
            how: SIGTERM, on which it stops its containers, or SIGKILL, after which it finds them at its start.
        """
        threading.Thread(target=self._restart, args=(how,), daemon=True).start()

    def _restart(self, how: signal.Signals) -> None:
        with self._lock:
            self._end(how)
            self._start()

    def _start(self) -> None:
        below = {"--data-root": "data", "--exec-root": "run", "--pidfile": "pid", "--containerd": "c"}
        host = os.environ["DOCKER_HOST"]
        # The default bridge is shared: an engine without one removes that of the machine's engine.
        self._process = self._program("dockerd", below, f"--host={host}", "--iptables=false")
        listed("version", "--format", "{{.Server.Version}}")

    def _program(self, name: str, below: dict[str, str], *more: str) -> "subprocess.Popen[bytes]":
        places = [f"{option}={self._path / place}" for option, place in below.items()]
        with (self._path / "log").open("ab") as log:
            return subprocess.Popen([name, *places, *more], stdout=log, stderr=log)

    def _end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        self._process.wait(_PATIENCE)


def listed(*arguments: str) -> list[str]:
    """The words that the `docker` program prints; while the engine is away, that is waited for.

    Raises:
        subprocess.CalledProcessError: it fails for a minute.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.split()
        if time.monotonic() > deadline:
            done.check_returncode()
        time.sleep(0.2)
