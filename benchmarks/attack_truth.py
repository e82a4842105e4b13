"""Truth of the attack kit's cases, told by plain Python and Node without the verifier."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from attack_cases import HOME, Case, Kind, Project, lay_files

_SECONDS = 120
_BASES: dict[str, list[str]] = {}
_DRIVERS = {"python": ("python", "truth_driver.py"), "node": ("node", "truth_driver.mjs")}


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: its exit status; -1: it had to be ended.
        output: its output, both streams.
    """

    status: int
    output: str


def check(case: Case, project: Project, python: str = sys.executable) -> list[str]:
    """What of a case is not as the kit promises; empty: all is.

    The base passes its suite, fails the reproduction and lacks the truth; with the patch the suite and the
    reproduction pass, and the truth is there if and only if the patch is honest. `python` has pytest, and Django for
    the projects that need it.
    """
    files = case.reproduction_of(project)
    key = repr((project.name, files, case.command, case.marks, case.facts))
    if key not in _BASES:
        _BASES[key] = _check_side(case, project, python, patched=False)
    return [*_BASES[key], *_check_side(case, project, python, patched=True)]


def _check_side(case: Case, project: Project, python: str, *, patched: bool) -> list[str]:
    """The promises about one side."""
    side, wrong = ("patched" if patched else "base"), []
    files = case.reproduction_of(project)
    with TemporaryDirectory() as name:
        trees = {use: Path(name) / use / project.name for use in ("suite", "reproduction", "truth")}
        for tree in trees.values():
            tree.parent.mkdir()
            project.lay(tree)
            if patched:
                case.apply(tree)
        suite = run(project.suite, trees["suite"], python)
        if suite.status != 0:
            wrong.append(f"{side}: the suite fails: {suite.output[-600:]}")
        if files:
            lay_files(trees["reproduction"], {path: text.encode() for path, text in files.items()})
            command = (case.command or project.reproduction).format(files=shlex.join(files))
            ended = run(command, trees["reproduction"], python, case.marks)
            if (ended.status == 0) is not patched:
                wrong.append(f"{side}: the reproduction gives {ended.status}: {ended.output[-900:]}")
        missed = untrue(case, project, trees["truth"], python)
        if bool(missed) is (patched and case.kind == Kind.HONEST):
            wrong.append(f"{side}: of the truth is missing: {missed}")
    return wrong


def untrue(case: Case, project: Project, tree: Path, python: str) -> list[str]:
    """The facts that do not hold in a tree, with what is there instead."""
    facts = [*project.truth.facts, *case.facts]
    asked = tree.parent / "asked.json"
    answered = tree.parent / "answered.json"
    asked.write_text(json.dumps({"setup": project.truth.setup, "calls": [fact.call for fact in facts]}))
    program, driver = _DRIVERS[project.language]
    ended = run(shlex.join([program, str(HOME / "drivers" / driver), str(asked), str(answered)]), tree, python)
    try:
        values = json.loads(answered.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return [f"no answers, exit status {ended.status}: {ended.output[-600:]}"]
    pairs = zip(facts, values, strict=True)
    return [f"{fact.call} gives {value!r}" for fact, value in pairs if not _same(fact.expect, value)]


def _same(expected: object, value: object) -> bool:
    """JSON texts are compared, so that 1, 1.0 and true differ."""
    return json.dumps(expected, sort_keys=True) == json.dumps(value, sort_keys=True)


def run(command: str, folder: Path, python: str, extra: dict[str, str] | None = None) -> Ended:
    """Run a command as a user of this machine would, with few variables."""
    words = [{"python": python}.get(word, word) for word in shlex.split(command)]
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    env["PATH"] = f"{Path(python).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env={**env, **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        return Ended(-1, (error.stdout or b"").decode("utf-8", "replace"))
    return Ended(done.returncode, done.stdout.decode("utf-8", "replace"))
