"""A batch on a Ray cluster of three nodes whose nodes and head are killed, with a provider that limits now and then.

    python benchmarks/ray_faults.py [--instances 200] [--slots 2] [--local]

Each node is a `ray start` of its own with its own folders and key. A node is killed with SIGKILL (all its processes at
once, as by a power cut) when a fifth, and another when two fifths of the instances have ended; each comes back. The
head is killed at three fifths: the command has to end within 60 s with a hint, the cluster is started again, and the
same command goes on. One answer in twenty of the provider is a 429. The provider counts what it charges by itself. Runs
are in the local sandbox, so that no engine is needed. With `--local` the same instances run once more in one process,
and both ledgers are compared but for times and costs. Printed: what was kept, JSON.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

import batch_world as world
from openai_server import Behaviour, OpenAIServer
from priced_provider import INPUT, MODEL, OUTPUT, write_models
from ray_cluster import Cluster, ray_cluster

from sweagent.batch.drive.outcomes import read_results
from sweagent.trajectory import ReplyReceived
from sweagent.trajectory_file import read_events

KEY = "canary-key-of-the-driver-0123456789"
EACH = 0.5
"""US dollars that an instance may cost."""
LIMIT = 110.0
"""US dollars of the batch, for 200 instances of at most 0.5; what they really need is far less."""


class Provider:
    """Answers, limits one call in twenty, and counts what it charges."""

    def __init__(self) -> None:
        self._random = random.Random(7)
        self._lock = threading.Lock()
        self.charged = 0.0
        self.limited = 0

    def __call__(self, request: dict[str, Any]) -> Behaviour:
        """One answer."""
        with self._lock:
            if self._random.random() < 0.05:
                self.limited += 1
                return Behaviour(status=429, body=b'{"error": {"message": "slow down"}}', headers={"Retry-After": "1"})
            self.charged += (100 * INPUT + 10 * OUTPUT) / 1e6
        return world.solving(request)


def main() -> None:
    """Make the world, play the faults, look at what is left."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--instances", type=int, default=200)
    parser.add_argument("--slots", type=int, default=2, help="of each of the three nodes")
    parser.add_argument("--local", action="store_true", help="compare with a run in one process")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="rf-", dir="/tmp"))
    try:
        play(folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def play(folder: Path, options: argparse.Namespace) -> None:
    """One trial."""
    files = world.PLAIN | {"go.mod": "module shapes\n"}
    base = world.make_repository(folder / "clones" / "acme" / "shapes", files)
    rows = [world.record(number, folder, base, repo="acme/shapes") for number in range(options.instances)]
    data = world.write_data(folder / "data.jsonl", rows)
    models = str(write_models(folder))
    node = {
        "FIX_ISSUE_NODE_REPOSITORIES": str(folder / "clones"),
        "FIX_ISSUE_MODELS": models,
        "OPENAI_API_KEY": "none",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    provider = Provider()
    figures: dict[str, Any] = {"instances": options.instances, "nodes": 3, "slots": 3 * options.slots}
    with OpenAIServer(default=provider) as server:
        settings = folder / "settings.yaml"
        settings.write_text(
            f"model: {{name: {MODEL}, api_base: '{server.url}', retries: 6, max_output_tokens: 1500}}\n"
            f"limits: {{cost: {EACH}}}\nsandbox: {{kind: local}}\nverify: {{rounds: 0, seconds: 20}}\nhints: false\n"
        )
        command = [sys.executable, "-m", "sweagent", "batch", str(data), "--config", str(settings)]
        environment = {**os.environ, "OPENAI_API_KEY": KEY, "FIX_ISSUE_MODELS": models}
        far = [*command, "-o", str(folder / "out"), "--total-cost", str(LIMIT), "--lost-after", "20"]
        began = time.monotonic()
        with ray_cluster(folder / "ray", [options.slots] * 3, [node] * 3) as cluster:
            process = start([*far, "--executor", f"ray:{cluster.address}"], environment, folder / "first.log")
            figures["head_killed"] = faults(cluster, process, folder, options, node)
            figures["ended_at_head_s_death"] = ended(folder)
        port = cluster.port
        with ray_cluster(folder / "again", [options.slots] * 3, [node] * 3, port=port) as cluster:
            process = start([*far, "--executor", f"ray:{cluster.address}"], environment, folder / "second.log")
            figures["exit_code"] = process.wait(3000)
        figures["seconds"] = round(time.monotonic() - began)
        figures |= looked_at(folder, provider)
        figures["calls"] = len(server.requests)
        if options.local:
            repositories = ["--repositories", str(folder / "clones")]
            here = [*command, "-o", str(folder / "here"), *repositories, "-w", str(3 * options.slots)]
            start(here, environment, folder / "here.log").wait(3000)
            figures["ledger_equals_local"] = comparable(folder / "out") == comparable(folder / "here")
    print(json.dumps(figures, indent=1))


def start(command: list[str], environment: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    """Start the driver."""
    with log.open("wb") as file:
        return subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT, cwd=log.parent)


def faults(
    cluster: Cluster,
    process: "subprocess.Popen[bytes]",
    folder: Path,
    options: argparse.Namespace,
    node: dict[str, str],
) -> dict[str, Any]:
    """Kill two nodes and then the head; how the command ended."""
    for share, number in ((0.2, 1), (0.4, 2)):
        wait_for(process, folder, share * options.instances)
        cluster.kill(number)
        print(f"killed node {number} with {ended(folder)} ended", file=sys.stderr, flush=True)
        cluster.start(options.slots, **node)
    wait_for(process, folder, 0.6 * options.instances)
    cluster.kill(0)
    killed = time.monotonic()
    print(f"killed the head with {ended(folder)} ended", file=sys.stderr, flush=True)
    code = process.wait(300)
    said = (folder / "first.log").read_text(errors="replace")
    return {
        "seconds_to_the_end": round(time.monotonic() - killed, 1),
        "exit_code": code,
        "hint": "same command again" in said,
    }


def wait_for(process: "subprocess.Popen[bytes]", folder: Path, number: float) -> None:
    """Until so many have ended."""
    while ended(folder) < number:
        if process.poll() is not None:
            sys.exit((folder / "first.log").read_text(errors="replace")[-3000:])
        time.sleep(0.5)


def ended(folder: Path) -> int:
    """Instances that have ended."""
    try:
        return (folder / "out" / "results.jsonl").read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def looked_at(folder: Path, provider: Provider) -> dict[str, Any]:
    """What the batch's folder and the provider say."""
    results = read_results(folder / "out")
    lines = ended(folder)
    own = sum(f"# {name.rpartition('-')[2]}\n" in result.patch for name, result in results.items())
    steps = [
        [event.step for event in read_events(log) if isinstance(event, ReplyReceived)]
        for log in (folder / "out").glob("*/run-*/trajectory.jsonl")
    ]
    found = subprocess.run(["grep", "-rlF", KEY, str(folder)], capture_output=True, text=True, check=False).stdout
    return {
        "ended": len(results),
        "results_written": lines,
        "with_their_own_patch": own,
        "outcomes": sorted({str(result.outcome) for result in results.values()}),
        "runs_with_a_step_twice": sum(len(set(run)) != len(run) for run in steps),
        "charged_by_the_provider": round(provider.charged, 4),
        "counted_by_the_batch": round(sum(result.cost or 0.0 for result in results.values()), 4),
        "limit": LIMIT,
        "answers_429": provider.limited,
        "files_with_the_key": found.split(),
        "folders_of_nodes_left": len(list(folder.glob("again/node-*/state/fix-issue/nodes/node-*"))),
    }


def comparable(output: Path) -> list[dict[str, Any]]:
    """A ledger but for times, costs and what faults on the way added."""
    left_out = {"ended", "seconds", "folder_bytes", "cost", "usage", "starts", "faults"}
    return [result.model_dump(mode="json", exclude=left_out) for result in read_results(output).values()]


if __name__ == "__main__":
    main()
