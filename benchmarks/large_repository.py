"""Index a made repository of very many files: CPU and peak memory of the index and of a query.

    python benchmarks/large_repository.py [--files 50000]

Every file is another: its words are drawn from a vocabulary of invented names by a fixed seed.
"""

import argparse
import random
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from code_speed import QUESTION, timed

from sweagent.code import locate, open_index

_SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aio"]
_SEED = 7


def sources(count: int) -> Iterator[tuple[str, str]]:
    """Yield paths and texts of modules with a class of six methods each."""
    made = random.Random(_SEED)
    names = ["".join(made.choices(_SYLLABLES, k=made.randint(2, 4))) for _ in range(20_000)]
    weights = [1 / (rank + 10) for rank in range(len(names))]
    for number in range(count):
        words = iter(made.choices(names, weights, k=200))
        lines = [f"from package{number % 50}.part{number % 997} import {next(words)}", "", ""]
        lines.append(f"class {next(words).title()}{number}:")
        for method in range(6):
            lines.append(f"    def {next(words)}_{next(words)}_{method}(self, {next(words)}):")
            lines += [f"        {next(words)} = self.{next(words)}({next(words)}, '{next(words)}')" for _ in range(6)]
            lines += [f"        return {next(words)}", ""]
        yield f"package{number % 50}/part{number % 997}/module{number}.py", "\n".join(lines)


def make(folder: Path, count: int) -> None:
    """Make a bare repository with one commit of so many files."""
    subprocess.run(["git", "init", "-q", "--bare", folder], check=True)
    with subprocess.Popen(["git", "-C", folder, "fast-import", "--quiet"], stdin=subprocess.PIPE) as importer:
        if importer.stdin is None:
            raise RuntimeError("git was started without a pipe")
        importer.stdin.write(b"commit refs/heads/main\ncommitter a <a@example.org> 0 +0000\ndata 4\nmade\n")
        for path, text in sources(count):
            data = text.encode()
            importer.stdin.write(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=50_000)
    files = parser.parse_args().files
    with tempfile.TemporaryDirectory() as temporary:
        folder, cache = Path(temporary, "repository"), Path(temporary, "cache")
        make(folder, files)
        index = timed("cold index", lambda: open_index(folder, "main", cache))
        timed("first query (makes the tables)", lambda: locate(index, QUESTION))
        timed("query", lambda: locate(index, QUESTION))
        size = sum(path.stat().st_size for path in cache.iterdir()) / 2**20
        print(f"{len(index.sources)} files; on disk {size:.0f} MiB")


if __name__ == "__main__":
    main()
