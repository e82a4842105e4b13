"""Make a verdict's sentences from its evidence."""

from collections.abc import Iterable

from sweagent.plurals import counted
from sweagent.verify.proof import AssertionCounts, Coverage, RegressionEvidence, ReproductionEvidence, TestChange

_NAMED = 3


def proved(shown: ReproductionEvidence, regression: RegressionEvidence) -> str:
    """What was shown of a patch: the reproduction, and both counts of the existing tests with what is between them."""
    return f"{shown.name} fails without the patch and passes with it; {compared(regression)}"


def compared(regression: RegressionEvidence) -> str:
    """What became of the existing tests: as before only where the counts and every outcome are the same."""
    before, after = regression.passed_before, regression.passed_after
    tests = "test passes" if before == 1 else "tests pass"
    apart = (*regression.otherwise, *regression.pinned, *regression.fixed, *regression.flaky)
    if before == after and not apart:
        said = f"{before} existing {tests} as before"
    else:
        said = f"of {regression.compared} existing tests that were compared {before} passed before and {after} pass now"
        said += _group("end differently now", regression.otherwise)
        said += _group("pinned what the reproduction calls wrong", regression.pinned)
        said += _group("now passing", regression.fixed)
        said += _group("unsteady", regression.flaky)
    if regression.vanished:
        names = listed(regression.vanished)
        said += f"; {len(regression.vanished)} reported under other ids now, not compared one by one: {names}"
    if regression.not_compared:
        more = len(regression.not_compared) - 1
        said += f"; not compared: {regression.not_compared[0]}{f', and {more} more' if more else ''}"
    return said


def regressed(regression: RegressionEvidence) -> str:
    """Name the tests that got worse, and what they came to."""
    changes = regression.regressions
    return f"passed before and not any more: {_changes(changes)}"


def assertions(counts: AssertionCounts) -> str:
    """How far the assertions of a reproduction were out of the patched code's reach."""
    ways = (
        (counts.blind, "judged blind"),
        (counts.outside, "compared outside of the process"),
        (counts.by_origin, "by functions of the base or a library"),
        (counts.in_process, "in the process only"),
    )
    total = sum(number for number, _ in ways)
    return f"{counted(total, 'assertion')}: {', '.join(f'{number} {way}' for number, way in ways if number)}"


def coverage(found: Coverage) -> str:
    """How much of the change a reproduction executed, and what of it cannot be seen."""
    ran = f"{found.ran} of {found.statements} changed statement{'s' * (found.statements != 1)} ran"
    said = [ran] if found.statements else []
    return "; ".join([*said, *(f"not measurable: {reason}" for reason in found.unseen)])


def listed(names: Iterable[str]) -> str:
    """The first few names, and how many there are more."""
    known = list(names)
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return f"{', '.join(known[:_NAMED])}{more}"


def _group(what: str, changes: tuple[TestChange, ...]) -> str:
    return f"; {what}: {_changes(changes)}" if changes else ""


def _changes(changes: Iterable[TestChange]) -> str:
    return listed(f"{item.id} ({item.after.value})" for item in changes)
