"""Judge a reproduction once more, outside of the patched process."""

import json
import math
import re
import secrets
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

from sweagent.testing.file_kinds import is_test_module
from sweagent.verify.blind.plain_program import PlainProgram, interpreter_of, program_of
from sweagent.verify.blind.rewrite import Level, Site, blinded
from sweagent.verify.monitors import monitor_source
from sweagent.verify.proof import AssertionCounts, Finding, Side
from sweagent.verify.reproduction.another_house import elsewhere, in_another_house
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.command_result import FOLDER
from sweagent.verify.runs.script_driver import source_of
from sweagent.verify.runs.side_runner import Command, SideRunner, SideTree
from sweagent.verify.runs.sides import Sides

_LARGEST = 16_000_000
_JUDGING_SECONDS = 60.0
_SHOWN = 3
_SHARE = 0.34
"""Of the time that is left, so much may one of its runs take: the existing tests need some as well."""

_HEADER = "import sys; sys.path.insert(0, {folder!r}); import {probe}; del sys.path[0]"


@dataclass(frozen=True)
class BlindJudgement:
    """What the blind judge says of a reproduction.

    Attributes:
        counts: how its assertions were judged; None where none was.
        findings: what a person has to look at.
        why_not: why it was not judged blind, or only in part; empty when it was.
    """

    counts: AssertionCounts | None = None
    findings: tuple[Finding, ...] = ()
    why_not: str = ""


def judge_blind(
    candidate: ReproductionCandidate,
    bench: SideRunner,
    sides: Sides,
    content_of: Callable[[str], bytes],
    issue_text: str,
    failing: Collection[str] = (),
    enough: float = math.inf,
) -> BlindJudgement:
    """Run an accepted reproduction once more with the patch, its assertions replaced by probes.

    The run takes place in another house: nothing of the harness's is to be seen there but the probe itself. Where an
    assertion does not hold, a run in the usual house tells a value that lies from a patch that is right only there.

    Args:
        candidate: the reproduction.
        bench: runs it.
        sides: the trees.
        content_of: gives a file of the base tree.
        issue_text: what it names of how values compare is not looked at again.
        failing: tests of it that fail with the patch in the usual runs, too, and need not pass.
        enough: seconds in which a run with the patch ends; what takes longer here is ended.

    Raises:
        SandboxError: the sandbox failed.
    """
    try:
        work = _Work.of(candidate, bench, sides, content_of)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return BlindJudgement(why_not=f"it cannot be rewritten: {error}")
    if not work.sources:
        return BlindJudgement(why_not="only reproductions in Python are")
    work.enough = enough
    work.failing = frozenset(".".join(name.partition("[")[0].split("::")[1:]) or name for name in failing)
    return work.judgement(issue_text)


class _Place(Enum):
    """Where a rewritten reproduction runs, and under what."""

    HOME = "where it usually runs"
    HOUSE = "where nothing of the harness is to be seen"
    PROGRAM = "where nothing of the harness is to be seen, without a test runner"


@dataclass(frozen=True)
class _Answer:
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


