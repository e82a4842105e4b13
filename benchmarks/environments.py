"""How many environments can be built: source distributions from PyPI, and commits of the projects of SWE-bench.

    python benchmarks/environments.py sdists --out results.jsonl
    python benchmarks/environments.py commits --mirror FOLDER --tasks FILE --out results.jsonl
    python benchmarks/environments.py both --mirror FOLDER --tasks FILE --out results.jsonl
    python benchmarks/environments.py report results.jsonl
    python benchmarks/environments.py cache --mirror FOLDER
    python benchmarks/environments.py disk

Both lists were fixed before anything was tried; failures stay in. A case that the result file has already is skipped,
so a run can be stopped and gone on with. `--mirror` names a folder of git directories `<owner>+<name>/repo`; of a
project that it lacks, source distributions of spread dates are taken instead where they were listed.
"""

import argparse
import json
import os
import re
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

from sweagent.config import Settings
from sweagent.environment import Image, discover, disk_use, ensure_image, list_images, prune
from sweagent.environment.bases.offline_base import context_archive
from sweagent.environment.build.image_gc import touch
from sweagent.environment.build.smoke import smoke_test
from sweagent.environment.docker_build import IMAGES, LABEL, owner
from sweagent.environment.registry.dated_registry import Registry
from sweagent.environment.registry.settings import read_registry_settings
from sweagent.errors import FixIssueError
from sweagent.sandbox.engine import connect
from sweagent.task import Repository

T = TypeVar("T")
Case = tuple[str, Callable[[], Repository]]
"""A name, and what makes the repository."""

SDISTS = (
    # By downloads among the packages whose source distribution carries tests.
    "urllib3", "requests", "charset-normalizer", "idna", "packaging", "python-dateutil", "six", "pyyaml", "click",
    "attrs", "jinja2", "markupsafe", "cffi", "pluggy", "pydantic", "certifi", "platformdirs", "rsa", "pyasn1",
    "jmespath", "tomli", "werkzeug", "flask", "itsdangerous", "pytz", "wrapt", "isodate", "more-itertools", "zipp",
    "sqlparse", "tabulate", "cachetools", "docutils", "psutil", "aiohttp", "multidict", "yarl", "sqlalchemy",
    "pygments",
    "beautifulsoup4", "simplejson", "ruamel.yaml", "httpx", "pendulum", "toolz",
)  # fmt: skip

RELEASES = {
    # For projects whose history is not at hand; their source distributions carry the tests.
    "django/django": ("2.0", "2.2", "3.1", "4.0", "4.2"),
    "matplotlib/matplotlib": ("3.0.3", "3.3.4", "3.5.3", "3.7.5", "3.9.4"),
    "scikit-learn/scikit-learn": ("0.20.4", "0.22.2.post1", "0.24.2", "1.0.2", "1.3.2"),
}

FURTHER = {"sympy/sympy": 3, "sphinx-doc/sphinx": 2, "pytest-dev/pytest": 2}
"""Commits beside the five, for four projects have fewer than five: sixty in all."""

COMPILED = frozenset({"astropy/astropy", "matplotlib/matplotlib", "scikit-learn/scikit-learn"})

MORE = 3
"""So many times the limit gets a second run of tests of which none had ended at the first one's limit."""

_END = 6_000
"""Characters of the output of a case that failed, kept in the result file to find out why."""


