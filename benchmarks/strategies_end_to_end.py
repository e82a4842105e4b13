"""Strategies on real repositories over real HTTP, killed at random and resumed: calls and money as predicted.

    python benchmarks/strategies_end_to_end.py DATA.jsonl REPOSITORIES OUTPUT --only ID … [--kills 3] [--sandbox docker]

REPOSITORIES holds a git directory `owner+name/repo` for each repository. An OpenAI-compatible server on this machine
plays two engineers for each instance: one applies the gold patch, the other one only writes a comment where it belongs.
Each strategy is run by the command line in a process that is killed (SIGKILL) when its log has so many lines, and
resumed until it ends. Reported for each: verdict, whether the patch is the gold one, calls asked for beside those
predicted, what the server charged beside what the run reports, kills, seconds.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from gold_player import Instance, reproduction_of, steps

INPUT, OUTPUT = 3.0, 15.0
"""US dollars per million tokens."""
PROMPT, COMPLETION = 2_000, 100
"""Tokens of each answer, as the server counts them."""
PRICE = (PROMPT * INPUT + COMPLETION * OUTPUT) / 1e6
GOLD, COMMENT = "openai/gold", "openai/comment"

Steps = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Shape:
    """A strategy with what it has to cost.

    Attributes:
        name: in the report.
        options: of the command line.
        models: whose engineers work, in order.
        side_by_side: calls that a kill can lose.
    """

    name: str
    options: Mapping[str, Any]
    models: tuple[str, ...]
    side_by_side: int = 1


VARIANTS = [{"model": {"name": COMMENT}}, {"model": {"name": GOLD}}]
SHAPES = (
    Shape("single", {"strategy": {"name": "single"}}, (GOLD,)),
    Shape(
        "best-of, until verified",
        {"strategy": {"name": "best-of", "options": {"attempts": 3, "variants": VARIANTS}}},
        (COMMENT, GOLD),
    ),
    Shape(
        "best-of, all",
        {"strategy": {"name": "best-of", "options": {"attempts": 2, "until": "all", "variants": VARIANTS}}},
        (COMMENT, GOLD),
        2,
    ),
)


@dataclass
class Server:
    """Plays the engineers, and counts what it charges.

    Attributes:
        played: the steps of each model.
        asked: how often each step was asked for.
    """

    played: Mapping[str, Steps]
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)
    url: str = ""

    @property
    def charged(self) -> float:
        """US dollars of all answers."""
        return sum(self.asked.values()) * PRICE

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One answer; the step follows from the conversation, so that resumed and parallel runs are answered alike."""
        number = sum(message["role"] == "assistant" for message in request["messages"])
        model = f"openai/{request['model']}"
        self.asked[model, number] += 1
        known = self.played[model]
        step = known[min(number, len(known) - 1)]
        calls = [
            {
                "id": f"call_{number}_{position}",
                "type": "function",
                "function": {"name": action["tool"], "arguments": json.dumps(action["arguments"])},
            }
            for position, action in enumerate(step["actions"])
        ]
        message = {"role": "assistant", "content": step["thought"], "tool_calls": calls}
        usage = {"prompt_tokens": PROMPT, "completion_tokens": COMPLETION, "total_tokens": PROMPT + COMPLETION}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        body = {"id": "c", "object": "chat.completion", "created": 0, "model": request["model"], "choices": [choice]}
        return {**body, "usage": usage}


