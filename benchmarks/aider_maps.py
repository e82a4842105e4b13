"""Compare maps with those of Aider for the same questions: tokens used, and whether the gold definitions are shown.

    python benchmarks/aider_maps.py DATA REPOSITORIES --aider PYTHON [--limit N] [--output RESULTS] [--work FOLDER]

PYTHON is an interpreter of an environment of its own with `aider-chat`. Both get the same files and the same text,
both are measured by this project's token counter, and a definition is shown when its head stands in the map. The map is
taken for 1,000, 2,000 and 4,000 tokens. RESULTS, one JSON object a line, is continued when it is there.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, PIPE
from typing import IO, Any

from places import Instance, instances, parser

from sweagent.code import Index, count_tokens
from sweagent.code.repo_map import repo_map

BUDGETS = (1000, 2000, 4000)
HERE = Path(__file__).resolve().parent
_COLUMNS = 90
"""Characters of a head that are compared, for Aider cuts its lines at 100."""


class Trees:
    """Work trees of the source files of indexes, one for each repository; only what differs is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[str, dict[str, str]] = {}

    def checkout(self, repo: str, index: Index) -> Path:
        """Make the tree of a repository that of an index and return its root."""
        root = self._folder / repo.replace("/", "+")
        wanted = {path: index.entries[path].blob for path in index.sources}
        before = self._written.get(repo, {})
        for path in before.keys() - wanted.keys():
            (root / path).unlink()
        changed = [path for path, blob in wanted.items() if before.get(path) != blob]
        for start in range(0, len(changed), 200):
            for path, content in index.contents(changed[start : start + 200]).items():
                place = root / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
        self._written[repo] = wanted
        return root


def compare(instance: Instance, index: Index, root: Path, aider: "subprocess.Popen[str]") -> dict[str, Any]:
    """Draw the maps of both for one instance."""
    question = {"root": str(root), "files": index.sources, "text": instance.text, "budgets": BUDGETS}
    reading, writing = _pipes(aider)
    writing.write(json.dumps(question) + "\n")
    writing.flush()
    answer = json.loads(reading.readline())
    started = time.process_time()
    ours = {str(budget): repo_map(index, instance.text, budget) for budget in BUDGETS}
    seconds = time.process_time() - started
    heads = _heads(instance, index)
    return {
        "instance_id": instance.id,
        "ours": {budget: _judge(text, heads) for budget, text in ours.items()},
        "aider": {budget: _judge(text, heads) for budget, text in answer["maps"].items()},
        "seconds": {"ours": round(seconds, 3), "aider": round(answer["seconds"], 3)},
    }


def report(results: Sequence[dict[str, Any]]) -> None:
    """Print tokens and shares."""
    print(f"{len(results)} instances; share of maps that show all gold definitions, and the tokens that they used")
    for budget in map(str, BUDGETS):
        for name in ("ours", "aider"):
            held = sum(result[name][budget]["all"] for result in results)
            used = [result[name][budget]["tokens"] for result in results]
            share = 100 * held / len(results)
            print(f"  {budget:>5} tokens  {name:6} {share:5.1f} %   median {median(used):6.0f}   most {max(used):6}")
    for name in ("ours", "aider"):
        print(f"CPU of the three maps, {name}: median {median(r['seconds'][name] for r in results):.1f} s")


def _judge(text: str, heads: Sequence[tuple[str, str]]) -> dict[str, Any]:
    shown: dict[str, str] = {}
    current = ""
    for line in text.splitlines():
        if line.endswith(":") and not line.startswith((" ", "│", "⋮")):
            current = line[:-1]
        shown[current] = f"{shown.get(current, '')}\n{line}"
    return {"tokens": count_tokens(text), "all": all(head in shown.get(path, "") for path, head in heads)}


def _heads(instance: Instance, index: Index) -> list[tuple[str, str]]:
    """The line on which each gold definition's name stands."""
    heads: list[tuple[str, str]] = []
    for path, name, start in instance.definitions:
        lines = index.text(path).split("\n")
        found = next(d for d in index.outline(path).definitions if (d.qualified, d.start) == (name, start))
        heads.append((path, lines[found.header - 1].strip()[:_COLUMNS].strip()))
    return heads


def _pipes(process: "subprocess.Popen[str]") -> tuple[IO[str], IO[str]]:
    if process.stdout is None or process.stdin is None:
        raise RuntimeError("the process was started without pipes")
    return process.stdout, process.stdin


def main() -> None:
    """Run from the command line."""
    options = parser(__doc__)
    options.add_argument("--aider", required=True, help="an interpreter with aider-chat")
    options.add_argument("--limit", type=int, help="take only so many instances, spread over the file")
    options.add_argument("--output", type=Path, help="write the results, and continue those that are there")
    options.add_argument("--work", type=Path, help="keep the work trees here; a temporary folder by default")
    arguments = options.parse_args()
    done: list[dict[str, Any]] = []
    if arguments.output and arguments.output.exists():
        done = [json.loads(line) for line in arguments.output.read_text(encoding="utf-8").splitlines()]
    command = [arguments.aider, str(HERE / "aider_child.py"), str(HERE.parent / "sweagent" / "code" / "tokens.py")]
    with tempfile.TemporaryDirectory() as temporary:
        rows = arguments.data.read_text(encoding="utf-8").splitlines()
        step = max(1, len(rows) // arguments.limit) if arguments.limit else 1
        known = {result["instance_id"] for result in done}
        chosen = [row for row in rows[::step] if json.loads(row)["instance_id"] not in known]
        data = Path(temporary, "data.jsonl")
        data.write_text("".join(f"{row}\n" for row in chosen[: arguments.limit]), encoding="utf-8")
        trees = Trees(arguments.work or Path(temporary, "trees"))
        with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True) as aider:
            for instance, index in instances(data, arguments.repositories, arguments.cache or Path(temporary)):
                if instance.definitions:
                    done.append(compare(instance, index, trees.checkout(instance.repo, index), aider))
                    if arguments.output:
                        with arguments.output.open("a", encoding="utf-8") as file:
                            file.write(json.dumps(done[-1]) + "\n")
            _pipes(aider)[1].close()
    report(done)


if __name__ == "__main__":
    main()
