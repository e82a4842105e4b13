"""Run a rewritten reproduction, and have its dump judged."""

import json
import math
import secrets
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sweagent.verify.blind.plain_program import interpreter_of
from sweagent.verify.blind.rewritten import Rewritten
from sweagent.verify.monitors import monitor_source
from sweagent.verify.proof import Side
from sweagent.verify.reproduction.another_house import in_another_house
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.command_result import FOLDER
from sweagent.verify.runs.side_runner import Command, SideRunner, SideTree

_LARGEST = 16_000_000
_JUDGING_SECONDS = 60.0
_SHARE = 0.34
"""Of the time that is left, so much may one of its runs take: the existing tests need some as well."""


class Place(Enum):
    """Where a rewritten reproduction runs, and under what."""

    HOME = "where it usually runs"
    HOUSE = "where nothing of the harness is to be seen"
    PROGRAM = "where nothing of the harness is to be seen, without a test runner"


@dataclass(frozen=True)
class Answer:
    """What the judge made of one run.

    Attributes:
        ended: how tests ended that did not come to their end, each with the kind of the exception and its file.
        begun: the tests that began.
        seen: for each assertion that was reached, whether it held, with the values.
        new: for each assertion, functions that compare its values and stand neither in the base nor in a library.
        why: why there is no answer; empty when there is one.
    """

    ended: frozenset[tuple[str, str, str]] = frozenset()
    begun: frozenset[str] = frozenset()
    seen: Mapping[int, tuple[tuple[bool | None, str], ...]] = field(default_factory=dict)
    new: Mapping[int, frozenset[tuple[str, ...]]] = field(default_factory=dict)
    why: str = ""

    @property
    def failed(self) -> frozenset[int]:
        """The assertions that did not hold."""
        return frozenset(number for number, rows in self.seen.items() if any(held is False for held, _ in rows))

    def values(self, number: int) -> frozenset[str]:
        """The values with which an assertion did not hold."""
        return frozenset(values for held, values in self.seen.get(number, ()) if held is False)


@dataclass(frozen=True)
class Asking:
    """Asks of one reproduction.

    Attributes:
        candidate: the reproduction.
        rewritten: its files.
        bench: runs it.
        enough: seconds in which a run with the patch ends; what takes longer here is ended.
    """

    candidate: ReproductionCandidate
    rewritten: Rewritten
    bench: SideRunner
    enough: float = math.inf

    def ask(self, side: SideTree, place: Place) -> Answer:
        """Run the probes on a side, and have the dump judged in a fresh sandbox with the base tree.

        Raises:
            SandboxError: the sandbox failed.
        """
        if self.bench.remaining < 2:
            return Answer(why="the time was used up")
        command, sources, program = self.candidate.command, self.rewritten.sources, self.rewritten.program
        if place is Place.PROGRAM:
            away = f"rm -rf -- {shlex.quote(program.without)}; " if program.without else ""
            command = f"{away}{interpreter_of(command)} {shlex.quote(self.rewritten.apart)}"
            sources = {self.rewritten.apart: program.source}
        job = Command(
            "reproduction, its assertions judged outside",
            command if place is Place.HOME else in_another_house(command),
            min(self.enough, self.bench.remaining * min(self.candidate.share, _SHARE)),
            files={path: data for path, data in self.candidate.files.items() if path not in self.rewritten.sources},
            own={
                **sources,
                f"{FOLDER}/{self.rewritten.probe}.py": monitor_source("blind_probe.py", record=f"{FOLDER}/record"),
            },
            record="record",
            plain=True,
            shown=command,
        )
        run = self.bench.run(side, job)
        lines = (run.record or "").splitlines()
        if len(run.record or "") > _LARGEST:
            return Answer(why="its values are too large to be judged outside")
        if not any(line.startswith(('["begin"', '["see"')) for line in lines):
            return Answer(why="none of its tests ran when it was rewritten")
        return self._judged(lines)

    def _judged(self, lines: list[str]) -> Answer:
        nonce = secrets.token_hex(8)
        question = {
            "nonce": nonce,
            "sites": [
                {"test": site.test, "level": site.level.value, "file": file}
                for site, file in zip(self.rewritten.sites, self.rewritten.files_of, strict=True)
            ],
            "tables": self.rewritten.tables,
            "imports": self.rewritten.imports,
            "dump": lines,
        }
        python = _python_of(lines)
        job = Command(
            "judge of the assertions",
            f'p={python}; [ -x "$p" ] || p=$(command -v python3 || command -v python); '
            '"$p" -I -S "{folder}/judge.py" "{folder}/question"',
            _JUDGING_SECONDS,
            own={
                f"{FOLDER}/judge.py": monitor_source("blind_judge.py"),
                f"{FOLDER}/question": json.dumps(question),
            },
            plain=True,
            shown="(the harness's own program)",
        )
        output = self.bench.run(SideTree(Side.BASE), job).completed.output
        for line in reversed(output.splitlines()):
            try:
                answer = json.loads(line)
            except ValueError:
                continue
            if isinstance(answer, dict) and answer.get("nonce") == nonce:
                return _answer(answer)
        return Answer(why="its values could not be judged outside")


def _answer(data: dict[str, Any]) -> Answer:
    ended = {(name, how[0], how[1]) for name, hows in data["ended"].items() for how in hows if how[0]}
    return Answer(
        frozenset(ended),
        frozenset(data["ended"]),
        {int(number): tuple((row[0], row[1]) for row in rows) for number, rows in data["seen"].items()},
        {int(number): frozenset(tuple(hook) for hook in hooks) for number, hooks in data["new"].items()},
    )


def _python_of(lines: Iterable[str]) -> str:
    """The interpreter that ran the tests, quoted for a shell; it starts in a tree that the patch has not touched."""
    for line in lines:
        if line.startswith('["python"'):
            try:
                return shlex.quote(str(json.loads(line)[1]))
            except (ValueError, IndexError):
                continue
    return "''"
