"""Our verdicts and times against those of the official evaluation, on the same images with the same number of workers.

    python benchmarks/grading_parity.py run ROWS.jsonl --ids FILE --mirror FOLDER --out FOLDER [--workers 2] [--chunk 4]
    python benchmarks/grading_parity.py report --out FOLDER

ROWS are in the 5.x form, their images are there (see `grading_images.py`), and `--mirror` holds a git directory
`<owner>+<name>/repo` for each project. For each few instances and each kind of patch (gold, empty, garbled, broken,
comment only) both evaluations run, one after the other. What is done is kept, so a run can be stopped and gone on with.
"""

import argparse
import difflib
import json
import re
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from sweagent.batch.data.instances import Instance
from sweagent.batch.data.predictions import Prediction, write_predictions
from sweagent.batch.grade.evaluate import EvaluationOptions, evaluate

KINDS = ("gold", "empty", "garbled", "broken", "comment")
_LISTS = ("resolved", "unresolved", "empty_patch", "error", "incomplete")
_REPORT = """
import json, sys
from swebench.harness.reporting import make_run_report
rows, predictions = ([json.loads(line) for line in open(name)] for name in sys.argv[1:])
make_run_report({item["instance_id"]: item for item in predictions}, rows, "official")
"""
_STAMP = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) ", re.MULTILINE)
_RUNTIME = re.compile(r"Test runtime: ([\d_.]+) seconds")


def patch_of(row: dict[str, Any], kind: str, mirror: Path) -> str:
    """A patch of one kind for an instance."""
    gold: str = row["patch"]
    if kind == "gold":
        return gold
    if kind == "empty":
        return ""
    if kind == "garbled":
        return re.sub(r"^([ -])(?!-- )(.*)$", r"\1\2 garbled", gold, flags=re.MULTILINE)
    line = "# a comment\n" if kind == "comment" else 'raise RuntimeError("broken")\n'
    return "".join(_prepended(row, path, line, mirror) for path in re.findall(r"^\+\+\+ b/(\S+\.py)$", gold, re.M))


def _prepended(row: dict[str, Any], path: str, line: str, mirror: Path) -> str:
    git_dir = mirror / row["repo"].replace("/", "+") / "repo"
    command = ["git", "--git-dir", str(git_dir), "show", f"{row['base_commit']}:{path}"]
    old = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, [line, *old], f"a/{path}", f"b/{path}"))


def ours(rows: list[dict[str, Any]], predictions: dict[str, Prediction], folder: Path, workers: int) -> dict[str, Any]:
    """Grade by the product; verdicts, wall time, and seconds beyond the tests of each instance."""
    instances = [Instance.from_record(row) for row in rows]
    started = time.monotonic()
    options = EvaluationOptions(workers=workers, integrity=False)
    evaluation = evaluate(instances, predictions, folder / "ours", options)
    wall = time.monotonic() - started
    report = json.loads(Path(evaluation.official_file).read_text(encoding="utf-8"))
    overhead = [grade.seconds - grade.test_seconds for grade in evaluation.grades if grade.test_seconds]
    return {"verdicts": _verdicts(report), "wall": wall, "overhead": overhead}


