"""Strategies on real repositories over HTTP, killed at random and resumed: calls and money as predicted.

    python benchmarks/strategies_end_to_end.py DATA.jsonl REPOSITORIES OUTPUT --only ID … [--kills 2] [--sandbox docker]

REPOSITORIES holds a git directory `owner+name/repo` for each repository. A server on this machine plays all attempts
and questions: some know the gold patch, others only write a comment where it belongs. Each strategy is run by the
command line in a process that is killed (SIGKILL) when its log has so many lines, and resumed until it ends. Reported
for each: verdict, whether the patch is the gold one, calls asked for beside those predicted, what the server charged
beside what the run reports, kills, seconds.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gold_player import Instance, reproduction_of, steps
from playing_server import playing
from unidiff import PatchSet

MODEL = "openai/played"
INPUT, OUTPUT = 3.0, 15.0
"""US dollars per million tokens."""
TOKENS = 2_000, 100
"""Of each prompt and each answer, as the server counts them."""
PRICE = (TOKENS[0] * INPUT + TOKENS[1] * OUTPUT) / 1e6

Reply = dict[str, Any]


@dataclass(frozen=True)
class Play:
    """A strategy with what the model says in each scope.

    Attributes:
        name: in the report; its first word is the strategy's.
        options: of the strategy.
        said: by scope.
        inherited: of each fork, how many replies it has from the attempt that it was forked from.
        side_by_side: calls that a kill can lose.
    """

    name: str
    options: Mapping[str, Any]
    said: Mapping[str, Sequence[Reply]]
    inherited: Mapping[str, int] = field(default_factory=dict)
    side_by_side: int = 1

    @property
    def calls(self) -> int:
        """How many it takes."""
        return sum(map(len, self.said.values()))


def says(**fields: Any) -> list[Reply]:
    """One answer to a question."""
    return [{"thought": "", "actions": [{"tool": "answer", "arguments": fields}]}]


def plays(instance: Instance, git_dir: str) -> list[Play]:
    """What is played for an instance."""
    shown = reproduction_of(instance, git_dir)
    look, show, edit, run, submit = steps(instance, git_dir, reproduction=shown)
    place = next(item["arguments"] for item in edit["actions"] if item["arguments"]["command"] == "str_replace")
    first = place["old"].split("\n", 1)[0]
    noted = f"{first[: len(first) - len(first.lstrip())]}# This is where it goes wrong.\n{place['old']}"
    comment = {**edit, "actions": [{"tool": "edit", "arguments": {**place, "new": noted}}]}
    back = {**edit, "actions": [{"tool": "edit", "arguments": {**place, "old": noted, "new": place["old"]}}]}
    blocks = f"{place['path']}\n<<<<<<< SEARCH\n{place['old']}=======\n{noted}>>>>>>> REPLACE\n"
    paths = [file.path for file in PatchSet(instance.patch)]
    test = {"path": shown[0], "content": shown[1]}
    claim = {
        "path": paths[0],
        "line": 1,
        "fault": "Nothing is changed.",
        "test": {**test, "path": f"{shown[0][:-3]}_claim.py"},
    }
    wrong, right = [look, show, comment, run, submit], [look, show, edit, run, submit]
    plan = says(cause="as reported", edits=[{"path": path, "change": "mend it"} for path in paths])
    return [
        Play("single", {}, {"": right}),
        Play("best-of, until verified", {"attempts": 3}, {"": wrong, "coder2": right}),
        Play("best-of, all", {"attempts": 2, "until": "all"}, {"1.1/coder1": wrong, "1.2/coder1": right}, {}, 2),
        Play(
            "reflexion",
            {"attempts": 2},
            {"": wrong, "ask1": says(explanation="Only a comment.", lesson="Mend it."), "coder2": right},
        ),
        Play(
            "pipeline",
            {"samples": 3, "tests": 1},
            {
                "ask1": says(paths=paths),
                "ask2": says(names=[paths[0].rpartition("/")[2]]),
                "1.1/ask1.1": says(cause="so", edits=blocks),
                "1.1/ask1.2": says(cause="so", edits=instance.patch),
                "1.1/ask1.3": says(cause="so", edits=instance.patch),
                "1.2/ask1": says(tests=[test]),
            },
            {},
            4,
        ),
        Play(
            "roles",
            {},
            {
                "ask1": plan,
                "ask2": says(tests=[test]),
                "": [*wrong, back, edit, submit],
                "ask3": says(behaviour="Nothing.", claims=[claim]),
            },
        ),
        Play(
            "tree",
            {"nodes": 5, "steps": 2, "exploration": 0.3, "model_value": 1.0},
            {
                "": [look, show],
                "ask1": says(reasons="so", percent=50),
                "coder2": [comment, run],
                "ask2": says(reasons="so", percent=0),
                "coder3": [look, run],
                "ask3": says(reasons="so", percent=90),
                "coder4": [comment, run],
                "ask4": says(reasons="so", percent=10),
                "coder5": [edit, submit],
            },
            {"coder2": 2, "coder3": 2, "coder4": 4, "coder5": 4},
        ),
    ]


def main() -> None:
    """Read the command line and run the instances one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("repositories", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--strategies", nargs="*", default=[])
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--sandbox", default="docker")
    options = parser.parse_args()
    for line in options.data.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if not options.only or record["instance_id"] in options.only:
            instance = Instance.read(record)
            git_dir = options.repositories / instance.repo.replace("/", "+") / "repo"
            for play in plays(instance, str(git_dir)):
                if not options.strategies or play.name in options.strategies:
                    print(json.dumps(run(instance, git_dir, play, options)), flush=True)


def run(instance: Instance, git_dir: Path, play: Play, options: argparse.Namespace) -> dict[str, Any]:
    """Run one strategy on one instance, killed and resumed, and compare it with what was predicted."""
    place = options.output / f"{instance.instance_id}-{play.name.replace(', ', '-').replace(' ', '-')}"
    place.mkdir(parents=True)
    folder, start, asked, kills = place / "run", time.monotonic(), Counter[str](), 0
    with playing(play.said, inherited=play.inherited, asked=asked, usage=TOKENS) as url:
        _write(place, play, url, instance, options.sandbox)
        order = [str(git_dir), str(place / "issue.md"), "--base", instance.base_commit, "--output", str(folder)]
        order += ["--config", str(place / "settings.json")]
        chance = random.Random(f"{instance.instance_id}{play.name}")
        for lines in sorted(chance.sample(range(3, 5 * play.calls), options.kills)):
            kills += killed(order, place, folder, lines)
            order = ["resume", str(folder)] if (folder / "trajectory.jsonl").exists() else order
        killed(order, place, folder, None)
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    lost, charged = sum(asked.values()) - play.calls, sum(asked.values()) * PRICE
    patch = Path(result["patch_file"] or os.devnull).read_text(encoding="utf-8")
    return {
        "instance": instance.instance_id,
        "strategy": play.name,
        "verdict": result["verdict"],
        "reason": result["reason"],
        "gold": _changes(patch) == _changes(instance.patch),
        "attempts": result["attempts"],
        "selection": result["selection"],
        "predicted_calls": play.calls,
        "lost_calls": lost,
        "kills": kills,
        "predicted_dollars": round(play.calls * PRICE, 6),
        "charged_dollars": round(charged, 6),
        "reported_dollars": round(result["cost"], 6),
        "as_predicted": 0 <= lost <= kills * play.side_by_side and result["cost"] >= charged - 1e-9,
        "seconds": round(time.monotonic() - start, 1),
    }


def killed(order: Sequence[str], place: Path, folder: Path, lines: int | None) -> bool:
    """Run the command, and kill it when its log has so many lines; whether it was killed."""
    log = folder / "trajectory.jsonl"
    variables = {**os.environ, "FIX_ISSUE_MODELS": str(place / "models.yaml"), "OPENAI_API_KEY": "none"}
    command = [sys.executable, "-m", "sweagent", *order]
    with (place / "output.txt").open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=variables)
        while process.poll() is None:
            if lines is not None and log.exists() and log.read_bytes().count(b"\n") >= lines:
                process.kill()
                break
            time.sleep(0.05)
        return process.wait() == -signal.SIGKILL


def _write(place: Path, play: Play, url: str, instance: Instance, sandbox: str) -> None:
    prices = f"prices: {{input: {INPUT}, output: {OUTPUT}}}"
    (place / "models.yaml").write_text(f"models:\n  - {{match: {MODEL}, native_tools: true, {prices}}}\n")
    (place / "issue.md").write_text(instance.problem_statement, encoding="utf-8")
    settings = {
        "model": {"name": MODEL, "api_base": url, "max_output_tokens": 2_000},
        "limits": {"cost": 10.0, "seconds": 7200.0},
        "sandbox": {"kind": sandbox},
        "verify": {"rounds": 0, "seconds": 400.0},
        "hints": False,
        "strategy": {"name": play.name.partition(",")[0], "options": dict(play.options)},
    }
    (place / "settings.json").write_text(json.dumps(settings), encoding="utf-8")


def _changes(text: str) -> list[str]:
    return [line for line in text.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]


if __name__ == "__main__":
    main()
