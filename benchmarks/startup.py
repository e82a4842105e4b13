"""How fast the command starts, what it loads, how large an installation is, and what a run takes of memory.

    python benchmarks/startup.py [--install] [--runs 8]

Prints JSON: `fix-issue --help` and a bare interpreter, taken in turn, with their ratio; with `--install` the size and
the number of packages of a fresh default installation; the proportional memory of one demo run, and of several at once.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROUNDS = 15
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--install", action="store_true", help="install into a fresh environment and weigh it")
    parser.add_argument("--runs", type=int, default=8, help="how many demo runs at once")
    options = parser.parse_args()
    figures: dict[str, object] = {"help": help_against_nothing()}
    if options.install:
        figures["installation"] = installation()
    figures["memory_mb"] = {"one run": memory(1), f"{options.runs} runs": memory(options.runs)}
    print(json.dumps(figures, indent=2))


def help_against_nothing() -> dict[str, float]:
    """Median milliseconds of both commands, and the median of their ratios round by round."""
    bare, helped = [], []
    for _ in range(ROUNDS):
        bare.append(seconds([sys.executable, "-c", "pass"]))
        helped.append(seconds([sys.executable, "-m", "sweagent", "--help"]))
    ratios = [ours / theirs for ours, theirs in zip(helped, bare, strict=True)]
    return {
        "python_ms": round(1000 * statistics.median(bare), 1),
        "help_ms": round(1000 * statistics.median(helped), 1),
        "ratio": round(statistics.median(ratios), 1),
    }


def seconds(command: list[str]) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def installation() -> dict[str, float]:
    """Megabytes and packages of a default installation."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/python", "-m", "pip"]
        subprocess.run([*pip, "install", "--quiet", str(ROOT)], check=True)
        listed = json.loads(subprocess.run([*pip, "list", "--format=json"], check=True, capture_output=True).stdout)
        size = sum(path.lstat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return {"mb": round(size / 1e6), "packages": len(listed)}


def memory(count: int) -> int:
    """The largest sum of proportional memory, in MB, of that many demo runs with all their processes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "sweagent", "demo", "--sandbox", "local", "--output"]
        runs = [
            subprocess.Popen([*command, f"{folder}/{n}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for n in range(count)
        ]
        largest = 0
        while any(run.poll() is None for run in runs):
            largest = max(largest, sum(proportional(run.pid) for run in runs))
            threading.Event().wait(0.2)
    return round(largest / 1000)


def proportional(pid: int) -> int:
    """Kilobytes of a process and its descendants; shared pages are shared out."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total = int(line.split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return total
    return total + sum(proportional(int(child)) for child in children)


if __name__ == "__main__":
    main()
