"""Measure the seconds from a label to the first comment and to the pull request, by `act` and a forge on this machine.

    python benchmarks/action_latency.py [--repeat 1] [--kind hash-locked] [--gate-only]

The hardened workflow of `docs/examples/` runs with a script in place of a model, on a repository of two files. Each
job installs the action anew, as on a fresh machine of a runner: with the action's hash-locked requirements, or with
the newest of everything, as it was before. Both take turns, since machine and package index are not always as fast.
"""

import argparse
import io
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "forge"))

from standin import Standin, Token  # noqa: E402 - they lie beside the tests
from test_composite_action import TOKEN, Runner  # noqa: E402

FILES = {
    "calc.py": "def add(a, b):\n    return a - b\n",
    "test_calc.py": "from calc import add\n\n\ndef test_zero():\n    assert add(1, 0) == 1\n",
}
NEWEST = '"$python" -I -m pip install --quiet --disable-pip-version-check "$ACTION_PATH"'


class Fresh(Runner):
    """A runner on which the action installs itself."""

    newest = False
    patience = 7200

    def _action(self) -> Path:
        target: Path = self.folder / "action"
        target.mkdir()
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(target, filter="data")
        if self.newest:
            text = (target / "action.yml").read_text(encoding="utf-8")
            begin, end = text.index("            if command -v uv"), text.index("            touch")
            install = f'            python3 -I -m venv --clear "$folder"\n            {NEWEST}\n'
            (target / "action.yml").write_text(text[:begin] + install + text[end:], encoding="utf-8")
        return target


class Newest(Fresh):
    """A runner on which the action installs the newest of everything that it needs, for each job."""

    newest = True


def measure(kind: type[Fresh], *, gate_only: bool) -> dict[str, float]:
    """Label an issue, and see when something happens."""
    with tempfile.TemporaryDirectory() as name, Standin(_made(Path(name) / "forge")) as standin:
        repo = standin.add_repository("acme/calc", FILES)
        standin.add_issue(repo, 7, "add() subtracts", "`add(1, 2)` gives -1.")
        repo.permissions.update(maintainer="write")
        standin.tokens[TOKEN] = Token(login="github-actions[bot]", user=False)
        more = ("--env", "PIP_NO_CACHE_DIR=1", *(("--job", "gate") if gate_only else ()))
        runner = kind(standin, repo, _made(Path(name) / "runner"), python="", more=more)
        start, seen, done = time.monotonic(), dict[str, float](), threading.Event()
        signs: dict[str, Callable[[], Any]] = {
            "first comment": lambda: repo.comments.get(7),
            **({} if gate_only else {"pull request": lambda: repo.pulls}),
        }

        def look() -> None:
            while not done.wait(0.05):
                for sign, there in signs.items():
                    if sign not in seen and there():
                        seen[sign] = time.monotonic() - start

        watcher = threading.Thread(target=look)
        watcher.start()
        before = _processor()
        code, log = runner.label("hardened.yml")
        seen["processor"] = _processor() - before
        done.set()
        watcher.join()
        if code or not signs.keys() <= seen.keys():
            raise SystemExit(log)
        return seen


def _processor() -> float:
    """Seconds of processor time of what was started here and has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def main() -> None:
    """Print a row for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=1, help="measurements of each kind")
    parser.add_argument("--kind", choices=("hash-locked", "newest"), help="only this kind of installation")
    parser.add_argument("--gate-only", action="store_true", help="stop after the first job, which comments")
    given = parser.parse_args()
    for _ in range(given.repeat):
        for name, kind in (("hash-locked", Fresh), ("newest", Newest)):
            if given.kind not in (None, name):
                continue
            seen = measure(kind, gate_only=given.gate_only)
            said = (f"{what} {seconds:.0f} s" for what, seconds in seen.items())
            print(name, *said, f"load {os.getloadavg()[0]:.0f}", sep=", ", flush=True)


if __name__ == "__main__":
    main()
