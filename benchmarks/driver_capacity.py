"""What the driver of a batch bears: very many synthetic instances, nodes that answer at once.

    python benchmarks/driver_capacity.py [--instances 50000] [--slots 1000]

The data set is written as JSON lines with problem statements, patches and lists of tests of the usual sizes. The nodes
are in this process and do nothing: each job reports lines of a trajectory, waits until the last is on disk, and ends
with a patch of 2 KB. Printed: seconds to the first job, of the whole batch, jobs a second, the highest
memory, then the same for a start that finds everything done, and seconds of the report. From the jobs a second and a
given service time follows, by arithmetic and not by measurement, how many slots the driver can keep busy.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sweagent.batch.data.instances import load_instances
from sweagent.batch.drive.batch_settings import BatchSettings
from sweagent.batch.drive.driver import Batch
from sweagent.batch.drive.manifest import Manifest
from sweagent.batch.nodes.messages import Ended, Job, Order, Ready, Report, Setup, Stored, Written
from sweagent.settings_sources import read_sources

PATCH = "diff --git a/a.py b/a.py\n" + "+a line of a patch of the usual length, forty bytes or more\n" * 34
EVENT = json.dumps({"time": "2026-01-01T00:00:00Z", "type": "action_done", "text": "x" * 900}) + "\n"


class Instant:
    """Nodes that end each job at once; see `Executor`."""

    remote = True

    def __init__(self, slots: int, lines: int) -> None:
        self._slots = slots
        self._lines = lines
        self._reports: deque[tuple[str, Report]] = deque()
        self._held: dict[str, list[tuple[str, Report]]] = {}
        self.first: float | None = None
        self.acknowledged = 0

    def open(self, setup: Setup) -> None:
        """Ten nodes."""
        for number in range(10):
            self._reports.append((f"node-{number}", Ready(host="here", slots=self._slots // 10)))

    def send(self, node: str, order: Order) -> None:
        """Do a job."""
        if isinstance(order, Stored):
            self.acknowledged += 1
            self._reports += self._held.pop(order.name)
        if not isinstance(order, Job):
            return
        self.first = self.first or time.monotonic()
        base = {"name": order.name, "epoch": order.epoch}
        lines: list[tuple[str, Report]] = []
        for number in range(self._lines):
            last = number == self._lines - 1
            line = Written(**base, number=number, path="run-1/trajectory.jsonl", text=EVENT, append=True, wait=last)
            lines.append((node, line))
        self._reports += lines
        result: dict[str, Any] = {
            "instance_id": order.name,
            "repo": "acme/tool",
            "exit_status": "submitted",
            "verdict": "verified",
            "patch": PATCH,
            "model": "m",
            "cost": 0.1,
            "ended": datetime.now(UTC).isoformat(),
        }
        self._held[order.name] = [(node, Ended(**base, payload=result))]

    def events(self, timeout: float) -> list[tuple[str, Report]]:
        """All that there is, some at a time."""
        return [self._reports.popleft() for _ in range(min(2000, len(self._reports)))]

    def drop(self, node: str) -> None:
        """Nothing."""

    def close(self, *, wait: bool) -> None:
        """Nothing."""


def write_data(path: Path, total: int) -> None:
    """Records of the usual sizes: 6 KB of tests, 2 KB of issue, 4 KB of patches."""
    tests = json.dumps([f"tests/test_module.py::test_number_{number}" for number in range(150)])
    with path.open("w", encoding="utf-8") as file:
        for number in range(total):
            row = {
                "instance_id": f"acme__tool-{number}",
                "repo": f"acme/tool{number % 40}",
                "base_commit": "1" * 40,
                "problem_statement": f"It breaks, {number}\n\n" + "word " * 400,
                "patch": PATCH,
                "test_patch": PATCH,
                "FAIL_TO_PASS": '["tests/test_module.py::test_new"]',
                "PASS_TO_PASS": tests,
                "version": "1.0",
            }
            file.write(json.dumps(row) + "\n")


def one_start(folder: Path, slots: int, lines: int) -> None:
    """Start the batch in this process, and print figures."""
    begun = time.monotonic()
    settings = read_sources({"policy": str(folder / "script.json"), "limits": {"cost": 1.0}}).settings()
    instances = load_instances(str(folder / "data.jsonl"), oracle=False)
    loaded = time.monotonic()
    nodes = Instant(slots, lines)
    batch = Batch(
        instances,
        settings,
        BatchSettings(cost=1e6, images="own"),
        folder / "out",
        manifest=Manifest(data="synthetic"),
        executor=nodes,
    )
    summary = batch.run(lambda: batch.board.snapshot())
    ended = time.monotonic()
    done = sum(summary.outcomes.values())
    figures = {
        "seconds_to_load": round(loaded - begun, 1),
        "seconds_to_first_job": round(nodes.first - begun, 1) if nodes.first else None,
        "seconds": round(ended - begun, 1),
        "cpu_seconds": round(time.process_time(), 1),
        "jobs_a_second": round(done / (ended - nodes.first)) if nodes.first else None,
        "acknowledged": nodes.acknowledged,
        "ended": done,
        "cost": round(summary.cost or 0),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }
    print(json.dumps(figures), flush=True)


def main() -> None:
    """Write the data, start twice, report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--instances", type=int, default=50_000)
    parser.add_argument("--slots", type=int, default=1000)
    parser.add_argument("--lines", type=int, default=20, help="of each trajectory")
    parser.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:
        one_start(options.folder, options.slots, options.lines)
        return
    folder = Path(tempfile.mkdtemp(prefix="driver-capacity-"))
    try:
        write_data(folder / "data.jsonl", options.instances)
        (folder / "script.json").write_text('[{"actions": [{"submit": {"summary": "x"}}]}]')
        again = [
            sys.executable,
            __file__,
            "--in",
            str(folder),
            "--slots",
            str(options.slots),
            "--lines",
            str(options.lines),
        ]
        for _ in range(2):
            subprocess.run(again, check=True)
        report = [sys.executable, "-m", "sweagent", "report", str(folder / "out"), "--markdown", str(folder / "r.md")]
        begun = time.monotonic()
        subprocess.run([*report, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(json.dumps({"report_seconds": round(time.monotonic() - begun, 1), "most_mb": usage.ru_maxrss >> 10}))
        print(json.dumps({"ledger_mb": (folder / "out" / "results.jsonl").stat().st_size >> 20}))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