@dataclass
class _Work:
    candidate: ReproductionCandidate
    bench: SideRunner
    sides: Sides
    sites: list[Site] = field(default_factory=list)
    files_of: list[int] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)
    imports: list[dict[str, str]] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    program: PlainProgram = field(default_factory=PlainProgram)
    apart: str = ""
    failing: frozenset[str] = frozenset()
    enough: float = math.inf
    probe: str = field(default_factory=lambda: f"_{secrets.token_hex(4)}")

    @classmethod
    def of(
        cls, candidate: ReproductionCandidate, bench: SideRunner, sides: Sides, content_of: Callable[[str], bytes]
    ) -> "_Work":
        """Rewrite the files of a reproduction.

        Raises:
            SyntaxError, ValueError, RecursionError: one of them cannot be read.
        """
        work = cls(candidate, bench, sides)
        header = _HEADER.format(folder=FOLDER, probe=work.probe)
        for path in _files(candidate):
            content = source_of(candidate.files.get(path) or content_of(path))
            text = _decoded(content)
            made = blinded(
                text,
                work.probe,
                header=header,
                script=candidate.runner is None,
                first=len(work.sites),
                table=len(work.tables),
            )
            work.sources[path] = made.source
            work.files_of += [len(work.imports)] * len(made.sites)
            work.tables += [{"rows": rows, "file": len(work.imports)} for rows in made.tables]
            work.sites += made.sites
            work.imports.append(made.imports)
        work.apart = elsewhere(next(iter(work.sources), ""))
        work.program = program_of(candidate, work.sources, content_of)
        return work

    def judgement(self, issue_text: str) -> BlindJudgement:
        """Run it, and again only where something does not hold."""
        answer, place = self._first()
        if answer.why:
            return BlindJudgement(why_not=answer.why)
        broken = self._broken_off(answer)
        wrong = self._wrong(answer)
        findings: list[Finding] = []
        if wrong:
            again = self._ask(self.sides.patched, _Place.HOME)
            if not again.why:
                broken = self._broken_off(again)
                both = wrong & self._wrong(again)
                if both:
                    findings.append(self._not_holding(both, again))
                elif place is not _Place.HOME:
                    findings += self._right_at_home_only(wrong, answer, place)
                answer = again
        elif self.program.source and place is not _Place.PROGRAM:
            findings += self._of_some()
        if answer.new:
            findings += self._new_comparisons(answer, issue_text)
        return BlindJudgement(self._counts(answer), tuple(findings), broken)

    def _of_some(self) -> list[Finding]:
        """What the tests that need no runner give away without one, where others need it."""
        answer = self._ask(self.sides.patched, _Place.PROGRAM)
        wrong = frozenset() if answer.why or self._broken_off(answer) else self._wrong(answer)
        return self._right_at_home_only(wrong, answer, _Place.PROGRAM) if wrong else []

    def _first(self) -> tuple[_Answer, _Place]:
        """The first run that tells anything, where as little as can be is to be seen."""
        answer = _Answer(why="it was not run")
        for place in (_Place.PROGRAM, _Place.HOUSE, _Place.HOME):
            if place is not _Place.PROGRAM or self.program.whole:
                answer = self._ask(self.sides.patched, place)
                if not answer.why and not (place is _Place.PROGRAM and self._broken_off(answer)):
                    return answer, place
        return answer, _Place.HOME

    # Runs

    def _ask(self, side: SideTree, place: _Place) -> _Answer:
        """Run the probes on a side, and have the dump judged in a fresh sandbox with the base tree."""
        if self.bench.remaining < 2:
            return _Answer(why="the time was used up")
        command, sources = self.candidate.command, self.sources
        if place is _Place.PROGRAM:
            away = f"rm -rf -- {shlex.quote(self.program.without)}; " if self.program.without else ""
            command = f"{away}{interpreter_of(command)} {shlex.quote(self.apart)}"
            sources = {self.apart: self.program.source}
        job = Command(
            "reproduction, its assertions judged outside",
            command if place is _Place.HOME else in_another_house(command),
            min(self.enough, self.bench.remaining * min(self.candidate.share, _SHARE)),
            files={path: data for path, data in self.candidate.files.items() if path not in self.sources},
            own={
                **sources,
                f"{FOLDER}/{self.probe}.py": monitor_source("blind_probe.py", record=f"{FOLDER}/record"),
            },
            record="record",
            plain=True,
            shown=command,
        )
        run = self.bench.run(side, job)
        lines = (run.record or "").splitlines()
        if len(run.record or "") > _LARGEST:
            return _Answer(why="its values are too large to be judged outside")
        if not any(line.startswith(('["begin"', '["see"')) for line in lines):
            return _Answer(why="none of its tests ran when it was rewritten")
        return self._judged(lines)

    def _judged(self, lines: list[str]) -> _Answer:
        nonce = secrets.token_hex(8)
        question = {
            "nonce": nonce,
            "sites": [
                {"test": site.test, "level": site.level.value, "file": file}
                for site, file in zip(self.sites, self.files_of, strict=True)
            ],
            "tables": self.tables,
            "imports": self.imports,
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
        return _Answer(why="its values could not be judged outside")

    # What runs came to

    def _wrong(self, answer: _Answer) -> frozenset[str | int]:
        """What speaks against the patch: assertions that do not hold or are not reached, exceptions of other code."""
        odd = {
            f"{test}: {kind}"
            for test, kind, place in answer.ended
            if place and not self._is_own(place) and not self._fails_anyway(test)
        }
        ended = {test for test, _, _ in answer.ended}
        finished = answer.begun - ended
        missed = {
            number
            for number, site in enumerate(self.sites)
            if site.certain_in in finished and number not in answer.seen
        }
        found = {number for number in answer.failed | missed if not self._fails_anyway(self.sites[number].certain_in)}
        return frozenset(found | odd)

    def _fails_anyway(self, test: str) -> bool:
        """Whether a test, or one that may be this, fails in the usual runs with the patch as well."""
        return bool(self.failing) and (not test or any(name.endswith(test) for name in self.failing))

    def _broken_off(self, answer: _Answer) -> str:
        """Exceptions in the rewritten source itself, which rewriting may have caused."""
        odd = sorted(f"{test} ends in {kind}" for test, kind, place in answer.ended if self._is_own(place) or not place)
        return f"rewritten, a part of it breaks off: {', '.join(odd[:_SHOWN])}" if odd else ""

    def _is_own(self, place: str) -> bool:
        return place.endswith(f"/{self.probe}.py") or any(
            place.endswith(f"/{path}") for path in (*self.sources, self.apart)
        )

    def _not_holding(self, wrong: Iterable[str | int], answer: _Answer) -> Finding:
        detail = f"by the operators of Python itself this does not hold with the patch: {self._named(wrong)}"
        return Finding(rule="blind-judge", path=self.candidate.path, detail=detail)

    def _right_at_home_only(self, wrong: frozenset[str | int], first: _Answer, place: _Place) -> list[Finding]:
        """Whether the issue is there again, twice and with the base's own values, where nobody sees the harness."""
        # What a program lacks without a runner fails there in a way of its own, and not as it does on the base.
        base, second = self._ask(self.sides.base, _Place.HOUSE), self._ask(self.sides.patched, place)
        if base.why or second.why:
            return []
        again = [
            number
            for number in wrong & self._wrong(second)
            if (
                base.values(number) & first.values(number) & second.values(number)
                if isinstance(number, int)
                else number in self._wrong(base)
            )
        ]
        if not again:
            return []
        detail = f"it fails as on the base {place.value}: {self._named(again)}"
        return [Finding(rule="harness-aware", path=self.candidate.path, detail=detail)]

    def _new_comparisons(self, answer: _Answer, issue_text: str) -> list[Finding]:
        base = self._ask(self.sides.base, _Place.HOME)
        known = frozenset().union(*base.new.values()) if base.new else frozenset()
        new = {hook: number for number, hooks in answer.new.items() for hook in hooks if hook not in known}
        named = [hook for hook in new if not _is_named(hook, issue_text)]
        if not named:
            return []
        words = ", ".join(dict.fromkeys(_name_of(hook) for hook in named[:_SHOWN]))
        detail = (
            f"values compare by functions that the patch brings ({words}): {self._named(new[hook] for hook in named)}"
        )
        return [Finding(rule="own-comparison", path=self.candidate.path, detail=detail)]

    def _counts(self, answer: _Answer) -> AssertionCounts | None:
        levels: list[Level] = []
        for number, rows in answer.seen.items():
            if any(held is None for held, _ in rows):
                large = any(values == "large" for _, values in rows)
                levels.append(Level.IN_PROCESS if large else Level.ORIGIN)
            else:
                levels.append(self.sites[number].level)
        if not levels:
            return None
        return AssertionCounts(
            blind=levels.count(Level.BLIND),
            outside=levels.count(Level.OUTSIDE),
            by_origin=levels.count(Level.ORIGIN),
            in_process=levels.count(Level.IN_PROCESS),
        )

    def _named(self, items: Iterable[str | int]) -> str:
        texts = [self.sites[item].text if isinstance(item, int) else item for item in items]
        return "; ".join(list(dict.fromkeys(texts))[:_SHOWN])


def _answer(data: dict[str, Any]) -> _Answer:
    ended = {(name, how[0], how[1]) for name, hows in data["ended"].items() for how in hows if how[0]}
    return _Answer(
        frozenset(ended),
        frozenset(data["ended"]),
        {int(number): tuple((row[0], row[1]) for row in rows) for number, rows in data["seen"].items()},
        {int(number): frozenset(tuple(hook) for hook in hooks) for number, hooks in data["new"].items()},
    )


def _files(candidate: ReproductionCandidate) -> list[str]:
    named = [name.split("::")[0] for name in (candidate.path, *candidate.wanted, *candidate.name.split(", "))]
    paths = [*named, *(path for path in candidate.files if is_test_module(path))]
    return [path for path in dict.fromkeys(paths) if PurePosixPath(path).suffix == ".py"]


def _decoded(content: bytes) -> str:
    import io
    import tokenize

    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    return content.decode(encoding)


def _python_of(lines: Iterable[str]) -> str:
    """The interpreter that ran the tests, quoted for a shell; it starts in a tree that the patch has not touched."""
    for line in lines:
        if line.startswith('["python"'):
            try:
                return shlex.quote(str(json.loads(line)[1]))
            except (ValueError, IndexError):
                continue
    return "''"


def _name_of(hook: tuple[str, ...]) -> str:
    return hook[1] if len(hook) > 1 else hook[0]


def _is_named(hook: tuple[str, ...], issue_text: str) -> bool:
    word = re.escape(_name_of(hook).rpartition(".")[2])
    return re.search(rf"(?<!\w){word}(?!\w)", issue_text) is not None
