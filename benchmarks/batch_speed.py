"""The batch runner beside others: an instant model over HTTP, the same image, instances and workers.

    python benchmarks/batch_speed.py IMAGE SCRATCH [--mini PYTHON] [--swe-agent PYTHON --swerex FOLDER]
        [--instances 20] [--workers 8] [--rounds 2] [--only PROGRAM …]

IMAGE needs git and Python; each PYTHON is the interpreter of an environment with mini-swe-agent or SWE-agent, FOLDER is
swe-rex with all it needs, made by `pip install --target` for the image's Python. Each program gets three replies an
instance: look, edit, submit. The repository has no tests, so that this project's verifier has nothing to run and all do
the same work. The programs take turns, so that a busy machine slows all. Printed for each round: instances a minute,
the highest memory of all processes on the host together, and containers that are there when the program ends and ten
seconds later.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from batch_programs import PROGRAMS, Setting, make_image, playing, world
from openai_server import OpenAIServer

TESTBED = "fix-issue-benchmark:testbed"
LATER = 10.0
"""Seconds after which containers are counted once more."""


def main() -> None:
    """Read the command line, and let the programs take turns."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("image")
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--mini", type=Path)
    parser.add_argument("--swe-agent", type=Path)
    parser.add_argument("--swerex", type=Path)
    parser.add_argument("--instances", type=int, default=20)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=tuple(PROGRAMS), default=tuple(PROGRAMS))
    options = parser.parse_args()
    shutil.rmtree(options.scratch, ignore_errors=True)
    base = world.make_repository(options.scratch / "shapes", world.PLAIN)
    make_image(options.image, options.scratch / "shapes", base, TESTBED, options.swerex)
    setting = set_up(options, base)
    missing = {"mini-swe-agent", "SWE-agent"} - set(setting.pythons)
    try:
        for number in range(options.rounds):
            for program in options.only:
                if program in missing:
                    continue
                output = options.scratch / f"{re.sub('[^a-zA-Z]+', '-', program)}-{number}"
                with OpenAIServer(default=playing) as server:
                    command = PROGRAMS[program](setting, output, server)
                    figures = measured(command, options, output)
                print(json.dumps({"program": program, "round": number, **figures}), flush=True)
    finally:
        subprocess.run(["docker", "rmi", "-f", TESTBED], check=False, stdout=subprocess.DEVNULL)


def set_up(options: argparse.Namespace, base: str) -> Setting:
    """Write the instances, and say where everything is."""
    fields = {"image": TESTBED, "image_name": TESTBED, "version": "1"}
    records = [world.record(number, options.scratch / "shapes", base, **fields) for number in range(options.instances)]
    (options.scratch / "data").mkdir()
    data = world.write_data(options.scratch / "data" / "test.jsonl", records)
    pythons = {"mini-swe-agent": options.mini, "SWE-agent": options.swe_agent}
    given = {name: python for name, python in pythons.items() if python}
    return Setting(options.scratch, TESTBED, records, data, options.workers, given)


def measured(command: list[str], options: argparse.Namespace, output: Path) -> dict[str, Any]:
    """Run a program and measure it."""
    environment = world.batch_environment(MSWEA_CONFIGURED="true", HF_HUB_OFFLINE="1")
    before = containers()
    started, spent = time.monotonic(), os.times()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=options.scratch
    )
    highest = [0]
    watcher = threading.Thread(target=watch_memory, args=(process, highest))
    watcher.start()
    problem = process.communicate()[1].decode("utf-8", "replace")[-400:]
    seconds = time.monotonic() - started
    left = len(containers() - before)
    watcher.join()
    now = os.times()
    later = 0
    if left:
        time.sleep(LATER)
        later = len(containers() - before)
    predictions = json.loads((output / "preds.json").read_text()) if (output / "preds.json").exists() else {}
    solved = sum("width * height" in (item["model_patch"] or "") for item in predictions.values())
    return {
        "instances_a_minute": round(60 * options.instances / seconds, 1),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(now.children_user + now.children_system - spent.children_user - spent.children_system, 1),
        "patches": solved,
        "memory_mb": highest[0] >> 20,
        "containers_left": left,
        "containers_left_later": later,
        **({"problem": problem} if process.returncode else {}),
    }


def containers() -> set[str]:
    """All containers of the benchmark's image, running or not."""
    listed = ["docker", "ps", "-a", "-q", "--filter", f"ancestor={TESTBED}"]
    return set(subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split())


def watch_memory(process: "subprocess.Popen[bytes]", highest: list[int]) -> None:
    """Keep the highest sum of resident memory of a process and all below it."""
    while process.poll() is None:
        highest[0] = max(highest[0], sum(map(resident, tree(process.pid))))
        time.sleep(0.25)


def tree(pid: int) -> list[int]:
    """A process and all below it.

    A child that has not started its own program yet is left out: it runs on its parent's memory, which would be counted
    once more.
    """
    found = [pid]
    for parent in found:
        try:
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                below = map(int, children.read_text().split())
                found += [child for child in below if command_of(child) != command_of(parent)]
        except OSError:
            continue
    return found


def command_of(pid: int) -> bytes:
    """The words that a process was started with; none when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def resident(pid: int) -> int:
    """Bytes of a process in memory, its share of what it shares with others."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    except (OSError, StopIteration):
        return 0


if __name__ == "__main__":
    main()
