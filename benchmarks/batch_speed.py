"""The batch runner beside mini-swe-agent's: an instant model over HTTP, the same image, instances and workers.

    python benchmarks/batch_speed.py IMAGE SCRATCH [--mini PYTHON] [--instances 20] [--workers 8] [--rounds 2]

IMAGE needs git and Python; PYTHON is the interpreter of an environment with mini-swe-agent. Each program gets three
replies an instance: look, edit, submit. The two take turns, so that a busy machine slows both. Printed for each round:
instances a minute, the highest memory of all processes together, and containers that are there when the program ends.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

import batch_world as world
from openai_server import Behaviour, OpenAIServer, answer, call, completion

TESTBED = "fix-issue-benchmark:testbed"
SUBMIT = "git diff > patch.txt && echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat patch.txt"


def main() -> None:
    """Read the command line, and let the programs take turns."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("image")
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--mini", type=Path)
    parser.add_argument("--instances", type=int, default=20)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    shutil.rmtree(options.scratch, ignore_errors=True)
    base = world.make_repository(options.scratch / "shapes")
    make_image(options.image, options.scratch / "shapes")
    fields = {"image": TESTBED, "image_name": TESTBED, "version": "1"}
    records = [world.record(number, options.scratch / "shapes", base, **fields) for number in range(options.instances)]
    (options.scratch / "data").mkdir()
    data = world.write_data(options.scratch / "data" / "test.jsonl", records)
    try:
        for number in range(options.rounds):
            for program in ("fix-issue", *(["mini-swe-agent"] if options.mini else [])):
                output = options.scratch / f"{program}-{number}"
                with OpenAIServer(default=playing) as server:
                    if program == "fix-issue":
                        command = world.batch_command(data, output, server, "-w", str(options.workers))
                    else:
                        command = mini_command(options, data.parent, output, server)
                    print(json.dumps({"program": program, "round": number, **measured(command, options, output)}))
    finally:
        subprocess.run(["docker", "rmi", "-f", TESTBED], check=False, stdout=subprocess.DEVNULL)


def make_image(base: str, repository: Path) -> None:
    """An image with the repository at /testbed, as the official ones have it."""
    made = subprocess.run(["docker", "create", base, "true"], check=True, capture_output=True, text=True).stdout.strip()
    try:
        subprocess.run(["docker", "cp", f"{repository}/.", f"{made}:/testbed"], check=True)
        change = "WORKDIR /testbed"
        subprocess.run(["docker", "commit", "--change", change, made, TESTBED], check=True, stdout=subprocess.DEVNULL)
    finally:
        subprocess.run(["docker", "rm", "-f", made], check=True, stdout=subprocess.DEVNULL)


def mini_command(options: argparse.Namespace, data: Path, output: Path, server: OpenAIServer) -> list[str]:
    """mini-swe-agent's runner with its own configuration for SWE-bench, pointed at the server."""
    settings = [
        "swebench.yaml",
        f"model.model_kwargs.api_base={server.url}",
        "model.cost_tracking=ignore_errors",
    ]
    command = [str(options.mini), "-m", "minisweagent.run.benchmarks.swebench", "--subset", str(data)]
    command += ["--split", "test", "-o", str(output), "-w", str(options.workers), "-m", "openai/test"]
    return [*command, *(part for setting in settings for part in ("-c", setting))]


def playing(request: dict[str, Any]) -> Behaviour:
    """Look, edit, submit: by the tools of whichever program asks."""
    number, step = world.report_of(request), world.step_of(request)
    tools = {tool["function"]["name"] for tool in request.get("tools", ())}
    commands = ["cat shapes.py", f"sed -i 's/width + height$/width * height  # {number}/' shapes.py"]
    if step < len(commands):
        return answer(completion("next", [call("bash", {"command": commands[step]}, f"call_{step}")]))
    if "submit" in tools:
        return answer(completion("done", [call("submit", {"summary": "x"}, f"call_{step}")]))
    return answer(completion("done", [call("bash", {"command": SUBMIT}, f"call_{step}")]))


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
    predictions = json.loads((output / "preds.json").read_text()) if (output / "preds.json").exists() else {}
    solved = sum("width * height" in (item["model_patch"] or "") for item in predictions.values())
    return {
        "instances_a_minute": round(60 * options.instances / seconds, 1),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(now.children_user + now.children_system - spent.children_user - spent.children_system, 1),
        "patches": solved,
        "memory_mb": highest[0] >> 20,
        "containers_left": left,
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
    """A process and all below it."""
    found = [pid]
    for parent in found:
        try:
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        except OSError:
            continue
    return found


def resident(pid: int) -> int:
    """Bytes of a process in memory, its share of what it shares with others."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    except (OSError, StopIteration):
        return 0


if __name__ == "__main__":
    main()
