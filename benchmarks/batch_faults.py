"""A batch of synthetic instances under injected faults: does each run exactly once, and is nothing left behind?

    python benchmarks/batch_faults.py IMAGE SCRATCH [--instances 500] [--workers 8] [--own-engine] [--small-disk]

IMAGE needs git; every ten instances have an image of their own that is made of it and pulled from a registry on this
machine, within a limit of disk. Spread over the batch come: five kills of the whole batch by SIGKILL; an engine that
ends all connections and is gone for seconds, as in a restart; an engine that cannot make containers; containers that
are removed; a registry that fails; a provider that limits or fails. With --own-engine (as root) an engine is started
for the batch, and really restarted and killed in the middle of it. With --small-disk (as root) the batch's folder is a
file system of its own that is filled up for a while. Printed at the end: what was injected, the highest use of memory
and disk, and what was found wrong: nothing, one hopes.
"""

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

import batch_world as world
from batch_speed import watch_memory
from engine_proxy import EngineProxy
from image_registry import ImageRegistry
from openai_server import Behaviour, OpenAIServer, failure
from own_engine import OwnEngine, listed

from sweagent.batch.data.predictions import read_predictions
from sweagent.batch.drive.outcomes import Outcome, read_results

KILLS = 5
RESTARTS = 4
DISK = 64 << 20
SHARE = 10
"""Instances that have the same image."""

ROOM = 4
"""Images that the limit has room for, besides what all of them share."""

LAYER = 1 << 20
"""Bytes of what an image has for itself."""