def _cases_of(path: Path) -> dict[str, tuple[str, ...]]:
    """Five commits a project, spread over the dates, from a file of SWE-bench's tasks; of some a few between these."""
    tasks: dict[str, list[tuple[str, str]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        task = json.loads(line)
        tasks.setdefault(task["repo"], []).append((task["created_at"], task["base_commit"]))
    chosen = {}
    for name, dated in sorted(tasks.items()):
        commits = [commit for _, commit in sorted(set(dated))]
        places = {round(index * (len(commits) - 1) / 4) for index in range(5)}
        between = {round((index + 0.5) * (len(commits) - 1) / 4) for index in range(FURTHER.get(name, 0))} - places
        chosen[name] = tuple(commits[place] for place in [*sorted(places), *sorted(between)])
    return chosen


def _sdists(folder: Path) -> Iterator[Case]:
    for name in SDISTS:
        yield name, partial(_unpacked, name, folder)


def _unpacked(name: str, folder: Path, version: str = "") -> Repository:
    """A source distribution, by default the newest, as a repository of one commit, dated as the release was."""
    registry = Registry(read_registry_settings(), frozenset())
    ending = f"-{version}.tar.gz" if version else ".tar.gz"
    sdists = [file for file in registry.files(name) if file.name.endswith(ending)]
    sdists = [file for file in sdists if not re.search(r"\d(a|b|rc|\.dev)\d", file.name) and not file.yanked]
    sdist = max(sdists, key=lambda file: (file.uploaded or date.min, file.name))
    archive = folder / sdist.name
    with registry.file(sdist.url, {}) as answer:
        archive.write_bytes(answer.read())
    registry.close()
    root = folder / f"{name}{version}-tree"
    with tarfile.open(archive) as packed:
        packed.extractall(root, filter="data")
    (tree,) = root.iterdir()
    day = f"{sdist.uploaded}T12:00:00Z"
    variables = {
        "PATH": "/usr/bin:/bin", "GIT_AUTHOR_DATE": day, "GIT_COMMITTER_DATE": day, "GIT_AUTHOR_NAME": "b",
        "GIT_AUTHOR_EMAIL": "b@localhost", "GIT_COMMITTER_NAME": "b", "GIT_COMMITTER_EMAIL": "b@localhost",
    }  # fmt: skip
    version = sdist.name.removesuffix(".tar.gz").rsplit("-", 1)[-1]
    for arguments in (["init", "-q"], ["add", "-Af"], ["commit", "-qm", "release"], ["tag", f"v{version}"]):
        subprocess.run(["git", "-C", str(tree), *arguments], check=True, env=variables)
    commit = subprocess.run(
        ["git", "-C", str(tree), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    return Repository(source=str(tree), git_dir=str(tree / ".git"), base_commit=commit, name=f"pypi/{name}")


def _commits(tasks: Path, mirror: Path, folder: Path) -> Iterator[Case]:
    """The first commits of all projects, then the second ones, so that a run that is stopped has seen many projects.

    Of projects that are compiled for long the first comes in the middle, the others at the end.
    """
    chosen = _cases_of(tasks)
    rounds = 5 + max(FURTHER.values())
    quick = [(place, name) for place in range(rounds) for name in chosen if name not in COMPILED]
    slow = [(place, name) for place in range(5) for name in chosen if name in COMPILED]
    middle = len(quick) // 2
    for place, name in [*quick[:middle], *slow[: len(COMPILED)], *quick[middle:], *slow[len(COMPILED) :]]:
        commits = chosen[name]
        git_dir = mirror / name.replace("/", "+") / "repo"
        if not git_dir.is_dir():
            for version in RELEASES.get(name, ())[place : place + 1]:
                yield f"{name} {version}", partial(_unpacked, name.split("/")[1], folder, version)
        elif place < len(commits):
            commit = commits[place]
            repository = Repository(source=name, git_dir=str(git_dir), base_commit=commit, name=name)
            yield f"{name}@{commit[:12]}", partial(_given, repository)


def _given(repository: Repository) -> Repository:
    return repository


def _measure(case: str, make: Callable[[], Repository], seconds: float) -> dict[str, object]:
    """Build one environment and run its tests; every failure is a result."""
    started = time.monotonic()
    result: dict[str, object] = {"case": case, "built": False, "collected": 0, "passed": 0.0, "why": ""}
    try:
        repository = make()
        recipe = discover(repository.git_dir, repository.base_commit, name=repository.name)
        image = ensure_image(recipe, repository, Settings(), log=lambda line: None)
        result |= {"built": True, "version": recipe.toolchain.value, "steps": list(image.steps)}
        result |= {"minutes": (time.monotonic() - started) / 60, "megabytes": _megabytes(image)}
        result["limit"] = seconds
        smoke = smoke_test(image, seconds=seconds)
        if smoke.timed_out and not smoke.ran:
            # On a busy machine a large suite may be collected only just then.
            result["limit"] = seconds * MORE
            smoke = smoke_test(image, seconds=seconds * MORE)
    except (FixIssueError, OSError, ValueError, subprocess.CalledProcessError) as error:
        spent = (time.monotonic() - started) / 60
        return {"minutes": spent} | result | {"why": _last_line(str(error)), "end": str(error)[-_END:]}
    counts = {outcome.value: number for outcome, number in smoke.report.counts.items()}
    result |= {"collected": smoke.report.ran, "passed": smoke.passed, "counts": counts, "timed_out": smoke.timed_out}
    result["crashed"] = bool(smoke.report.problem) and not smoke.timed_out
    if not smoke.ran or smoke.passed < 0.9 or result["crashed"]:
        result |= {"why": smoke.report.problem or _last_line(smoke.output), "end": smoke.output[-_END:]}
    return result


def _megabytes(image: Image) -> int:
    return next((round(stored.size / 1e6) for stored in list_images() if stored.name == image.name), 0)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "rror" in line and not re.search(r"^note:|subprocess|non-zero code", line)]
    telling = [line for line in lines if "No matching distribution found" in line] or telling
    return (telling or lines or [""])[-1][:300]


def _run(lists: list[Iterator[Case]], out: Path, seconds: float, limit: int, only: list[str]) -> None:
    """Measure what the result file lacks, one case of each list in turn; of them those that have a part in `only`."""
    done = {json.loads(line)["case"] for line in out.read_text().splitlines()} if out.exists() else set()
    waiting = [
        [case for case in cases if case[0] not in done and (not only or any(part in case[0] for part in only))]
        for cases in lists
    ]
    for case, make in (case for turn in zip_longest(*waiting) for case in turn if case):
        result = _measure(case, make, seconds)
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        print(json.dumps({key: value for key, value in result.items() if key != "end"}), flush=True)
        prune(limit)


def _report(path: Path) -> None:
    """The tables of both lists."""
    results = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    releases = sorted((r for r in results if "/" not in r["case"]), key=lambda result: SDISTS.index(result["case"]))
    commits = sorted((result for result in results if "/" in result["case"]), key=lambda result: result["case"])
    for heading, rows, listed in (
        ("Source distributions", releases, len(SDISTS)),
        ("Commits of SWE-bench's projects", commits, 60),
    ):
        if rows:
            print(f"## {heading}\n\n{_summary(rows, listed)}\n\n{_table(rows)}\n")


def _summary(results: list[dict[str, Any]], listed: int) -> str:
    collected = [result for result in results if result["collected"]]
    passing = [result for result in collected if result["passed"] >= 0.9 and not result.get("crashed")]
    at_once = sum("attempt 1: ok" in result.get("steps", ()) for result in results)
    minutes = sorted(result["minutes"] for result in results)
    sizes = sorted(result["megabytes"] for result in results if "megabytes" in result)
    return (
        f"{len(results)} of {listed} tried: {sum(result['built'] for result in results)} built ({at_once} at the "
        f"first attempt); {len(collected)} with "
        f"tests collected ({len(collected) / len(results):.0%}); {len(passing)} with at least 90% passing "
        f"({len(passing) / len(results):.0%}).\nBuild minutes: median {minutes[len(minutes) // 2]:.1f}, most "
        f"{minutes[-1]:.1f}. Image megabytes: median {sizes[len(sizes) // 2]}, most {sizes[-1]}."
    )


def _table(results: list[dict[str, Any]]) -> str:
    lines = ["| case | interpreter | tests run | passed | build minutes | image MB | why not |", "|---" * 7 + "|"]
    for result in results:
        ran = f"{result['collected']}{' (ended at the limit)' if result.get('timed_out') else ''}"
        lines.append(
            f"| {result['case']} | {result.get('version', '')} | {ran} | {result['passed']:.0%} | "
            f"{result['minutes']:.1f} | {result.get('megabytes', '')} | {result['why'].replace('|', '/')} |"
        )
    return "\n".join(lines)


def _cache(mirror: Path) -> None:
    """Second build, ten callers at once, and the next commit: seconds and layers."""
    git_dir = mirror / "pallets+flask" / "repo"
    commits = subprocess.run(
        ["git", "--git-dir", str(git_dir), "log", "-3", "--format=%H", "4c288bc97e"],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    repositories = [
        Repository(source="flask", git_dir=str(git_dir), base_commit=c, name="pallets/flask") for c in commits
    ]

    def ensure(repository: Repository) -> Image:
        recipe = discover(repository.git_dir, repository.base_commit, name=repository.name)
        return ensure_image(recipe, repository, Settings(), log=lambda line: None)

    first = _timed("first build", lambda: ensure(repositories[0]))
    again = _timed("the same again", lambda: ensure(repositories[0]))
    other = _timed("the commit before", lambda: ensure(repositories[1]))
    client = connect()
    layers = [client.images.get(image.id).attrs["RootFS"]["Layers"] for image in (first, other)]
    client.close()
    print(f"layers shared with the commit before: {len(set(layers[0]) & set(layers[1]))} of {len(layers[0])}")
    with ThreadPoolExecutor(10) as pool:
        images = _timed("ten callers at once, a third commit", lambda: list(pool.map(ensure, [repositories[2]] * 10)))
    print(f"builds done for ten callers: {sum(not image.cached for image in images)}; cached again: {again.cached}")
    print(f"first was {'cached' if first.cached else 'built'}")


def _disk(limit: int) -> None:
    """Fifty images of ten megabytes each, with the limit held after every one."""
    client = connect()
    most = 0
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        labels = [f"LABEL {LABEL}=environment {LABEL}.owner={owner()}"]
        for number in range(50):
            content = context_archive({"data": os.urandom(10**7)}).getvalue()
            name = f"{IMAGES}:disk-{os.getpid()}-{number}"
            repository, tag = name.split(":")
            client.api.import_image_from_data(content, repository=repository, tag=tag, changes=labels)
            touch(name)
            prune(limit)
            most = max(most, disk_use())
        left = [image.name.rsplit("-", 1)[1] for image in list_images()]
        print(f"50 images of 10 MB, limit {limit / 1e6:.0f} MB: at most {most / 1e6:.0f} MB; left are {left}")
        prune(0)
    client.close()


def _timed(what: str, act: Callable[[], T]) -> T:
    started = time.monotonic()
    result = act()
    print(f"{what}: {time.monotonic() - started:.1f} s", flush=True)
    return result


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("sdists", "commits", "both", "report", "cache", "disk"))
    parser.add_argument("results", nargs="?", type=Path)
    parser.add_argument("--out", type=Path, default=Path("environments.jsonl"))
    parser.add_argument("--mirror", type=Path)
    parser.add_argument("--tasks", type=Path, help="a JSONL file of SWE-bench's tasks")
    parser.add_argument("--seconds", type=float, default=600.0, help="limit of each test run")
    parser.add_argument("--only", nargs="*", default=[], help="parts of the names of the cases to measure")
    parser.add_argument("--disk", type=float, default=20.0, help="gigabytes of images that may stay")
    options = parser.parse_args()
    limit = int(options.disk * 1e9)
    if options.what in ("sdists", "commits", "both"):
        with tempfile.TemporaryDirectory() as name:
            folder, cases = Path(name), []
            if options.what != "commits":
                cases.append(_sdists(folder))
            if options.what != "sdists":
                cases.append(_commits(options.tasks, options.mirror, folder))
            _run(cases, options.out, options.seconds, limit, options.only)
    elif options.what == "report":
        _report(options.results or options.out)
    elif options.what == "cache":
        _cache(options.mirror)
    else:
        _disk(200 * 10**6)


if __name__ == "__main__":
    main()
