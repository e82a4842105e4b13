"""Run the reproductions of all attempts on the candidates of all."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from sweagent.config import VerifySettings
from sweagent.errors import SandboxError, UsageError
from sweagent.patch import Patch
from sweagent.task import Task
from sweagent.trajectory import Reproduction
from sweagent.verify.plan import added_names
from sweagent.verify.proof import Cause, Side, Weight
from sweagent.verify.reproduction.failures import lacking, misfit
from sweagent.verify.reproduction.hangs import enough, first_deadline, hangs, no_end
from sweagent.verify.reproduction.readings import Asked, Reading, State, before_the_patch, what_fails, with_the_patch
from sweagent.verify.reproduction.slowness import judge_speed
from sweagent.verify.reproduction.sources import ReproductionCandidate, registered
from sweagent.verify.runs.control import control_files
from sweagent.verify.runs.forgery import find_forgery
from sweagent.verify.runs.import_origins import own_modules, watched_modules
from sweagent.verify.runs.kept_results import KeptResults
from sweagent.verify.runs.package_origins import WatchedPackage, watched_packages
from sweagent.verify.runs.side_runner import CommandResult, SandboxOpener, SideRunner, SideTree
from sweagent.verify.runs.targets import told_anew
from sweagent.verify.static.patch_checks import held_back
from sweagent.verify.trees import Trees, kinds_of, open_trees

_BASE = SideTree(Side.BASE)
_SLOW_SHARE = 1 / 6
"""What a reproduction that needs more than the first deadline may take of the time that is left, for each run."""


def judge_pool(
    task: Task,
    patches: Sequence[Patch],
    reproductions: Sequence[Reproduction],
    *,
    sandboxes: SandboxOpener,
    test_command: str = "",
    settings: VerifySettings | None = None,
    known: Mapping[tuple[int, int], bool] | None = None,
    kept: KeptResults | None = None,
) -> list[tuple[bool | None, ...]]:
    """Run every reproduction on the base and a control, once, and then on every candidate.

    What this gives ranks candidates, and is no proof: a single failure on the base and on a control is enough for a
    reproduction, and a single run for a candidate that passes it.

    Args:
        task: the repository and the issue.
        patches: the candidates.
        reproductions: the pool.
        sandboxes: opens a fresh sandbox with the base tree.
        test_command: how the project runs its tests.
        settings: how much time there is for all of it.
        known: what proofs have shown already, by the positions of patch and reproduction; it is not run again.
        kept: what base and control came to earlier in the run.

    Returns:
        For each patch, whether it passes each reproduction; None where that shows nothing: the reproduction does not
        fail on the base, it cannot be run beside the patch, or the time was used up.
    """
    settings, known = settings or VerifySettings(), known or {}
    bench = SideRunner(sandboxes, settings.seconds, time.monotonic, kept=kept)
    with closing(bench), open_trees(task.repository) as trees:
        matrix = _Matrix(trees, bench, test_command or task.test_command or "", task.issue.text)
        rows = [matrix.row(patch) for patch in patches]
        columns = []
        for number, item in enumerate(reproductions):
            asked = {position: row for position, row in enumerate(rows) if row and (position, number) not in known}
            seen = matrix.column(item, asked) if asked else {}
            columns.append([known.get((position, number), seen.get(position)) for position in range(len(rows))])
    return list(zip(*columns, strict=True)) if columns else [() for _ in rows]


@dataclass(frozen=True)
class _Row:
    """A candidate: its tree, the sources that it changes, and what of them is watched."""

    side: SideTree
    changed: tuple[str, ...]
    watched: Mapping[str, str]
    packages: tuple[WatchedPackage, ...]


@dataclass(frozen=True)
class _Shown:
    """A reproduction that fails without a patch: the tests that do, and the runs on base and control."""

    candidate: ReproductionCandidate
    asked: Asked
    runs: tuple[CommandResult, CommandResult]

    @property
    def no_end(self) -> bool:
        """Whether a run did not come to its end."""
        return any(map(no_end, self.runs))

    @property
    def patience(self) -> float:
        """Seconds after which a run with a patch hangs, and is not merely slow."""
        return self.runs[0].job.timeout if self.no_end else enough(*self.runs)


class _Matrix:
    def __init__(self, trees: Trees, bench: SideRunner, test_command: str, issue_text: str) -> None:
        self._trees, self._bench, self._test_command, self._issue = trees, bench, test_command, issue_text
        self._kinds, self._own = kinds_of(trees, test_command), own_modules(trees.paths(trees.base))
        self._names: frozenset[str] = frozenset()

    def row(self, patch: Patch) -> _Row | None:
        """What of a patch is judged; None where nothing of it can be."""
        trees = self._trees
        try:
            tree = trees.apply(patch.text) if patch else trees.base
        except UsageError:
            return None
        held = held_back(trees, tree, self._kinds, self._test_command)
        changes = tuple(change for change in trees.changes(trees.base, tree) if change.path not in held)
        changed, paths = tuple(change.path for change in changes), trees.paths(tree)
        if not changed:
            return None
        self._names |= added_names(trees, tree, changed)
        packages = watched_packages(changed, paths, lambda names: trees.read_many(tree, names))
        return _Row(SideTree.of(Side.PATCHED, trees, changes), changed, watched_modules(changed, paths), packages)

    def column(self, reproduction: Reproduction, rows: Mapping[int, _Row]) -> dict[int, bool | None]:
        """Whether candidates pass a reproduction, by their positions."""
        fit = {position: row for position, row in rows.items() if self._candidate(reproduction, row.changed)}
        changed = tuple(dict.fromkeys(path for row in fit.values() for path in row.changed))
        candidate = self._candidate(reproduction, changed) if fit else None
        if candidate is None:
            return {}
        self._bench.watched = {name: path for row in fit.values() for name, path in row.watched.items()}
        self._bench.packages = tuple(dict.fromkeys(item for row in fit.values() for item in row.packages))
        control = SideTree(Side.CONTROL, files=control_files(self._trees, changed))
        try:
            if candidate.faster:
                return {position: self._faster(candidate, control, row) for position, row in fit.items()}
            shown = self._shown(candidate, control)
            return dict(self._cells(shown, fit)) if shown else {}
        except SandboxError:
            return {}

    def _candidate(self, reproduction: Reproduction, changed: tuple[str, ...]) -> ReproductionCandidate | None:
        before = self._trees.read(self._trees.base, reproduction.path)
        try:
            return registered(reproduction, changed, self._test_command, before)
        except UsageError:
            return None

    def _faster(self, candidate: ReproductionCandidate, control: SideTree, row: _Row) -> bool | None:
        if self._bench.remaining < 1:
            return None
        told = judge_speed(candidate, self._bench, _BASE, control, row.side)
        return True if told.accepted else False if told.cause is Cause.PATCH else None

    def _shown(self, candidate: ReproductionCandidate, control: SideTree) -> _Shown | None:
        """The reproduction, or the whole of its files, if it fails on the base and on a control."""
        runs = self._without_a_patch(candidate, control)
        if runs is None:
            return None
        asked = Asked(candidate.wanted)
        readings = [before_the_patch(run, candidate, asked) for run in runs]
        if all(reading.state in (State.FAILED, State.NO_END) for reading in readings):
            if readings[0].state is State.FAILED and self._is_unfit(readings[0], candidate):
                return None
            for reading in readings:
                if reading.state is State.FAILED and candidate.runner is not None:
                    asked = what_fails(reading, asked, candidate.path, open_ended=candidate.open_ended)
            return _Shown(candidate, asked, runs)
        whole = replace(candidate, command=candidate.whole, whole="")
        return self._shown(whole, control) if candidate.whole else None

    def _without_a_patch(
        self, candidate: ReproductionCandidate, control: SideTree
    ) -> tuple[CommandResult, CommandResult] | None:
        """A run on the base and one on the control: a short deadline first, then a part of the time that is left."""
        remaining = self._bench.remaining
        if remaining < 1:
            return None
        first, later = first_deadline(remaining), remaining * _SLOW_SHARE
        runs = self._pair(candidate, control, first)
        return self._pair(candidate, control, later) if any(map(no_end, runs)) and later > first else runs

    def _pair(
        self, candidate: ReproductionCandidate, control: SideTree, seconds: float
    ) -> tuple[CommandResult, CommandResult]:
        job = replace(candidate.job(seconds), reusable=True)
        base, other = self._bench.together((_BASE, job), (control, job))
        return base, other

    def _is_unfit(self, before: Reading, candidate: ReproductionCandidate) -> bool:
        """Whether the failure on the base belongs to the reproduction or to the environment, and not to the issue."""
        lack = lacking(before.run, before.bad, candidate.path, self._own)
        return bool(lack or misfit(before.run, candidate.path, self._issue, before.bad, self._names))

    def _cells(self, shown: _Shown, rows: Mapping[int, _Row]) -> Iterator[tuple[int, bool | None]]:
        """Run it on the candidates, two at a time, and once more on those that do not pass."""
        items = list(rows.items())
        for pair in (items[start : start + 2] for start in range(0, len(items), 2)):
            if self._bench.remaining < 1:
                return
            job = shown.candidate.job(min(self._bench.remaining, shown.patience))
            runs = self._bench.together(*((row.side, job) for _, row in pair))
            for (position, row), run in zip(pair, runs, strict=True):
                passed = self._passed(shown, row, run)
                if passed is False and self._bench.remaining > 1:
                    again = self._passed(shown, row, self._bench.run(row.side, job))
                    passed = None if again else again
                yield position, passed

    def _passed(self, shown: _Shown, row: _Row, run: CommandResult) -> bool | None:
        base = shown.runs[0]
        renamed = told_anew(base.report.outcomes(), run.report.outcomes()) if shown.candidate.open_ended else {}
        reading = with_the_patch(run, shown.candidate, shown.asked, renamed)
        if any(stray.path in row.changed for stray in run.strays):
            return None
        if reading.state is State.NO_END:
            return False if not shown.no_end and hangs(run, *shown.runs) else None
        if reading.state is State.PASSED and shown.no_end and not all(hangs(other, run) for other in shown.runs):
            return None
        forged = any(item.weight is Weight.REJECT for item in find_forgery(shown.runs, [run]))
        return reading.state is State.PASSED and not forged
