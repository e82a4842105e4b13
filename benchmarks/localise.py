"""Measure localisation: where the gold places stand in the ranking, and what a map of so many tokens holds.

    python benchmarks/localise.py DATA REPOSITORIES [--output RANKINGS] [--limit N] [--maps]

DATA is a file in SWE-bench's format, one JSON object a line (instance_id, repo, base_commit, problem_statement, patch).
REPOSITORIES is a folder with git directories named `owner+name` or `owner__name`, with or without `/repo` or `/.git`.
Nothing after the base commit is read. Acc@k counts an instance if all of its gold files, or definitions, are in the
first k; instances without a gold definition are left out of the figures for definitions.
"""

import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from places import Instance, instances, parser

from sweagent.code import Index, count_tokens, hints, locate
from sweagent.code.localise.localise import LOOKED_INTO
from sweagent.code.repo_map import repo_map

RANKS = (1, 5, 10, 20)
BUDGETS = (1000, 2000, 4000)
THRESHOLDS = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.2, 0.5)


def measure(instance: Instance, index: Index, *, maps: bool) -> dict[str, Any]:
    """Localise one instance and return what came of it."""
    locate(index, "warm the tables up")
    started = time.process_time()
    found = locate(index, instance.text, limit=5000)
    seconds = time.process_time() - started
    files = [hit.path for hit in found.files]
    definitions = [(hit.path, hit.name, hit.start) for hit in found.definitions]
    shown = found.model_copy(update={"files": found.files[:5], "definitions": found.definitions[:10]})
    result: dict[str, Any] = {
        "instance_id": instance.id,
        "repo": instance.repo,
        "gold_files": instance.files,
        "gold_definitions": sorted(instance.definitions),
        "file_rank": _worst(files, instance.files),
        "definition_rank": _worst(definitions, sorted(instance.definitions)),
        "files": files[:20],
        "definitions": definitions[:20],
        "shares": [
            (hit.score, (hit.path, hit.name, hit.start) in instance.definitions) for hit in found.definitions[:10]
        ],
        "seconds": round(seconds, 4),
        "hint_tokens": count_tokens(hints(shown, 10_000)),
    }
    if maps:
        result["maps"] = {str(budget): _holds(index, instance, budget) for budget in BUDGETS}
    return result


def _worst(ranking: Sequence[Any], gold: Sequence[Any]) -> int | None:
    """The rank of the gold place that comes last; None when one is missing or there is none."""
    if not gold or any(item not in ranking for item in gold):
        return None
    return max(ranking.index(item) for item in gold) + 1


def _holds(index: Index, instance: Instance, budget: int) -> dict[str, Any]:
    text = repo_map(index, instance.text, budget)
    current, held = "", set()
    for line in text.splitlines():
        if not line.startswith(" "):
            current = line.rstrip(":")
        else:
            held.add((current, int(line.split("-")[0])))
    wanted = {(path, start) for path, _, start in instance.definitions}
    return {"tokens": count_tokens(text), "all": bool(wanted) and wanted <= held}


def report(results: Sequence[dict[str, Any]]) -> None:
    """Print the figures of all instances and of each repository."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        groups["all"].append(result)
        groups[result["repo"]].append(result)
    print(
        f"{'':28}{'n':>5}  file @{', @'.join(map(str, RANKS))}          n   definition @{', @'.join(map(str, RANKS))}"
    )
    for name, group in groups.items():
        with_definitions = [result for result in group if result["gold_definitions"]]
        file_part = "".join(f"{_share(group, 'file_rank', rank):7.1f}" for rank in RANKS)
        definition_part = "".join(f"{_share(with_definitions, 'definition_rank', rank):7.1f}" for rank in RANKS)
        print(f"{name:28}{len(group):5}{file_part}{len(with_definitions):7}{definition_part}")
    print(f"query: median {median(r['seconds'] for r in results) * 1000:.0f} ms of CPU")
    print(f"hints (10 definitions, 5 files): median {median(r['hint_tokens'] for r in results):.0f} tokens")
    print(f"definitions of the first {LOOKED_INTO} files are ranked")
    if results and "maps" in results[0]:
        asked = [result for result in results if result["gold_definitions"]]
        for budget in BUDGETS:
            held = sum(result["maps"][str(budget)]["all"] for result in asked)
            tokens = median(result["maps"][str(budget)]["tokens"] for result in asked)
            print(
                f"map of {budget} tokens: {100 * held / len(asked):.1f} % hold all gold definitions ({tokens:.0f} used)"
            )


def thresholds(results: Sequence[dict[str, Any]]) -> None:
    """Print, for each least share of a hint, how many hints are left, how many are gold, and what is lost."""
    asked = [result for result in results if result["gold_definitions"]]
    known = sum(any(gold for _, gold in result["shares"]) for result in asked)
    print("least share   hints   of them gold   instances with a gold one   gold up to the next")
    for least, following in pairwise((*THRESHOLDS, 1.01)):
        left = [[gold for share, gold in result["shares"] if share >= least] for result in asked]
        count, gold = sum(map(len, left)), sum(map(sum, left))
        kept = sum(any(item) for item in left)
        between = [gold for result in asked for share, gold in result["shares"] if least <= share < following]
        part = f"{100 * sum(between) / len(between):.1f} % of {len(between)}" if between else "none"
        precision = f"{100 * gold / max(1, count):13.1f} %"
        print(f"{least:11.3f}{count / len(asked):8.1f}{precision}{kept:13} of {known:<10}{part:>30}")


def _share(group: Sequence[dict[str, Any]], key: str, rank: int) -> float:
    hits = sum(result[key] is not None and result[key] <= rank for result in group)
    return 100 * hits / len(group) if group else 0.0


def main() -> None:
    """Run from the command line."""
    options = parser(__doc__)
    options.add_argument("--output", type=Path, help="write the rankings, one JSON object a line")
    options.add_argument("--limit", type=int, help="take only so many instances, spread over the file")
    options.add_argument("--maps", action="store_true", help="measure maps too")
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        data = arguments.data
        if arguments.limit:
            lines = data.read_text(encoding="utf-8").splitlines()
            data = Path(temporary) / "data.jsonl"
            step = max(1, len(lines) // arguments.limit)
            data.write_text("\n".join(lines[::step][: arguments.limit]) + "\n", encoding="utf-8")
        cache = arguments.cache or Path(temporary)
        results = [
            measure(instance, index, maps=arguments.maps)
            for instance, index in instances(data, arguments.repositories, cache)
        ]
    if arguments.output:
        arguments.output.write_text("".join(f"{json.dumps(result)}\n" for result in results), encoding="utf-8")
    if results:
        report(results)
        thresholds(results)


if __name__ == "__main__":
    main()