@contextmanager
def serving(played: Mapping[str, Steps]) -> Iterator[Server]:
    """A server while the context is open."""
    state = Server(played)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.dumps(state.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    """Read the command line and run the instances one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("repositories", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--shapes", nargs="*", default=[], help="names of shapes; all of them by default")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sandbox", default="docker")
    options = parser.parse_args()
    for line in options.data.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if options.only and record["instance_id"] not in options.only:
            continue
        instance = Instance.read(record)
        git_dir = options.repositories / instance.repo.replace("/", "+") / "repo"
        for shape in SHAPES:
            if not options.shapes or shape.name in options.shapes:
                print(json.dumps(run(instance, git_dir, shape, options)), flush=True)


def played_of(instance: Instance, git_dir: Path) -> dict[str, Steps]:
    """What the two engineers do."""
    gold = steps(instance, str(git_dir), reproduction=reproduction_of(instance, str(git_dir)))
    edits = [action for action in gold[2]["actions"] if action["arguments"]["command"] == "str_replace"]
    place = edits[0]["arguments"]
    first = place["old"].split("\n", 1)[0]
    blanks = first[: len(first) - len(first.lstrip())]
    noted = {**place, "new": f"{blanks}# This is where it goes wrong.\n{place['old']}"}
    comment = [*gold]
    comment[2] = {**gold[2], "actions": [{"tool": "edit", "arguments": noted}]}
    return {GOLD: gold, COMMENT: comment}


def run(instance: Instance, git_dir: Path, shape: Shape, options: argparse.Namespace) -> dict[str, Any]:
    """Run one strategy on one instance, killed and resumed, and compare it with what was predicted."""
    played = played_of(instance, git_dir)
    place = options.output / f"{instance.instance_id}-{shape.name.replace(', ', '-').replace(' ', '-')}"
    place.mkdir(parents=True)
    folder, predicted = place / "run", sum(len(played[model]) for model in shape.models)
    start = time.monotonic()
    with serving(played) as server:
        _write(place, shape, server.url, instance, options.sandbox)
        order = [str(git_dir), str(place / "issue.md"), "--base", instance.base_commit, "--output", str(folder)]
        order += ["--config", str(place / "settings.json")]
        chance, kills = random.Random(f"{options.seed}{instance.instance_id}{shape.name}"), 0
        # About as many events as such a run has.
        for lines in sorted(chance.sample(range(3, 7 * predicted), options.kills)):
            kills += killed(order, place, folder, lines)
            order = ["resume", str(folder)] if (folder / "trajectory.jsonl").exists() else order
        killed(order, place, folder, None)
        asked = sum(server.asked.values())
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    lost = asked - predicted
    return {
        "instance": instance.instance_id,
        "strategy": shape.name,
        "verdict": result["verdict"],
        "gold": _same(Path(result["patch_file"] or os.devnull).read_text(encoding="utf-8"), instance.patch),
        "attempts": result["attempts"],
        "selection": result["selection"],
        "predicted_calls": predicted,
        "lost_calls": lost,
        "kills": kills,
        "predicted_dollars": round(predicted * PRICE, 6),
        "charged_dollars": round(server.charged, 6),
        "reported_dollars": round(result["cost"], 6),
        "as_predicted": 0 <= lost <= kills * shape.side_by_side and result["cost"] >= server.charged - 1e-9,
        "seconds": round(time.monotonic() - start, 1),
    }


def killed(order: Sequence[str], place: Path, folder: Path, lines: int | None) -> bool:
    """Run the command, and kill it when its log has so many lines; whether it was killed."""
    log = folder / "trajectory.jsonl"
    variables = {**os.environ, "FIX_ISSUE_MODELS": str(place / "models.yaml"), "OPENAI_API_KEY": "none"}
    with (place / "output.txt").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sweagent", *order], stdout=output, stderr=output, env=variables
        )
        while process.poll() is None:
            if lines is not None and log.exists() and log.read_bytes().count(b"\n") >= lines:
                process.kill()
                break
            time.sleep(0.02)
        return process.wait() == -signal.SIGKILL


def _write(place: Path, shape: Shape, url: str, instance: Instance, sandbox: str) -> None:
    prices = "".join(
        f"  - {{match: {name}, native_tools: true, prices: {{input: {INPUT}, output: {OUTPUT}}}}}\n"
        for name in (GOLD, COMMENT)
    )
    (place / "models.yaml").write_text(f"models:\n{prices}", encoding="utf-8")
    (place / "issue.md").write_text(instance.problem_statement, encoding="utf-8")
    settings = {
        "model": {"name": GOLD, "api_base": url, "max_output_tokens": 2_000},
        "limits": {"cost": 3.0, "steps": 20},
        "sandbox": {"kind": sandbox},
        "verify": {"rounds": 0},
        "hints": False,
        **shape.options,
    }
    (place / "settings.json").write_text(json.dumps(settings), encoding="utf-8")


def _same(patch: str, gold: str) -> bool:
    """Whether two patches change the same lines."""

    def changes(text: str) -> list[str]:
        return [line for line in text.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]

    return changes(patch) == changes(gold)


if __name__ == "__main__":
    main()
