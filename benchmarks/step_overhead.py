"""What a step costs besides the command itself: this project's channel beside `docker exec` and a raw pipe.

    python benchmarks/step_overhead.py --image IMAGE [--steps 1000]

For each way and each command: the median over alternating rounds, so that the machine's mood hits all alike. A step of
this project includes the trajectory's two events, each on disk before the next begins. Then 1,000 steps of `true`, the
medians of the first and the last hundred side by side.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sweagent.config import SandboxSettings
from sweagent.sandbox import Sandbox, open_sandbox
from sweagent.trajectory import Action, ActionDone, Observation, Reply, ReplyReceived
from sweagent.trajectory_file import TrajectoryWriter

COMMANDS = {
    "true": "true",
    "view": "sed -n '1,100p' /tmp/view.txt",
    "1 MB": "cat /tmp/megabyte.txt",
}
PREPARE = "seq 1 400 >/tmp/view.txt; i=0; while [ $i -lt 10000 ]; do echo {}; i=$((i+1)); done >/tmp/megabyte.txt"
END = b"--end-of-output--\n"


class Pipe:
    """The floor: one shell in the container, commands in, output out, no care at all."""

    def __init__(self, container: str) -> None:
        self._process = subprocess.Popen(
            ["docker", "exec", "-i", container, "sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )

    def run(self, command: str) -> None:
        """Run a command and read to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}; echo {END.decode().strip()}\n".encode())
        held = b""
        while not held.endswith(END):
            held = (held + self._process.stdout.read(1 << 18))[-1000:]

    def close(self) -> None:
        """End the shell."""
        self._process.communicate()


class Recorded:
    """A step as the loop makes it: reply logged, command run, observation logged."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox = sandbox
        self._writer = TrajectoryWriter(folder / "trajectory.jsonl")
        self._step = 0

    def run(self, command: str) -> None:
        """One step."""
        self._step += 1
        action = Action(id=str(self._step), tool="bash", arguments={"command": command})
        self._writer.append(ReplyReceived(step=self._step, reply=Reply(thought="next", actions=(action,))))
        done = self._sandbox.run(command)
        observation = Observation(text=done.output, exit_code=done.exit_code, truncated=done.truncated)
        self._writer.append(ActionDone(step=self._step, action_id=action.id, observation=observation))

    def close(self) -> None:
        """Close the log."""
        self._writer.close()


def docker_exec(container: str) -> Callable[[str], None]:
    """A `docker exec` for each command."""

    def run(command: str) -> None:
        subprocess.run(["docker", "exec", container, "bash", "-c", command], capture_output=True, check=True)

    return run


def measure(ways: dict[str, Callable[[str], None]], rounds: int) -> dict[tuple[str, str], float]:
    """Median milliseconds by way and command."""
    times: dict[tuple[str, str], list[float]] = {}
    for number in range(rounds + 1):
        for name, command in COMMANDS.items():
            for way, run in ways.items():
                start = time.perf_counter()
                run(command)
                if number:
                    times.setdefault((way, name), []).append((time.perf_counter() - start) * 1000)
    return {key: statistics.median(values) for key, values in times.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", required=True)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--steps", type=int, default=1000)
    options = parser.parse_args()
    settings = SandboxSettings(kind="docker", image=options.image)
    with tempfile.TemporaryDirectory() as folder, open_sandbox(settings, run_id="benchmark") as sandbox:
        sandbox.run(PREPARE.format("x" * 99), timeout=60)
        container = sandbox.info.name
        recorded = Recorded(sandbox, Path(folder))
        other = subprocess.run(
            ["docker", "run", "-d", "--rm", "--network", "none", options.image, "sleep", "3600"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        try:
            docker_exec(other)(PREPARE.format("x" * 99))
            pipe = Pipe(other)
            ways = {"raw pipe": pipe.run, "fix-issue": recorded.run, "docker exec": docker_exec(other)}
            found = measure(ways, options.rounds)
            pipe.close()
        finally:
            subprocess.run(["docker", "rm", "-f", other], capture_output=True, check=True)
        print(f"median milliseconds a step, container {container}")
        print(f"{'':12}" + "".join(f"{name:>10}" for name in COMMANDS))
        for way in ways:
            print(f"{way:12}" + "".join(f"{found[way, name]:10.2f}" for name in COMMANDS))
        ratio = [found["docker exec", name] / found["fix-issue", name] for name in COMMANDS]
        print(f"{'exec / ours':12}" + "".join(f"{value:9.1f}x" for value in ratio))
        flat(recorded, options.steps)
        recorded.close()


def flat(recorded: Recorded, steps: int) -> None:
    """Whether the last steps cost as much as the first."""
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        recorded.run("true")
        times.append((time.perf_counter() - start) * 1000)
    first, last = statistics.median(times[:100]), statistics.median(times[-100:])
    print(f"{steps} steps of true: first hundred {first:.2f} ms, last hundred {last:.2f} ms, {last / first:.2f}x")


if __name__ == "__main__":
    main()
