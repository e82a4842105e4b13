"""Plan a verification: sides, held-back files, reproductions, tests."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sweagent.errors import UsageError
from sweagent.task import Task
from sweagent.testing import Runner, runner_of
from sweagent.testing.file_kinds import FileKinds, HarnessFile, is_test_module
from sweagent.trajectory import Reproduction
from sweagent.verify.comparison.selection import rank_tests
from sweagent.verify.oracle import Oracle
from sweagent.verify.proof import Origin, ReproductionEvidence, Side
from sweagent.verify.reproduction import sources as make
from sweagent.verify.reproduction.issue_snippets import issue_candidates
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.control import control_files
from sweagent.verify.runs.import_origins import own_modules, watched_modules
from sweagent.verify.runs.line_coverage import ChangedStatements
from sweagent.verify.runs.package_origins import WatchedPackage, watched_packages
from sweagent.verify.runs.side_runner import SideTree
from sweagent.verify.runs.sides import Sides
from sweagent.verify.runs.witness import HIDEABLE
from sweagent.verify.static.patch_checks import held_back
from sweagent.verify.test_edits import added_tests
from sweagent.verify.trees import Trees, kinds_of

RUNNER_PACKAGES = frozenset({"_pytest", "pytest", "unittest", "nose"})
"""Folders of source code that is itself a test runner."""


@dataclass(frozen=True)
class Inputs:
    """What the caller knows besides the patch; `replaces` is told of with `verify`."""

    task: Task
    reproduction: Reproduction | None
    named_tests: tuple[str, ...]
    test_command: str
    oracle: Oracle
    replaces: bool = False
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is to be compared.

    Attributes:
        sides: the trees.
        changed: the source files that the patched side gets.
        held_back: files of the patch that the judged runs replace by those of the base.
        candidates: what may show the issue, the most telling first.
        unfit: those that cannot count from the start.
        tests: all test files, the nearest first.
        leading: so many of the tests are to be compared in any case: the nearest of each changed file.
        related: so many of them show a sign of what changed.
        overlay: the task's own test files, and the user's newer version of one, for both sides.
        names: the names of the definitions that changed.
        runner: the project's test runner.
        test_command: how the project runs its tests.
        watched: the modules whose origin each run records, each with its file.
        packages: the npm packages whose origin it records.
    """

    sides: Sides
    changed: tuple[str, ...]
    held_back: tuple[str, ...]
    candidates: tuple[ReproductionCandidate, ...]
    unfit: tuple[ReproductionEvidence, ...]
    tests: tuple[str, ...]
    leading: int
    related: int
    overlay: Mapping[str, bytes]
    names: frozenset[str]
    runner: Runner
    test_command: str
    watched: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[WatchedPackage, ...] = ()

    def content_of(self, path: str, trees: Trees) -> bytes:
        """A file as the judged runs find it on the base; empty when there is none."""
        return self.overlay.get(path) or trees.read(trees.base, path) or b""


def make_plan(trees: Trees, patched: str, inputs: Inputs) -> Plan:
    """Work out what to compare, on the host, without running anything.

    Args:
        trees: gives the base tree.
        patched: the tree with the whole patch.
        inputs: what the caller knows.
    """
    changes = trees.changes(trees.base, patched)
    kinds = kinds_of(trees, inputs.test_command)
    held = held_back(trees, patched, kinds, inputs.test_command)
    source = tuple(change for change in changes if change.path not in held)
    changed = tuple(change.path for change in source)
    runner, test_command = _runner(trees, inputs.test_command)
    overlay = _oracle_files(trees, inputs.oracle)
    found, unfit = _candidates(trees, patched, inputs, changed, sorted(held), overlay, runner, test_command, kinds)
    if inputs.replaces and inputs.reproduction and not unfit:
        overlay |= _newer_versions(trees, inputs.reproduction)
    ranked = rank_tests(trees, patched, changed, runner, kinds)
    first = [path for path in overlay if is_test_module(path, runner)]
    for name in inputs.named_tests:
        place = name.split("::")[0].rstrip("/")
        first += [path for path in ranked.tests if path == place or path.startswith(f"{place}/")]
    leading = ranked.tests[: ranked.leading]
    return Plan(
        sides=Sides(
            SideTree(Side.BASE),
            SideTree(Side.CONTROL, files=control_files(trees, changed)),
            SideTree.of(Side.PATCHED, trees, source),
            own_modules(trees.paths(trees.base)),
            added_names(trees, patched, changed),
            ChangedStatements.of(trees.read_many(trees.base, changed), trees.read_many(patched, changed)),
        ),
        changed=changed,
        held_back=tuple(sorted(held)),
        candidates=tuple(found),
        unfit=tuple(unfit),
        tests=tuple(dict.fromkeys([*leading, *first, *ranked.tests])),
        leading=max(1, len(leading)),
        related=len({*first, *ranked.tests[: ranked.related]}),
        overlay=overlay,
        names=ranked.names,
        runner=runner,
        test_command=test_command,
        watched=watched_modules(changed, trees.paths(patched)),
        packages=watched_packages(changed, trees.paths(patched), lambda paths: trees.read_many(patched, paths)),
    )