def official(rows: Path, predictions: Path, folder: Path, workers: int) -> dict[str, Any]:
    """Grade by the official program, in a process of its own."""
    program = [sys.executable, "-m", "swebench.harness.run_evaluation", "-d", str(rows), "-p", str(predictions)]
    started = time.monotonic()
    arguments = ["--max_workers", str(workers), "-id", "official", "--report_dir", "."]
    silent = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    ended = subprocess.run([*program, *arguments], check=False, **silent)
    wall = time.monotonic() - started
    if ended.returncode:
        # Its last step looks at all containers of the engine, and fails when somebody else's goes away meanwhile.
        subprocess.run([sys.executable, "-c", _REPORT, str(rows), str(predictions)], check=True, **silent)
    (report,) = folder.glob("*.official.json")
    overhead = []
    for log in folder.glob("logs/run_evaluation/official/*/*/run_instance.log"):
        text = log.read_text(encoding="utf-8")
        stamps, runtime = _STAMP.findall(text), _RUNTIME.search(text)
        if runtime:
            first, last = (datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S,%f") for stamp in (stamps[0], stamps[-1]))
            overhead.append((last - first).total_seconds() - float(runtime[1].replace("_", "")))
    return {"verdicts": _verdicts(json.loads(report.read_text(encoding="utf-8"))), "wall": wall, "overhead": overhead}


def _verdicts(report: dict[str, Any]) -> dict[str, str]:
    return {name: kind for kind in _LISTS for name in report[f"{kind}_ids"]}


def run_unit(rows: list[dict[str, Any]], kind: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Both evaluations of one kind of patch on a few instances."""
    folder.mkdir(parents=True, exist_ok=True)
    data, file = folder.absolute() / "rows.jsonl", folder.absolute() / "preds.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    predictions = {
        row["instance_id"]: Prediction(
            instance_id=row["instance_id"], model_name_or_path=kind, model_patch=patch_of(row, kind, options.mirror)
        )
        for row in rows
    }
    write_predictions(file, predictions.values())
    return {
        "kind": kind,
        "instances": sorted(predictions),
        "ours": ours(rows, predictions, folder, options.workers),
        "official": official(data, file, folder, options.workers),
    }


def run(options: argparse.Namespace) -> None:
    """All units that are not done yet."""
    rows = {row["instance_id"]: row for row in map(json.loads, options.rows.read_text(encoding="utf-8").splitlines())}
    ids = options.ids.read_text(encoding="utf-8").split()
    results = options.out / "results.jsonl"
    options.out.mkdir(parents=True, exist_ok=True)
    done = {(unit["kind"], name) for unit in _units(results) for name in unit["instances"]}
    for kind in options.kinds:
        left = [name for name in ids if (kind, name) not in done]
        for start in range(0, len(left), options.chunk):
            names = left[start : start + options.chunk]
            unit = run_unit([rows[name] for name in names], kind, options, options.out / f"{kind}-{names[0]}")
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(unit) + "\n")
            same = unit["ours"]["verdicts"] == unit["official"]["verdicts"]
            print(f"{kind} {names}: {'equal' if same else 'DIFFERENT'}", flush=True)


def _units(results: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()] if results.exists() else []


def report(options: argparse.Namespace) -> None:
    """The table of verdicts, and the times of both."""
    units = _units(options.out / "results.jsonl")
    print("| patch | verdicts of both | instances | equal |\n|---|---|---:|---:|")
    for kind in KINDS:
        pairs = [
            (unit["ours"]["verdicts"][name], unit["official"]["verdicts"][name])
            for unit in units
            if unit["kind"] == kind
            for name in unit["instances"]
        ]
        said = ", ".join(f"{one} {count}" for one, count in Counter(one for one, _ in pairs).most_common())
        print(f"| {kind} | {said} | {len(pairs)} | {sum(one == other for one, other in pairs)} |")
    tested = [unit for unit in units if unit["ours"]["overhead"]]
    count = sum(len(unit["instances"]) for unit in tested)
    for side in ("ours", "official"):
        overhead = sorted(seconds for unit in tested for seconds in unit[side]["overhead"])
        wall = sum(unit[side]["wall"] for unit in tested)
        middle, mean = overhead[len(overhead) // 2], sum(overhead) / len(overhead)
        print(
            f"{side}: {60 * count / wall:.1f} instances a minute; beyond the tests of an instance: "
            f"median {middle:.2f} s, mean {mean:.2f} s, most {overhead[-1]:.2f} s"
        )


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "report"))
    parser.add_argument("rows", nargs="?", type=Path)
    parser.add_argument("--ids", type=Path, help="a file with the instances' ids")
    parser.add_argument("--mirror", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS, help="kinds of patches, in this order")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--chunk", type=int, default=4, help="instances of one unit of work")
    options = parser.parse_args()
    (run if options.what == "run" else report)(options)


if __name__ == "__main__":
    main()
