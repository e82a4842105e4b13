"""What a proof costs: its wall time against four bare runs of the same tests in the same containers.

    python benchmarks/proof_cost.py                    # a project of 41 tests that is made for it
    python benchmarks/proof_cost.py --rounds 9 --sandbox bubblewrap

Any proof needs four runs: base and patched, twice each. A bare run is the project's test command in a container that is
open already. Bare runs and proofs take turns within one process, so that what else the machine does slows both; the
ratio of the medians is what to quote, with the load that is printed beside it.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from sweagent.config import SandboxSettings, Settings
from sweagent.patch import Patch
from sweagent.repository import open_repository
from sweagent.sandbox_factory import Workplace, prepare
from sweagent.task import Issue, Task
from sweagent.trajectory import Reproduction
from sweagent.verify import Proof, verify

_MODULES, _TESTS = 8, 5
WORK = "def area(a, b):\n    return a * b\n\n\ndef ring(n):\n    return [i % 7 for i in range(n)]\n"
BUG = "def total(items):\n    return sum(items[1:])\n"
FIXED = "def total(items):\n    return sum(items)\n"
_TEST = "import pytest\n\nfrom shop.part{number} import area, ring\n\n"
_CASE = "\ndef test_{name}():\n    assert area({name_number}, 2) == {twice}\n    assert len(ring(20000)) == 20000\n\n"
SHOWS = "from shop.cart import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n"


def main() -> int:
    """Measure and print."""
    options = _options()
    with TemporaryDirectory(prefix="proof-cost-") as folder:
        top = Path(folder, "project")
        make(top)
        repository = open_repository(str(top))
        task = Task(id="proof-cost", repository=repository, issue=Issue(title="total() forgets the first item"))
        patch = Patch(base_commit=repository.base_commit, text=_patch(top))
        settings = Settings(sandbox=SandboxSettings(kind=options.sandbox))
        with prepare(task, settings, "proof-cost", lambda text: print(text, file=sys.stderr)) as place:
            print(json.dumps(_measured(task, patch, place, options.rounds), indent=2))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sandbox", default="docker")
    return parser.parse_args()


def _measured(task: Task, patch: Patch, place: Workplace, rounds: int) -> dict[str, object]:
    bare, whole = [], []
    by_purpose: defaultdict[str, list[float]] = defaultdict(list)
    proof: Proof | None = None
    for _ in range(rounds):
        bare += _bare(place)
        started = time.monotonic()
        proof = verify(
            task,
            patch,
            sandboxes=place.open,
            reproduction=Reproduction(
                path="tests/test_cart_total.py",
                content=SHOWS,
                command="python -m pytest tests/test_cart_total.py",
                kind="test",
            ),
            replaces=True,
            test_command=place.test_command or "python -m pytest",
        )
        whole.append(time.monotonic() - started)
        for run in proof.commands:
            by_purpose[f"{run.purpose}, {run.side}"].append(run.seconds)
    four = 4 * median(bare)
    return {
        "verdict": proof.verdict.value if proof else "",
        "tests": proof.regression.compared if proof else 0,
        "commands": len(proof.commands) if proof else 0,
        "bare run, s": round(median(bare), 2),
        "proof, s": round(median(whole), 2),
        "ratio to four bare runs": round(median(whole) / four, 2),
        "seconds of a command": {name: round(median(values), 2) for name, values in by_purpose.items()},
        "load": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
    }


def _bare(place: Workplace) -> list[float]:
    """Seconds of two runs of the whole suite, each in a container that is open already."""
    seconds = []
    for _ in range(2):
        with place.open() as sandbox:
            started = time.monotonic()
            sandbox.run("python -m pytest -q", fresh=True, timeout=300)
            seconds.append(time.monotonic() - started)
    return seconds


def make(top: Path) -> None:
    """Make the project, as a repository of one commit, in a folder."""
    files = {"shop/__init__.py": "", "shop/cart.py": BUG, "pyproject.toml": _PROJECT}
    for number in range(_MODULES):
        files[f"shop/part{number}.py"] = WORK
        cases = (_CASE.format(name=f"case_{number}_{case}", name_number=case, twice=2 * case) for case in range(_TESTS))
        files[f"tests/test_part{number}.py"] = _TEST.format(number=number) + "".join(cases)
    files["tests/test_cart.py"] = "from shop.cart import total\n\n\ndef test_none():\n    assert total([]) == 0\n"
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text, encoding="utf-8")
    _git(top, "init", "-q")
    _git(top, "add", "-A")
    _git(top, "commit", "-q", "-m", "base")


_PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "shop"
version = "1"
optional-dependencies.test = ["pytest"]

[tool.setuptools]
packages = ["shop"]
"""


def _patch(top: Path) -> str:
    (top / "shop/cart.py").write_text(FIXED, encoding="utf-8")
    text = _git(top, "diff", "--binary")
    _git(top, "checkout", "-q", ".")
    return text


def _git(top: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Cost", "-c", "user.email=cost@example.org")
    dates = {f"GIT_{role}_DATE": "1700000000 +0000" for role in ("AUTHOR", "COMMITTER")}
    done = subprocess.run(
        ["git", "-C", str(top), *identity, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **dates},
    )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
