"""How long until a container takes its first command, and until it is gone: beside `docker run` and `docker rm -f`.

python benchmarks/container_life.py --image IMAGE [--rounds 7]
"""

import argparse
import statistics
import subprocess
import time

from sweagent.config import SandboxSettings
from sweagent.sandbox import open_sandbox


def ours(image: str) -> tuple[float, float]:
    """Seconds to the end of the first command, and to the end of the container."""
    start = time.perf_counter()
    sandbox = open_sandbox(SandboxSettings(kind="docker", image=image), run_id="benchmark")
    sandbox.run("true")
    ready = time.perf_counter()
    sandbox.close()
    return ready - start, time.perf_counter() - ready


def plain(image: str) -> tuple[float, float]:
    """The same with the engine's own command line: a container, one command in it at its start, and its removal."""
    start = time.perf_counter()
    command = ["docker", "run", "-d", "--network", "none", image, "sleep", "3600"]
    container = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    ready = time.perf_counter()
    subprocess.run(["docker", "rm", "-f", container], capture_output=True, check=True)
    return ready - start, time.perf_counter() - ready


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    ours(options.image), plain(options.image)
    rounds = [(ours(options.image), plain(options.image)) for _ in range(options.rounds)]
    for place, name in enumerate(("ready", "gone")):
        mine = statistics.median(own[place] for own, _ in rounds)
        theirs = statistics.median(other[place] for _, other in rounds)
        print(f"{name:6} fix-issue {mine:.3f} s, docker {theirs:.3f} s, {mine / theirs:.2f}x")


if __name__ == "__main__":
    main()