def main() -> None:
    """Read the command line, run the batch to its end, report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("image")
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--instances", type=int, default=500)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--own-engine", action="store_true")
    parser.add_argument("--small-disk", action="store_true")
    options = parser.parse_args()
    shutil.rmtree(options.scratch, ignore_errors=True)
    base = world.make_repository(options.scratch / "shapes", world.PLAIN)
    output = options.scratch / "out"
    output.mkdir()
    if options.small_disk:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(output)], check=True)
    layer = exported(options.image)
    options.disk = len(layer) + ROOM * LAYER
    try:
        with (
            OwnEngine() if options.own_engine else nullcontext() as restarted,
            ImageRegistry() as registry,
            EngineProxy(options.scratch / "engine.sock") as engine,
            OpenAIServer() as server,
        ):
            for number in range(-(-options.instances // SHARE)):
                registry.add(f"shapes-{number}", [random.randbytes(LAYER)], base=layer)
            records = [
                world.record(number, options.scratch / "shapes", base, image=registry.names[number // SHARE])
                for number in range(options.instances)
            ]
            data = world.write_data(options.scratch / "data.jsonl", records)
            try:
                print(json.dumps(Trial(options, data, output, engine, server, registry, restarted).run(), indent=1))
            finally:
                remove(registry.names)
    finally:
        if options.small_disk:
            subprocess.run(["umount", "-l", str(output)], check=True)


def exported(image: str) -> bytes:
    """The files of an image as one archive."""
    made = subprocess.run(
        ["docker", "create", image, "true"], check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        return subprocess.run(["docker", "export", made], check=True, capture_output=True).stdout
    finally:
        subprocess.run(["docker", "rm", made], check=True, stdout=subprocess.DEVNULL)


def present(names: list[str]) -> list[str]:
    """Those of the images that the engine has."""
    there = set(listed("images", "--format", "{{.Repository}}:{{.Tag}}"))
    return [name for name in names if name in there]


def remove(names: list[str]) -> None:
    """Remove what the engine has of the images."""
    left = present(names)
    if left:
        subprocess.run(["docker", "rmi", "-f", *left], check=True, stdout=subprocess.DEVNULL)


class Trial:
    """One batch with its faults, each at a request to the model whose number was drawn before."""

    def __init__(
        self,
        options: argparse.Namespace,
        data: Path,
        output: Path,
        engine: EngineProxy,
        server: OpenAIServer,
        registry: ImageRegistry,
        restarted: OwnEngine | None,
    ) -> None:
        self._options, self._output, self._engine, self._server = options, output, engine, server
        self._registry, self._restarted = registry, restarted
        chosen = ("--images", "official", "--disk", str(options.disk), "-w", str(options.workers))
        self._command = world.batch_command(data, output, server, *chosen)
        self._memory = [0]
        self._images = [0]
        self._process: subprocess.Popen[bytes] | None = None
        self._pids: list[int] = []
        self._injected: Counter[str] = Counter()
        self._wrong: list[str] = []
        self._lock = threading.Lock()
        self._moments = self._plan()
        self._count = 0
        server.default = self._answer

    def _plan(self) -> dict[int, Callable[[], Behaviour | None]]:
        requests = 2 * self._options.instances
        plan: dict[int, Callable[[], Behaviour | None]] = {}
        draw = random.Random(1)
        kinds: list[tuple[Callable[[], Behaviour | None], int]] = [
            (self._cut, max(1, requests // 250)),
            (self._refuse, max(1, requests // 100)),
            (self._kill_container, max(1, requests // 100)),
            (self._refuse_pulls, max(1, requests // 200)),
            (lambda: self._fail(429), max(1, requests // 50)),
            (lambda: self._fail(503), max(1, requests // 50)),
        ]
        for act, times in kinds:
            for _ in range(times):
                plan[draw.randrange(2, requests)] = act
        for number in range(RESTARTS if self._restarted else 0):
            plan[requests * (2 * number + 1) // (2 * RESTARTS)] = self._restart
        if self._options.small_disk:
            plan[requests // 2 + requests // (4 * KILLS)] = self._fill_disk
        return plan | {requests * number // (KILLS + 1): self._kill for number in range(1, KILLS + 1)}

    def run(self) -> dict[str, Any]:
        """Start the batch until it ends by itself, and look at everything after each end."""
        started = time.monotonic()
        while True:
            finished = set(read_results(self._output))
            before = world.asked(self._server)
            environment = world.batch_environment(DOCKER_HOST=self._engine.url)
            self._process = subprocess.Popen(self._command, env=environment, stderr=subprocess.PIPE)
            self._pids.append(self._process.pid)
            for watch, highest in ((watch_memory, self._memory), (self._watch_images, self._images)):
                threading.Thread(target=watch, args=(self._process, highest), daemon=True).start()
            said = self._process.communicate()[1].decode("utf-8", "replace")
            self._look(finished, before)
            if self._process.returncode >= 0:
                break
        stored = sum(file.stat().st_size for file in self._output.rglob("*") if file.is_file())
        results = read_results(self._output)
        if self._process.returncode != 0:
            self._wrong.append(f"the batch ended with {self._process.returncode}: {said[-300:]}")
        self._compare(results)
        return {
            "instances": self._options.instances,
            "seconds": round(time.monotonic() - started),
            "injected": dict(self._injected),
            "outcomes": Counter(result.outcome.value for result in results.values()),
            "faults_recorded": sum(len(result.faults) for result in results.values()),
            "started_more_than_once": sum(result.starts > 1 for result in results.values()),
            "bytes_on_disk": stored,
            "images_at_once": self._images[0],
            "memory_mb": self._memory[0] >> 20,
            "wrong": self._wrong,
        }

    def _look(self, finished: set[str], before: Counter[tuple[int, int]]) -> None:
        """Nothing torn, no container left, and nothing that had ended was run again."""
        for file in self._output.rglob("*.json"):
            try:
                json.loads(file.read_text(encoding="utf-8"))
            except ValueError:
                self._wrong.append(f"torn: {file}")
        filters = [f"label=fix-issue.pid={pid}" for pid in self._pids]
        filters += [f"ancestor={name}" for name in present(self._registry.names)]
        for chosen in filters:
            left = listed("ps", "-a", "-q", "--filter", chosen)
            self._wrong += [f"container left ({chosen}): {name}" for name in left]
        now = world.asked(self._server)
        for name in finished:
            number = int(name.rpartition("-")[2])
            if any(now[number, step] != before[number, step] for step in range(3)):
                self._wrong.append(f"run again: {name}")

    def _compare(self, results: dict[str, Any]) -> None:
        predictions = read_predictions(self._output)
        for number in range(self._options.instances):
            name = f"acme__shapes-{number}"
            if name not in results or results[name].outcome is not Outcome.UNGRADED:
                self._wrong.append(f"no patch of {name}")
            elif f"# {number}\n" not in predictions[name].model_patch:
                self._wrong.append(f"a patch of another instance: {name}")
            ends = [json.loads(file.read_text()) for file in (self._output / name).glob("run-*/result.json")]
            if [end["exit_status"] for end in ends].count("submitted") != 1:
                self._wrong.append(f"submitted other than once: {name}")

    def _answer(self, request: dict[str, Any]) -> Behaviour:
        with self._lock:
            self._count += 1
            act = self._moments.get(self._count)
        return (act() if act else None) or world.solving(request)

    def _kill(self) -> None:
        self._injected["SIGKILL of the batch"] += 1
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)

    def _cut(self) -> None:
        self._injected["engine gone for 4 s"] += 1
        self._engine.cut(4.0)

    def _restart(self) -> None:
        how, told = signal.SIGTERM, "engine restarted"
        if self._injected[told] > self._injected["engine killed and started again"]:
            how, told = signal.SIGKILL, "engine killed and started again"
        self._injected[told] += 1
        if self._restarted is not None:
            self._restarted.restart(how)

    def _refuse(self) -> None:
        self._injected["container cannot be made"] += 1
        self._engine.refuse("/containers/create", 1, "driver failed programming external connectivity")

    def _refuse_pulls(self) -> None:
        self._injected["registry fails"] += 1
        self._registry.failures += 2

    def _watch_images(self, process: "subprocess.Popen[bytes]", highest: list[int]) -> None:
        while process.poll() is None:
            highest[0] = max(highest[0], len(present(self._registry.names)))
            time.sleep(1.0)

    def _kill_container(self) -> None:
        running = listed("ps", "-q", "--filter", f"label=fix-issue.pid={self._pids[-1]}")
        if running:
            self._injected["container removed"] += 1
            subprocess.run(["docker", "rm", "-f", running[0]], check=False, capture_output=True)

    def _fail(self, status: int) -> Behaviour:
        self._injected[f"provider answers {status}"] += 1
        return failure(status, {"message": "slow down", "type": "rate_limit"}, {"Retry-After": "1"})

    def _fill_disk(self) -> None:
        self._injected["disk full for 5 s"] += 1
        filler = self._output / "filler"
        with filler.open("wb") as file:
            try:
                while True:
                    file.write(b"\0" * (1 << 20))
            except OSError:
                threading.Timer(5.0, filler.unlink).start()


if __name__ == "__main__":
    main()
