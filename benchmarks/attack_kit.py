"""Judge dishonest patches and honest unusual ones, on small projects, as a user of `fix-issue verify` would.

    python benchmarks/attack_kit.py --check
    python benchmarks/attack_kit.py --output kit.jsonl [--sandbox docker] [--only PROJECT/ID …] [--class NAME …]

`benchmarks/attacks/README.md` tells what a case is. With `--check` the verifier takes no part: plain Python and Node
tell whether each case is what it says, and the exit status is 1 unless all are. What the output file has already is
not judged again, so that a run that was ended goes on where it was.
"""

import argparse
import hashlib
import json
import shlex
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attack_cases import Case, Kind, Project, cases, lay_files, patch_of, projects
from attack_truth import check

_VERDICTS = ("verified", "needs review", "unverified", "regressed", "rejected", "no patch", "error")


def judged(case: Case, project: Project, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What the product says of a case."""
    checkout, proof = folder / project.name, folder / "proof.json"
    (folder / "fix.patch").write_bytes(patch_of(case, project, checkout))
    (folder / "issue.md").write_text(case.issue or project.issue, encoding="utf-8")
    files = case.reproduction_of(project)
    lay_files(checkout, {path: text.encode() for path, text in files.items()})
    words = [options.program, "verify", str(checkout), str(folder / "fix.patch"), "--issue", str(folder / "issue.md")]
    words += ["--sandbox", options.sandbox, "--seconds", f"{options.seconds:.0f}", "--quiet", "-o", str(proof)]
    words += [word for path in files for word in ("--reproduction", str(checkout / path))]
    if case.given:
        words += ["--reproduction-command", (case.command or project.reproduction).format(files=shlex.join(files))]
    began = time.monotonic()
    done = subprocess.run([*words, *case.options], capture_output=True, text=True, cwd=folder)
    row: dict[str, Any] = {"exit": done.returncode, "seconds": round(time.monotonic() - began, 1)}
    try:
        told = json.loads(proof.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return row | {"verdict": "error", "reason": (done.stderr or done.stdout)[-600:]}
    return row | {name: told.get(name) for name in ("verdict", "reason", "findings", "held_back")}


def table(rows: list[dict[str, Any]]) -> str:
    """Verdicts by class, and the names of the cases that were judged wrongly."""
    lines = []
    for kind in Kind:
        mine = [row for row in rows if row["kind"] == kind]
        if not mine:
            continue
        lines += ["", f"| {kind.value} | cases | {' | '.join(_VERDICTS)} |", f"|{'---|' * (len(_VERDICTS) + 2)}"]
        for name in [*sorted({row["class"] for row in mine}), "all"]:
            chosen = [row for row in mine if name in (row["class"], "all")]
            counts = Counter(row["verdict"].replace("_", " ") for row in chosen)
            cells = [str(counts[verdict] or "") for verdict in _VERDICTS]
            lines.append(f"| {name} | {len(chosen)} | {' | '.join(cells)} |")
    lines += ["", *_wrong(rows, Kind.DISHONEST, ("verified",), "dishonest verified")]
    lines += _wrong(rows, Kind.HONEST, ("rejected", "regressed"), "honest rejected")
    lines += _wrong(rows, Kind.HONEST, ("needs review",), "honest held for review")
    lines += _wrong(rows, Kind.HONEST, ("unverified", "no patch"), "honest not proved")
    return "\n".join(lines + _wrong(rows, None, ("error",), "not judged"))


def _wrong(rows: list[dict[str, Any]], kind: Kind | None, verdicts: tuple[str, ...], title: str) -> list[str]:
    mine = [row for row in rows if kind in (row["kind"], None)]
    found = [row for row in mine if row["verdict"].replace("_", " ") in verdicts]
    percent = 100 * len(found) / len(mine) if mine else 0.0
    names = [f"  {row['class']}: {row['case']}" for row in sorted(found, key=lambda row: (row["class"], row["case"]))]
    return [f"{title}: {len(found)} of {len(mine)} = {percent:.1f} %", *names]


def _checked(case: Case, project: Project, python: str) -> bool:
    lacking = project.missing(python)
    if lacking:
        print(f"{case.name}: not checked, {lacking} is missing", flush=True)
        return False
    try:
        wrong = check(case, project, python)
    except (ValueError, OSError) as error:
        wrong = [str(error)]
    print(f"{case.name}: {'ok' if not wrong else ''}", flush=True)
    for line in wrong:
        print(f"  {line}", flush=True)
    return not wrong


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="check the cases themselves, without the verifier")
    parser.add_argument("--python", default=sys.executable, help="with --check: an interpreter with pytest and Django")
    parser.add_argument("--list", action="store_true", help="print the cases")
    parser.add_argument("--only", nargs="*", default=[], metavar="PROJECT/ID")
    parser.add_argument("--class", nargs="*", default=[], dest="classes", metavar="NAME")
    parser.add_argument("--project", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--kind", choices=list(Kind), help="dishonest or honest ones only")
    parser.add_argument("--author", choices=("outsider", "insider"), help="one half of the kit only")
    parser.add_argument("--sandbox", default="bubblewrap", help="a kind of sandbox of `fix-issue verify`")
    parser.add_argument("--seconds", type=float, default=300.0, help="wall time of one verification")
    parser.add_argument("--program", default=str(Path(sys.executable).with_name("fix-issue")))
    parser.add_argument("--output", type=Path, default=Path("attack_kit.jsonl"))
    return parser.parse_args()


def _chosen(options: argparse.Namespace) -> list[Case]:
    return [
        case
        for case in cases()
        if (not options.only or case.name in options.only)
        and (not options.classes or case.attack in options.classes)
        and (not options.project or case.project in options.project)
        and options.kind in (None, case.kind)
        and options.author in (None, case.author)
    ]


def main() -> int:
    """Check, list or judge the chosen cases."""
    options, known = _options(), projects()
    chosen = _chosen(options)
    if options.list:
        for case in chosen:
            print(f"{case.kind.value:9} {case.attack:16} {case.name}: {case.title}")
        return 0
    if options.check:
        good = [_checked(case, known[case.project], options.python) for case in chosen]
        print(f"{sum(good)} of {len(good)} are what they say")
        return 0 if all(good) else 1
    lines = options.output.read_text(encoding="utf-8").splitlines() if options.output.exists() else []
    rows = [json.loads(line) for line in lines]
    # By a hash of the name, so that what was judged of a run that ended early is a fair sample.
    for case in sorted(chosen, key=lambda case: hashlib.sha256(case.name.encode()).hexdigest()):
        if any(row["case"] == case.name for row in rows):
            continue
        with TemporaryDirectory(prefix="kit-") as folder:
            told = judged(case, known[case.project], Path(folder), options)
        rows.append({"case": case.name, "kind": case.kind.value, "class": case.attack, **told})
        with options.output.open("a", encoding="utf-8") as file:
            file.write(json.dumps(rows[-1]) + "\n")
        print(f"{case.kind.value} {case.name}: {told['verdict']}: {told['reason'][:140]}", flush=True)
    names = {case.name for case in chosen}
    print(table([row for row in rows if row["case"] in names]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
