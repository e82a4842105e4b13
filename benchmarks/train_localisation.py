"""Learn the weights of the localisation, and report how they do on repositories that they were not learned on.

    python benchmarks/train_localisation.py DATA REPOSITORIES [--also DATA] \
        [--write sweagent/code/localise/weights.json]

With `--also`, what `benchmarks/commits_as_issues.py` made of other repositories is learned on too, at a smaller weight;
nothing is tested on it, and nothing of a repository that is tested on is learned.

Arguments are those of `benchmarks/localise.py`. Needs numpy and scipy. Each of the three rankings (files at first,
definitions, files at last) is a linear score; its weights maximise the softmax likelihood of the gold places with an L2
penalty, by L-BFGS from zero: the same data always gives the same weights. Which signals are weighed was chosen by what
they add on repositories that the weights were not learned on.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from places import Instance, instances, parser
from scipy.optimize import minimize

from sweagent.code import Index
from sweagent.code.index.own_text import OwnText
from sweagent.code.localise.definition_signals import DefinitionSignals, RankedDefinition
from sweagent.code.localise.file_signals import FileSignals, Signal
from sweagent.code.localise.issue_text import read_question
from sweagent.code.localise.localise import (
    LIKELY,
    LOOKED_INTO,
    best_files,
    file_beliefs,
    file_features,
    import_features,
    load_weights,
    with_imports,
)

Weights = dict[str, float]
Features = Mapping[str, float]
STEPS = 120
PENALTIES = {"stage1": 0.02, "stage2": 0.01, "definition": 0.01, "file": 0.01}
SMALLEST = 0.02
CONTENDERS = 100
"""So many files of each question the first ranking is learned on: what no signal speaks for teaches it nothing."""
ALSO = 0.4
"""What a question made of a commit weighs beside an issue."""
REASONS_ONLY = frozenset({"exact", "outer", "outer_and_name", "name_title", "cover_prose", "length"})
"""Signals of definitions that give reasons, or say something of their file, and are not weighed themselves."""
_NO_TEXT = OwnText("", {}, 0, {})


@dataclass
class Example:
    """An instance with its signals."""

    repo: str
    signals: dict[str, Signal]
    numbers: list[int]
    gold_numbers: list[int]
    gold_files: int
    looked_into: list[int]
    imports: dict[int, frozenset[int]]
    candidates: list[RankedDefinition]
    gold_candidates: list[int]
    gold_definitions: int
    weight: float = 1.0


def read(instance: Instance, index: Index, weight: float = 1.0) -> Example:
    """Compute the signals of an instance; the files looked into are chosen by the weights that are in force."""
    in_force = load_weights()
    files = FileSignals(index, read_question(instance.text))
    signals = files.all()
    place = index.number
    scores = dict.fromkeys(files.candidates, 0.0)
    for name, factor in in_force["stage1"].items():
        for number, value in signals[name].items():
            scores[number] += factor * value
    scores = with_imports(scores, files.imports(best_files(scores, LIKELY)), in_force["stage2"])
    looked_into = best_files(scores, LOOKED_INTO)
    candidates = DefinitionSignals(files, looked_into).compute()
    for candidate in candidates:
        candidate.own = _NO_TEXT
    return Example(
        repo=instance.repo,
        signals=signals,
        numbers=files.candidates,
        gold_numbers=[place[path] for path in instance.files if place.get(path) in scores],
        gold_files=len(instance.files),
        looked_into=looked_into,
        imports=files.imports(files.candidates),
        candidates=candidates,
        gold_candidates=[
            position
            for position, item in enumerate(candidates)
            if (item.place.path, item.definition.qualified, item.definition.start) in instance.definitions
        ],
        gold_definitions=len(instance.definitions),
        weight=weight,
    )


def learn(
    tables: Sequence[list[Features]], gold: Sequence[list[int]], weights: Sequence[float], penalty: float
) -> Weights:
    """Fit the weights of one ranking.

    Args:
        tables: for each question the features of its candidates.
        gold: for each question the positions of the right ones.
        weights: how much each question counts.
        penalty: weight of the squared weights.
    """
    names = sorted({name for table in tables for row in table for name in row})
    column = {name: number for number, name in enumerate(names)}
    asked = [item for item in zip(tables, gold, weights, strict=True) if item[1]]
    sizes = np.array([len(table) for table, _, _ in asked])
    counted = np.array([weight for _, _, weight in asked])
    counted /= counted.sum()
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    question = np.repeat(np.arange(len(asked)), sizes)
    matrix = np.zeros((int(sizes.sum()), len(names)))
    for number, row in enumerate(row for table, _, _ in asked for row in table):
        for name, value in row.items():
            matrix[number, column[name]] = value
    wanted = counted @ np.array(
        [matrix[start + np.array(right)].mean(0) for start, (_, right, _) in zip(starts, asked, strict=True)]
    )

    def loss(weights: Any) -> tuple[float, Any]:
        scores = matrix @ weights
        tops = np.maximum.reduceat(scores, starts)
        raised = np.exp(scores - tops[question])
        totals = np.add.reduceat(raised, starts)
        gradient = (raised / totals[question] * counted[question]) @ matrix - wanted + penalty * weights
        value = counted @ (np.log(totals) + tops) - wanted @ weights + penalty / 2 * weights @ weights
        return float(value), gradient

    found = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    return {name: round(float(value), 3) for name, value in zip(names, found, strict=True) if abs(value) >= SMALLEST}


def contenders(example: Example) -> list[int]:
    """The candidate files for which most signals speak, and the gold files."""
    spoken = Counter(dict.fromkeys(example.numbers, 0.0))
    for name, signal in example.signals.items():
        if name != "aside":
            spoken.update({number: value for number, value in signal.items() if number in spoken})
    best = sorted(spoken, key=lambda number: (-spoken[number], number))[:CONTENDERS]
    return list(dict.fromkeys([*best, *example.gold_numbers]))


def file_table(example: Example, numbers: Sequence[int]) -> list[Features]:
    """The signals of some candidate files."""
    rows: dict[int, dict[str, float]] = {number: {} for number in numbers}
    for name, signal in example.signals.items():
        for number, value in signal.items():
            if number in rows:
                rows[number][name] = value
    return list(rows.values())


def import_table(example: Example, first: Mapping[int, float], numbers: Sequence[int]) -> list[Features]:
    """What the first ranking says of some files, and of those that import them."""
    imports = {number: example.imports[number] for number in best_files(first, LIKELY)}
    features = import_features(first, imports)
    return [features[number] for number in numbers]


def definition_table(example: Example, scores: Mapping[int, float]) -> list[Features]:
    """The signals of each candidate definition, with what is believed of its file."""
    beliefs = file_beliefs(scores)
    return [
        {
            **{name: value for name, value in item.signals.items() if name not in REASONS_ONLY},
            **beliefs[item.file_number],
        }
        for item in example.candidates
    ]


def last_table(example: Example, first: Mapping[int, float], early: Sequence[float]) -> list[Features]:
    """The features of the files looked into."""
    imports = {number: example.imports[number] for number in example.looked_into}
    features = file_features(example.candidates, early, first, example.signals, imports)
    return [features[number] for number in example.looked_into]


def dot(row: Features, weights: Weights) -> float:
    """The linear score of one candidate."""
    return sum(weights.get(name, 0.0) * value for name, value in row.items())


def train(examples: Sequence[Example]) -> dict[str, Weights]:
    """Fit the three rankings, each on what the one before it gives."""
    counted = [e.weight for e in examples]
    asked = [contenders(e) for e in examples]
    right = [_at(numbers, e.gold_numbers) for e, numbers in zip(examples, asked, strict=True)]
    tables = [file_table(e, numbers) for e, numbers in zip(examples, asked, strict=True)]
    stage1 = learn(tables, right, counted, PENALTIES["stage1"])
    firsts = [_first(e, stage1) for e in examples]
    tables = [import_table(*item) for item in zip(examples, firsts, asked, strict=True)]
    stage2 = learn(tables, right, counted, PENALTIES["stage2"])
    tables = [definition_table(e, first) for e, first in zip(examples, firsts, strict=True)]
    definition = learn(tables, [e.gold_candidates for e in examples], counted, PENALTIES["definition"])
    lasts = [
        last_table(e, first, [dot(row, definition) for row in table])
        for e, first, table in zip(examples, firsts, tables, strict=True)
    ]
    file = learn(lasts, [_at(e.looked_into, e.gold_numbers) for e in examples], counted, PENALTIES["file"])
    return {"stage1": stage1, "stage2": stage2, "definition": definition, "file": file}


def ranks(example: Example, weights: dict[str, Weights]) -> tuple[int | None, int | None]:
    """The worst rank of the gold files and of the gold definitions; None when one is out of reach."""
    first = _first(example, weights["stage1"])
    early = [dot(row, weights["definition"]) for row in definition_table(example, first)]
    last = [dot(row, weights["file"]) for row in last_table(example, first, early)]
    final = dict(zip(example.looked_into, last, strict=True))
    late = [dot(row, weights["definition"]) for row in definition_table(example, final)]
    return (
        _worst(last, _at(example.looked_into, example.gold_numbers), example.gold_files),
        _worst(late, example.gold_candidates, example.gold_definitions),
    )


def report(name: str, found: Sequence[tuple[int | None, int | None]], examples: Sequence[Example]) -> None:
    """Print Acc@k of files and of definitions."""
    files = [rank for rank, _ in found]
    definitions = [rank for (_, rank), example in zip(found, examples, strict=True) if example.gold_definitions]
    shown = [
        "  ".join(
            f"@{k} {100 * sum(r is not None and r <= k for r in some) / max(1, len(some)):.1f}" for k in (1, 5, 10)
        )
        for some in (files, definitions)
    ]
    print(f"{name:38} n={len(files):4}  file {shown[0]}   definition {shown[1]}")


def across(examples: Sequence[Example], also: Sequence[Example], half: Callable[[str], bool]) -> None:
    """Learn on half of the repositories and test on the other half, both ways."""
    sides = [[e for e in examples if half(e.repo)], [e for e in examples if not half(e.repo)]]
    for learned, other in (sides, sides[::-1]):
        if not learned or not other:
            continue
        weights = train([*learned, *_of_others(also, other)])
        report("learned on these repositories", [ranks(e, weights) for e in learned], learned)
        report("not learned on these", [ranks(e, weights) for e in other], other)


def fold_by_fold(name: str, examples: Sequence[Example], also: Sequence[Example], folds: Sequence[set[str]]) -> None:
    """Test on some repositories after others, learning each time on those that are not tested."""
    found: list[tuple[int | None, int | None]] = []
    tested: list[Example] = []
    for repos in folds:
        inside = [e for e in examples if e.repo in repos]
        outside = [e for e in examples if e.repo not in repos]
        if inside and outside:
            weights = train([*outside, *_of_others(also, inside)])
            found.extend(ranks(e, weights) for e in inside)
            tested.extend(inside)
    report(name, found, tested)


def _of_others(also: Sequence[Example], tested: Sequence[Example]) -> list[Example]:
    repos = {e.repo for e in tested}
    return [e for e in also if e.repo not in repos]


def _first(example: Example, weights: Weights) -> dict[int, float]:
    return {n: dot(row, weights) for n, row in zip(example.numbers, file_table(example, example.numbers), strict=True)}


def _at(numbers: Sequence[int], wanted: Sequence[int]) -> list[int]:
    position = {number: place for place, number in enumerate(numbers)}
    return [position[number] for number in wanted if number in position]


def _worst(scores: Sequence[float], gold: Sequence[int], count: int) -> int | None:
    if not gold or len(gold) < count:
        return None
    return (
        max(sum(score > scores[k] or (score == scores[k] and p < k) for p, score in enumerate(scores)) for k in gold)
        + 1
    )


def compare(examples: Sequence[Example], also: Sequence[Example] = ()) -> dict[str, Weights]:
    """Report how weights do on what they were and were not learned on; return those that are learned on all."""
    ordered = sorted(
        {example.repo for example in examples}, key=lambda repo: (-sum(e.repo == repo for e in examples), repo)
    )
    # The largest repository on one side, the next on the other, and so on.
    side = {repo: number % 4 in (0, 3) for number, repo in enumerate(ordered)}
    across(examples, also, lambda repo: side[repo])
    halves = [{repo for repo in ordered if side[repo]}, {repo for repo in ordered if not side[repo]}]
    fold_by_fold("both halves, each learned on the other", examples, also, halves)
    fold_by_fold("three folds", examples, also, [{*ordered[:1]}, {*ordered[1:2]}, {*ordered[2:]}])
    fold_by_fold("each repository, learned on the others", examples, also, [{repo} for repo in ordered])
    if also:
        weights = train(also)
        report("learned on commits of other repositories", [ranks(e, weights) for e in examples], examples)
    weights = train([*examples, *also])
    report("learned on all, tested on the same", [ranks(e, weights) for e in examples], examples)
    return weights


def main() -> None:
    """Run from the command line."""
    options = parser(__doc__)
    options.add_argument("--also", type=Path, help="a data file that is learned on too, of repositories in the folder")
    options.add_argument("--write", type=Path, help="write the weights learned on all instances")
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        cache = arguments.cache or Path(temporary)
        examples = [read(*item) for item in instances(arguments.data, arguments.repositories, cache)]
        made = instances(arguments.also, arguments.repositories, cache) if arguments.also else ()
        also = [read(instance, index, ALSO) for instance, index in made]
    weights = compare(examples, also)
    if arguments.write:
        arguments.write.write_text(json.dumps(weights, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
