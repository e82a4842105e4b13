"""A Ray cluster on this machine: a process tree a node, each with its own folders."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = {
    "RAY_raylet_start_wait_time_s": "150",
    "RAY_agent_register_timeout_ms": "300000",
    "RAY_worker_register_timeout_seconds": "300",
    "RAY_gcs_server_request_timeout_seconds": "120",
    "RAY_health_check_initial_delay_ms": "60000",
    "RAY_health_check_timeout_ms": "60000",
    "RAY_enable_metrics_collection": "0",
}
"""For a machine that does much else."""

RAY = str(Path(sys.executable).with_name("ray"))


@dataclass
class Cluster:
    """Nodes that `ray start --block` keeps, the head first."""

    folder: Path
    port: int
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self, slots: int, **variables: str) -> "subprocess.Popen[bytes]":
        """Start one more node; its processes are a session of their own."""
        number = len(self.processes)
        role = (
            [
                "--head",
                f"--port={self.port}",
                "--include-dashboard=false",
                "--include-log-monitor=false",
                f"--temp-dir={self.folder}",
            ]
            if number == 0
            else [f"--address={self.address}"]
        )
        offer = [f'--resources={{"fix-issue": {slots}}}', "--num-cpus=0", "--object-store-memory=80000000"]
        own = self.folder / f"node-{number}"
        own.mkdir(parents=True)
        process = subprocess.Popen(
            [RAY, "start", "--block", "--node-ip-address=127.0.0.1", "--disable-usage-stats", *role, *offer],
            env={**os.environ, **PATIENCE, **_folders(own), **variables},
            stdout=(own / "ray.log").open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=own,
        )
        self.processes.append(process)
        return process

    def kill(self, number: int) -> None:
        """Kill everything of a node at once, as a power cut would."""
        for pid in tree(self.processes[number].pid):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue
        self.processes[number].wait()


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except OSError:
                continue
    return found


@contextmanager
def ray_cluster(
    folder: Path, slots: Sequence[int], nodes: Sequence[Mapping[str, str]], port: int = 0
) -> Iterator[Cluster]:
    """A cluster for the length of a block.

    Args:
        folder: short, as the paths of sockets are bounded.
        slots: of each node, the head first.
        nodes: variables of each node's environment.
        port: of the head; 0 for a free one.
    """
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
        port = free.getsockname()[1]
    cluster = Cluster(folder, port)
    try:
        for offered, variables in zip(slots, nodes, strict=True):
            cluster.start(offered, **variables)
            _wait_for(cluster)
        yield cluster
    finally:
        for number, process in reversed(list(enumerate(cluster.processes))):
            if process.poll() is None:
                cluster.kill(number)


def _wait_for(cluster: Cluster) -> None:
    """Until the head answers."""
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", cluster.port), timeout=1).close()
        except OSError:
            if cluster.processes[0].poll() is not None:
                raise
            subprocess.run(["sleep", "0.1"], check=True)
        else:
            return


def _folders(own: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(own / "state"), "XDG_CACHE_HOME": str(own / "cache")}