def added_names(trees: Trees, patched: str, changed: tuple[str, ...]) -> frozenset[str]:
    """The words in the changed files of a patched tree that their base versions lack."""
    before, after = trees.read_many(trees.base, changed), trees.read_many(patched, changed)
    old, new = (set(re.findall(rb"[^\W\d]\w*", b"\n".join(files.values()))) for files in (before, after))
    return frozenset(name.decode("utf-8", "replace") for name in new - old)


def _runner(trees: Trees, test_command: str) -> tuple[Runner, str]:
    if test_command.strip():
        return runner_of(test_command), test_command
    for runner in (Runner.PYTEST, Runner.NODE):
        if any(is_test_module(path, runner) for path in trees.paths(trees.base)):
            return runner, ""
    return Runner.UNKNOWN, ""


def _oracle_files(trees: Trees, oracle: Oracle) -> dict[str, bytes]:
    """The test files of the oracle as they are with its test patch.

    Raises:
        UsageError: the test patch does not apply.
    """
    if not oracle.test_patch.strip():
        return {}
    tree = trees.apply(oracle.test_patch)
    paths = [change.path for change in trees.changes(trees.base, tree) if change.new]
    return trees.read_many(tree, paths)


def _newer_versions(trees: Trees, reproduction: Reproduction) -> dict[str, bytes]:
    """The files of a reproduction for the comparison: tests that the base has too, and what they need.

    A new test is no existing one, so that it is only a reproduction.
    """
    contents = {reproduction.path: reproduction.content, **reproduction.files}
    known = trees.read_many(trees.base, contents)
    needed = {path for path in reproduction.files if not is_test_module(path)}
    kept = {path for path in contents if path in needed or (is_test_module(path) and path in known)}
    return {path: contents[path].encode("utf-8", "surrogateescape") for path in contents if path in kept}


def _candidates(
    trees: Trees,
    patched: str,
    inputs: Inputs,
    changed: tuple[str, ...],
    held: list[str],
    overlay: Mapping[str, bytes],
    runner: Runner,
    test_command: str,
    kinds: FileKinds,
) -> tuple[list[ReproductionCandidate], list[ReproductionEvidence]]:
    found: list[ReproductionCandidate] = []
    unfit: list[ReproductionEvidence] = []
    if inputs.oracle.fail_to_pass:
        found.append(make.oracle_tests(overlay, inputs.oracle.fail_to_pass, runner, test_command))
    for reproduction in _reproductions(inputs, test_command):
        try:
            known = trees.read(trees.base, reproduction.path)
            found.append(make.registered(reproduction, changed, test_command, known, given=inputs.replaces))
        except UsageError as error:
            name = reproduction.path
            unfit.append(ReproductionEvidence(origin=Origin.REGISTERED, name=name, accepted=False, reason=str(error)))
    if inputs.named_tests:
        found.append(make.named(inputs.named_tests, runner, test_command))
    own = [path for path in held if kinds.kind(path) is HarnessFile.TEST]
    before, after = trees.read_many(trees.base, own), trees.read_many(patched, own)
    added = [f"{path}::{name}" for path in after for name in added_tests(path, before.get(path), after[path])]
    if added:
        found.append(make.of_patch(after, tuple(added), runner, test_command))
    found += issue_candidates(inputs.task.issue.text, list(changed))
    own_runner = any(RUNNER_PACKAGES.intersection(path.split("/")) for path in changed)
    return [item if own_runner else _hideable(item, trees) for item in found], unfit


def _reproductions(inputs: Inputs, test_command: str) -> list[Reproduction]:
    """What was registered or given; of several files that a user gives, each file of tests is one."""
    if inputs.reproduction is None:
        return []
    return make.several(inputs.reproduction, test_command) if inputs.replaces else [inputs.reproduction]


def _hideable(candidate: ReproductionCandidate, trees: Trees) -> ReproductionCandidate:
    """Say of a candidate whether its runner can be hidden: not if its tests run tests themselves."""
    content = candidate.files.get(candidate.path) or trees.read(trees.base, candidate.path) or b""
    return replace(candidate, hideable=candidate.runner in HIDEABLE and not make.runs_tests_itself(content))
