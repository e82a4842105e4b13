"""Ray executor: one node a machine, reached through a bridge process."""

import base64
import json
import os
import subprocess
import sys
import threading
from importlib.util import find_spec
from typing import Any

from sweagent.batch.nodes.executor import ExecutorError
from sweagent.batch.nodes.inbox import Inbox, opened
from sweagent.batch.nodes.messages import (
    Alive,
    End,
    GarbledError,
    Gone,
    Order,
    Refused,
    Report,
    Setup,
    as_line,
    read_report,
)
from sweagent.errors import UsageError

_LEAVING = 30.0
_HINT = (
    "look whether Ray's head runs (`ray status`), start it and the other machines again as docs/cluster.md shows, "
    "then give the same command again: it goes on"
)


class RayExecutor:
    """Has a bridge process start nodes on machines that offer the resource `fix-issue`; see `Executor`.

    Ray is loaded in the bridge only: where its head dies it ends its own process, which must not be the driver.

    Args:
        address: of the cluster, as `ray.init` takes it; empty for the one that Ray finds by itself.

    Raises:
        UsageError: Ray is not installed.
    """

    remote = True

    def __init__(self, address: str = "") -> None:
        if find_spec("ray") is None:
            raise UsageError("--executor ray needs the package ray", "install it with: pip install 'fix-issue[ray]'")
        self._address = address or "auto"
        self._inbox = Inbox()
        self._lock = threading.Lock()
        self._closing = False

    def open(self, setup: Setup) -> None:
        """See `Executor`."""
        self._setup = as_line(setup)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "sweagent.batch.nodes.ray_bridge", self._address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            cwd=os.sep,
            env=_without_secrets(dict(os.environ)),
        )
        self._known: dict[str, bytes] = {}
        threading.Thread(target=self._listen, daemon=True, name="ray-reports").start()

    def send(self, node: str, order: Order) -> None:
        """See `Executor`."""
        self._say({"node": node, "data": base64.b64encode(as_line(order)).decode()})

    def events(self, timeout: float) -> list[tuple[str, Report]]:
        """See `Executor`."""
        return self._inbox.get(timeout)

    def drop(self, node: str) -> None:
        """See `Executor`."""
        self._say({"node": node, "drop": True})

    def close(self, *, wait: bool) -> None:
        """See `Executor`."""
        self._closing = True
        for node in list(self._known):
            self.send(node, End())
        self._say({"end": wait})
        try:
            self._process.wait(_LEAVING if wait else 2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _say(self, message: dict[str, Any]) -> None:
        stdin = opened(self._process.stdin)
        try:
            with self._lock:
                stdin.write(json.dumps(message).encode() + b"\n")
                stdin.flush()
        except (OSError, ValueError):
            # Its end is told by the thread that listens.
            return

    def _listen(self) -> None:
        why = ""
        for line in opened(self._process.stdout):
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if "failed" in message:
                why = str(message["failed"])
            else:
                self._heard(str(message["node"]), message)
        if not self._closing:
            said = f"Ray cannot be reached at {self._address}" + (f": {why}" if why else "")
            over = Refused(message=said, hint=_HINT, exit_code=ExecutorError.exit_code)
            self._inbox.put("ray", Gone(for_good=over))

    def _heard(self, node: str, message: dict[str, Any]) -> None:
        if "joined" in message:
            self._known[node] = b""
            self._say({"node": node, "data": base64.b64encode(self._setup).decode()})
        elif "gone" in message:
            self._known.pop(node, None)
            self._inbox.put(node, Gone(why=str(message["gone"])))
        else:
            *lines, rest = (self._known.get(node, b"") + base64.b64decode(message["data"])).split(b"\n")
            self._known[node] = rest
            for line in lines:
                try:
                    self._inbox.put(node, read_report(line))
                except GarbledError:
                    self._inbox.put(node, Alive())


def _without_secrets(environment: dict[str, str]) -> dict[str, str]:
    """Ray writes down much of what its processes see; what the bridge does not have cannot get there."""
    from sweagent.run_log import SECRET_NAME

    return {
        name: value
        for name, value in environment.items()
        # Ray's own token opens the cluster.
        if name.startswith("RAY_") or not SECRET_NAME.search(name)
    }
