"""A whole batch in which each instance's gold patch is played as edits through the tools, over real HTTP.

    python benchmarks/batch_gold.py DATA REPOSITORIES OUTPUT [--ids FILE] [--workers 2] [--images official]

What the tools or the harness lose of a correct fix shows in the grading of OUTPUT/preds.json (`fix-issue evaluate`).
Printed at the end is, for each instance, whether the patch that was taken changes what the gold patch changes. Started
again, it goes on where it was stopped.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playing_server import playing
from unidiff import PatchedFile, PatchSet

from sweagent.batch.data.instances import Instance, load_instances
from sweagent.batch.drive.outcomes import read_results

MODEL = "gold"


def main() -> None:
    """Read the command line, run the batch, compare the patches."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("repositories", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--ids", type=Path)
    parser.add_argument("--workers", default="2")
    parser.add_argument("--images", default="auto")
    options = parser.parse_args()
    ids = options.ids.read_text(encoding="utf-8").split() if options.ids else ()
    instances = load_instances(options.data, ids=ids)
    runs = {instance.problem_statement.strip().splitlines()[0].strip(): steps(instance) for instance in instances}
    options.output.mkdir(parents=True, exist_ok=True)
    settings = options.output / "settings.yaml"
    settings.write_text("verify: {rounds: 0, seconds: 5}\nhints: false\n", encoding="utf-8")
    with playing(runs, told_by_title=True) as url:
        chosen = ["--ids", str(options.ids)] if options.ids else []
        command = [sys.executable, "-m", "sweagent", "batch", options.data, "-o", str(options.output / "batch")]
        command += ["--model", f"openai/{MODEL}", "--api-base", url, "--max-tokens", "5000000", *chosen]
        command += ["--repositories", str(options.repositories), "--config", str(settings)]
        command += ["--workers", options.workers, "--images", options.images]
        environment = {**os.environ, "OPENAI_API_KEY": "none", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        code = subprocess.run(command, env=environment, check=False).returncode
    same = 0
    for name, result in read_results(options.output / "batch").items():
        gold = next(instance.patch for instance in instances if instance.instance_id == name)
        agrees = changes(result.patch) == changes(gold)
        same += agrees
        print(json.dumps({"instance_id": name, "exit_status": result.exit_status, "as_gold": agrees}))
    print(json.dumps({"instances": len(instances), "as_gold": same, "exit_code": code}))


def steps(instance: Instance) -> list[dict[str, Any]]:
    """Look at each place, make each change, submit."""
    files = list(PatchSet(instance.patch))
    look = [
        {"tool": "view", "arguments": {"path": file.path, "start": max(1, file[0].source_start - 20)}}
        for file in files
        if not file.is_added_file and len(file)
    ]
    edits = [call for file in files for call in _edits(file)]
    return [
        {"thought": "I look at the places.", "actions": look or [{"tool": "view", "arguments": {"path": "."}}]},
        {"thought": "This is the change.", "actions": edits},
        {"thought": "That is all.", "actions": [{"tool": "submit", "arguments": {"summary": "Mended at its place."}}]},
    ]


def changes(patch: str) -> Sequence[tuple[str, tuple[str, ...]]]:
    """The added and removed lines of each file, whatever the context and the positions."""
    return sorted(
        (file.path, tuple(str(line) for hunk in file for line in hunk if line.is_added or line.is_removed))
        for file in PatchSet(patch)
    )


def _edits(file: PatchedFile) -> list[dict[str, Any]]:
    """The file's change as exact replacements, each at the line where its hunk begins by then."""
    if file.is_removed_file:
        return [{"tool": "bash", "arguments": {"command": f"git rm -q '{file.path}'"}}]
    if file.is_added_file:
        new = "".join(line.value for hunk in file for line in hunk if line.is_added)
        return [{"tool": "edit", "arguments": {"command": "create", "path": file.path, "new": new}}]
    calls = []
    for hunk in file:
        old = "".join(line.value for line in hunk if line.is_removed or line.is_context)
        new = "".join(line.value for line in hunk if line.is_added or line.is_context)
        place = {"command": "str_replace", "path": file.path, "line": hunk.target_start}
        calls.append({"tool": "edit", "arguments": {**place, "old": old, "new": new}})
    return calls


if __name__ == "__main__":
    main()
