"""What an executor adds to an instance: the same scripted instances in one process, behind a pipe, and under Ray.

    python benchmarks/executor_overhead.py [--instances 20] [--slots 2] [--rounds 2] [--ray]

Each instance has three scripted replies and no test to verify, in the local sandbox. The ways take turns. Printed for
each: seconds and processor seconds (driver and nodes; of Ray the driver's and the bridge's only) an instance, without
the start of the nodes: counted from the first event of a run to the last.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

from node_world import instances, node_command, run, script, settings
from ray_cluster import ray_cluster

from sweagent.batch.nodes.pipe import PipeExecutor
from sweagent.batch.nodes.ray_cluster import RayExecutor
from sweagent.trajectory_file import read_events


def main() -> None:
    """Let the ways take turns."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--instances", type=int, default=20)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--ray", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="eo-", dir="/tmp"))
    os.environ |= {"XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache")}
    try:
        measure(folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Print a line for each way and round, then the medians."""
    rows, using = instances(folder, options.instances), settings("", policy=script(folder))
    node = node_command(folder, "--slots", str(options.slots))
    found: dict[str, list[float]] = {}

    def one(way: str, number: int, executor: Any, **more: Any) -> None:
        before = used()
        run(folder / f"{way}-{number}", rows, using, executor, workers=options.slots, patience=300.0, **more)
        figures = {"way": way, "seconds": span(folder / f"{way}-{number}") / options.instances}
        figures["cpu"] = (used() - before) / options.instances
        print(json.dumps(figures), flush=True)
        found.setdefault(way, []).append(float(figures["seconds"]))

    for number in range(options.rounds):
        one("local", number, None, repositories=folder / "clones")
        one("pipe", number, PipeExecutor([node]), silence=60.0)
    if options.ray:
        own = {"FIX_ISSUE_NODE_REPOSITORIES": str(folder / "clones"), "OPENAI_API_KEY": "none"}
        with ray_cluster(folder / "ray", [options.slots], [own]) as cluster:
            for number in range(options.rounds):
                one("ray", number, RayExecutor(cluster.address), silence=60.0)
    print(json.dumps({way: round(statistics.median(seconds), 3) for way, seconds in found.items()}))


def used() -> float:
    """Processor seconds of this process and of those that it has waited for."""
    kinds = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(kind.ru_utime + kind.ru_stime for kind in kinds)


def span(output: Path) -> float:
    """Seconds from the first event of any run to the last."""
    times = [event.time for log in output.glob("*/run-1/trajectory.jsonl") for event in read_events(log)]
    return (max(times) - min(times)).total_seconds()


if __name__ == "__main__":
    main()
