"""Bridge between a driver and nodes under Ray; its own process.

    python -I -m sweagent.batch.nodes.ray_bridge ADDRESS

Ray finds machines, starts an actor on each that offers the resource `fix-issue`, and tells of its death; nothing more
is asked of it. The actor starts the node process and hands bytes on, at most `_CHUNK` at a time, so that nothing goes
through Ray's object store. Standard input and output carry one JSON object a line.
"""

import base64
import json
import logging
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from sweagent.batch.nodes.inbox import opened

RESOURCE = "fix-issue"
"""By which machines offer slots: `ray start --resources='{"fix-issue": 8}'`."""
_CHUNK = 48 * 1024
"""Bytes in one call: Ray sends what is smaller than 100 KB with the call itself."""
_LOOK = 2.0
"""Seconds between two looks for new machines, and for the head."""
_MISSES = 5
"""Looks in a row at which the head did not answer, after which it is taken for dead."""


class NodeActor:
    """Carries the standard streams of a node process on this machine.

    Args:
        slots: jobs at a time, as the machine offers them.
    """

    def __init__(self, slots: int) -> None:
        words = [sys.executable, "-I", "-m", "sweagent.batch.node", "--slots", str(slots)]
        if folder := os.environ.get("FIX_ISSUE_NODE_REPOSITORIES"):
            words += ["--repositories", folder]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=os.sep, bufsize=0)

    def write(self, data: bytes) -> None:
        """Hand bytes to the node."""
        fd, view = opened(self._process.stdin).fileno(), memoryview(data)
        while view:
            view = view[os.write(fd, view) :]

    def read(self) -> bytes:
        """Wait for bytes of the node's; none when it has ended."""
        return os.read(opened(self._process.stdout).fileno(), _CHUNK)

    def leave(self) -> None:
        """End the node's input; it ends itself then."""
        with suppress(OSError):
            opened(self._process.stdin).close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(20)


class Bridge:
    """Starts nodes where machines offer themselves, and carries bytes until the driver ends."""

    def __init__(self) -> None:
        import ray

        self._ray: Any = ray
        self._out = threading.Lock()
        self._nodes: dict[str, _Node] = {}
        self._starts: dict[str, int] = {}
        self._lock = threading.Lock()
        self._done = threading.Event()

    def say(self, **message: Any) -> None:
        """Tell the driver something."""
        with self._out:
            _OUT.write(json.dumps(message).encode() + b"\n")
            _OUT.flush()

    def look(self) -> None:
        """Start nodes on machines that have come."""
        for machine in self._ray.nodes():
            slots = int(machine["Resources"].get(RESOURCE, 0))
            identity = machine["NodeID"]
            with self._lock:
                known = any(node.machine == identity for node in self._nodes.values())
            if machine["Alive"] and slots and not known and not self._done.is_set():
                self._start(identity, machine["NodeManagerHostname"], slots)

    def _start(self, identity: str, host: str, slots: int) -> None:
        number = self._starts[identity] = self._starts.get(identity, 0) + 1
        name = f"{host}-{identity[:6]}" + (f".{number}" if number > 1 else "")
        strategy = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(identity, soft=False)
        actor = (
            self._ray.remote(NodeActor)
            .options(
                num_cpus=0,
                resources={RESOURCE: slots},
                max_restarts=0,
                max_task_retries=0,
                # One call writes while another waits for something to read.
                max_concurrency=3,
                scheduling_strategy=strategy,
            )
            .remote(slots)
        )
        node = _Node(name, identity, actor)
        with self._lock:
            self._nodes[name] = node
        threading.Thread(target=self._carry_out, args=(node,), daemon=True).start()
        threading.Thread(target=self._carry_in, args=(node,), daemon=True).start()

    def _carry_out(self, node: "_Node") -> None:
        """Bring what a node says to the driver."""
        why, joined = "its process has ended", False
        try:
            while not node.dropped:
                call = node.actor.read.remote()
                if not joined:
                    self.say(node=node.name, joined=True)
                    joined = True
                data = self._ray.get(call)
                if not data:
                    break
                self.say(node=node.name, data=base64.b64encode(data).decode())
        except Exception as error:
            why = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"[:300]
        with suppress(Exception):
            self._ray.kill(node.actor)
        # A machine that fails at once is not asked again at once.
        if joined:
            self.say(node=node.name, gone=why)
        if not self._done.wait(min(60, 2 ** self._starts[node.machine])):
            with self._lock:
                self._nodes.pop(node.name, None)

    def _carry_in(self, node: "_Node") -> None:
        """Bring what the driver says to a node."""
        with suppress(Exception):
            while (data := node.orders.get()) is not None:
                for start in range(0, len(data), _CHUNK):
                    self._ray.get(node.actor.write.remote(data[start : start + _CHUNK]))

    def listen(self) -> bool:
        """Do what the driver says, to its last word; whether it waits for the nodes to leave."""
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if "end" in message:
                return bool(message["end"])
            with self._lock:
                node = self._nodes.get(message["node"])
            if node is None:
                continue
            if message.get("drop"):
                node.dropped = True
                node.orders.put(None)
                with suppress(Exception):
                    self._ray.kill(node.actor)
            else:
                node.orders.put(base64.b64decode(message["data"]))
        return False

    def leave(self, *, wait: bool) -> None:
        """Have all nodes end."""
        self._done.set()
        with self._lock:
            nodes = list(self._nodes.values())
        if wait:
            deadline = time.monotonic() + 20
            while any(not node.orders.empty() for node in nodes) and time.monotonic() < deadline:
                time.sleep(0.05)
            calls = [node.actor.leave.remote() for node in nodes if not node.dropped]
            if calls:
                self._ray.wait(calls, num_returns=len(calls), timeout=20)
        for node in nodes:
            with suppress(Exception):
                self._ray.kill(node.actor)

    def watch(self, address: str) -> None:
        """Look for new machines, and end this process when the head does not answer any more."""
        host, _, port = address.rpartition(":")
        misses = 0
        while not self._done.wait(_LOOK):
            try:
                socket.create_connection((host, int(port)), timeout=3).close()
                misses = 0
            except OSError as error:
                misses += 1
                if misses >= _MISSES:
                    self.say(failed=f"its head does not answer: {error}")
                    os._exit(1)
                continue
            with suppress(Exception):
                self.look()


class _Node:
    def __init__(self, name: str, machine: str, actor: Any) -> None:
        self.name = name
        self.machine = machine
        self.actor = actor
        self.dropped = False
        self.orders: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()


def main() -> None:
    """Connect, and carry until the driver ends."""
    import ray

    bridge = Bridge()
    host, mark, port = sys.argv[1].rpartition(":")
    try:
        if mark and port.isdecimal():
            # Ray itself would try for a minute.
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address=sys.argv[1], log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
    except Exception as error:
        bridge.say(failed=(str(error).strip() or type(error).__name__).splitlines()[0][:300])
        os._exit(1)
    address = ray.get_runtime_context().gcs_address
    bridge.look()
    threading.Thread(target=bridge.watch, args=(address,), daemon=True).start()
    wait = bridge.listen()
    bridge.leave(wait=wait)
    # Ray may take long to take its leave, and nothing is left to be done.
    os._exit(0)


if __name__ == "__main__":
    _OUT = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    main()
