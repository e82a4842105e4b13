"""Learn which words of prose go with which words of names, from the documentation of many projects.

    python benchmarks/learn_akin.py PROJECTS [--write sweagent/code/localise/related_words.txt.gz]

PROJECTS is a folder with one folder for each project; `benchmarks/akin_projects.txt` lists the projects that the table
which is shipped was learned on (none is in SWE-bench), each fetched by
`pip install --no-deps --target PROJECTS/NAME NAME==VERSION`. Needs numpy and scipy.

Each first paragraph of the documentation of a definition is taken for a description of its name and of the name around
it. How often a word of the one stands with a word of the other, dampened within each project so that no project
dominates, gives their positive pointwise mutual information; a truncated singular value decomposition of it gives each
word a vector, and the cosine of two vectors tells how near two words are. The method, with its context distribution
smoothing and its symmetric square root of the singular values, is that of O. Levy, Y. Goldberg and I. Dagan, "Improving
Distributional Similarity with Lessons Learned from Word Embeddings" (2015).
"""

import argparse
import ast
import gzip
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from math import log1p
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import svds

from sweagent.code.index.words import terms

WORDS, DIMENSIONS, NEIGHBOURS = 5000, 100, 24
LEAST_PAIRS = 2.0
"""Together so often, after dampening: more than what stands together only here and there."""
LEAST_HEARD = 50
"""Of a word that is heard less in all, what is near is chance; it is left out of the table."""
SMOOTHING = 0.75
_LONGEST_FILE, _LONGEST_TEXT, _MOST_OF_A_PROJECT = 200_000, 400, 25_000_000
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_OF_OTHERS = frozenset({"vendor", "_vendor", "vendored", "vendors", "extern", "externals"})
Pair = tuple[str, str]


def described(project: Path) -> Iterator[tuple[set[str], set[str]]]:
    """Yield the words of the documentation of each definition of a project, and those of its names."""
    left = _MOST_OF_A_PROJECT
    seen: set[bytes] = set()
    for path in sorted(project.rglob("*.py")):
        if _OF_OTHERS.intersection(path.parts) or path.stat().st_size > min(left, _LONGEST_FILE):
            continue
        content = path.read_bytes()
        left -= len(content)
        if content in seen:
            continue
        seen.add(content)
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError):
            continue
        yield from _of_children(tree, "")


def _of_children(node: ast.AST, around: str) -> Iterator[tuple[set[str], set[str]]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _DEFINITIONS):
            text = (ast.get_docstring(child) or "").partition("\n\n")[0][:_LONGEST_TEXT]
            if text:
                yield set(terms(text)), set(terms(f"{around} {child.name}"))
            yield from _of_children(child, child.name)
        elif isinstance(child, (ast.If, ast.Try)):
            yield from _of_children(child, around)


def count(projects: Sequence[Path]) -> tuple[dict[Pair, float], list[str]]:
    """Count the pairs of all projects, and return them with the words that most projects use, most first."""
    together: defaultdict[Pair, float] = defaultdict(float)
    used: Counter[str] = Counter()
    for project in projects:
        pairs: Counter[Pair] = Counter()
        for prose, names in described(project):
            pairs.update(product(prose, names))
        used.update({word for pair in pairs for word in pair})
        for pair, times in pairs.items():
            together[pair] += log1p(times)
    return together, sorted(used, key=lambda word: (-used[word], word))


def vectors(together: dict[Pair, float], words: Sequence[str]) -> Any:
    """Return a vector of unit length for each word."""
    column = {word: number for number, word in enumerate(words)}
    known = [
        (column[one], column[other], times)
        for (one, other), times in together.items()
        if one != other and one in column and other in column and times >= LEAST_PAIRS
    ]
    rows, columns, times = (np.array(part) for part in zip(*sorted(known), strict=True))
    of_row = np.bincount(rows, times, len(words))
    of_column = np.bincount(columns, times, len(words)) ** SMOOTHING
    information = np.log(times / (of_row[rows] * of_column[columns] / of_column.sum()))
    table = coo_matrix((np.maximum(information, 0), (rows, columns)), shape=(len(words), len(words))).tocsr()
    left, sizes, _ = svds(table + table.T, k=DIMENSIONS, v0=np.ones(len(words)))
    found = left * np.sqrt(sizes)
    found -= found.mean(0)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def often_heard(together: dict[Pair, float], words: Sequence[str]) -> list[int]:
    """Return the places of the words of which enough is known."""
    heard: defaultdict[str, float] = defaultdict(float)
    for (one, other), times in together.items():
        if times >= LEAST_PAIRS:
            heard[one] += times
            heard[other] += times
    return [place for place, word in enumerate(words) if heard[word] >= LEAST_HEARD]


def lines(words: Sequence[str], table: Any) -> Iterator[str]:
    """Yield a line for each word, in their order: the word, and each of its nearest with their cosine in per cent."""
    for number in sorted(range(len(words)), key=lambda place: words[place]):
        cosines = np.round(table @ table[number] * 100).astype(int)
        cosines[number] = 0
        nearest = np.lexsort((np.arange(len(words)), -cosines))[:NEIGHBOURS]
        shown = " ".join(f"{words[other]} {cosines[other]}" for other in nearest if cosines[other] > 0)
        if shown:
            yield f"{words[number]} {shown}\n"


def main() -> None:
    """Run from the command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("projects", type=Path)
    options.add_argument("--write", type=Path, help="write the table here")
    arguments = options.parse_args()
    warnings.simplefilter("ignore", SyntaxWarning)
    together, used = count(sorted(path for path in arguments.projects.iterdir() if path.is_dir()))
    words = used[:WORDS]
    table = vectors(together, words)
    heard = often_heard(together, words)
    text = "".join(lines([words[place] for place in heard], table[heard]))
    print(f"{len(together)} pairs, {len(heard)} words of {len(used)}, {len(text)} characters")
    if arguments.write:
        arguments.write.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
