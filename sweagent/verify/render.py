"""Render a proof: terminal, Markdown, feedback to the policy."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweagent.plurals import counted
from sweagent.verdict import Verdict
from sweagent.verify.proof import (
    CanaryState,
    Cause,
    Proof,
    RegressionEvidence,
    ReproductionEvidence,
    Selection,
    Side,
    TestChange,
    Weight,
)
from sweagent.verify.sentences import assertions, coverage

if TYPE_CHECKING:
    from rich.console import RenderableType

_COLOURS = {
    Verdict.VERIFIED: "green",
    Verdict.NEEDS_REVIEW: "cyan",
    Verdict.UNVERIFIED: "yellow",
    Verdict.NOT_VERIFIED: "yellow",
    Verdict.REGRESSED: "red",
    Verdict.REJECTED: "red",
    Verdict.NO_PATCH: "yellow",
}
_FINDINGS = {
    Weight.REJECT: "rejected for",
    Weight.REVIEW: "to review",
    Weight.NOTE: "noted",
}
_NOT_ITS_OWN = (Cause.ENVIRONMENT, Cause.HARNESS, Cause.TIME)
"""What no policy can mend by another patch or reproduction."""
_CANARIES: dict[CanaryState, str] = {
    CanaryState.FAILED: "failed as it must",
    CanaryState.NOT_SEEN: "not reported by the test runner",
    CanaryState.NOT_PLANTED: "none: no failing test can be added for this runner",
}
CONTROL = "control (comment-only change)"
_SETTLED = (Verdict.VERIFIED, Verdict.NEEDS_REVIEW)
_LISTED = 10
# Invisible and direction-changing characters could make one name look like another.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")


def render_terminal(proof: Proof, *, plain: bool = False) -> "RenderableType":
    """The proof as something rich can print, for any width. Nothing in it is read as markup.

    Args:
        proof: to show.
        plain: without a box.
    """
    from sweagent.verify.proof_panel import ProofPanel

    rows = tuple((name, _visible(value)) for name, value in _facts(proof))
    return ProofPanel(proof.verdict.value, _visible(proof.reason), rows, _COLOURS[proof.verdict], plain)


def render_markdown(proof: Proof) -> str:
    """The proof as Markdown for a pull request. What comes from the repository is inert: no mentions, links or HTML."""
    lines = [f"### Proof: {proof.verdict.value}", "", _inert(proof.reason), ""]
    lines += ["| | |", "| --- | --- |"]
    lines += [f"| {name} | {_inert(value).replace('|', chr(92) + '|')} |" for name, value in _facts(proof)]
    if proof.reproductions:
        lines += ["", f"| reproduction | without the patch | {CONTROL} | with the patch |", "| --- | --- | --- | --- |"]
    for item in proof.reproductions:
        cells = [item.name, *map(_outcomes, (item.base, item.control, item.patched))]
        lines.append("| " + " | ".join(_inert(cell).replace("|", r"\|") or "not run" for cell in cells) + " |")
    lines += ["", "<details><summary>Commands</summary>", ""]
    for run in proof.commands:
        kept = ", kept from earlier" if run.kept else ""
        lines.append(f"- {run.side}, {run.purpose}, {run.seconds:.1f} s{kept}: {_code(run.command)}")
    lines += ["", "</details>", ""]
    return "\n".join(lines)


def feedback(proof: Proof, summary: str = "") -> str:
    """What the policy is told of a patch that is not verified: short, and only what it can mend.

    Args:
        proof: of its patch.
        summary: what the policy says of its work. A broken test that it names there is one that it stands by.

    Returns:
        The text; empty where nothing that the policy can change would make another verdict: what a person has to look
        at, a lack of time, an environment that fails, a fault of the harness, tests that it broke knowingly.
    """
    if proof.verdict in _SETTLED or proof.cause in _NOT_ITS_OWN:
        return ""
    if _stood_by(proof.regression, summary):
        return ""
    lines = [f"The verifier says: {proof.verdict.value}. {_visible(proof.reason)}"]
    if proof.verdict is Verdict.REGRESSED:
        for change in proof.regression.regressions[:5]:
            lines.append(f"- {change.id}: {change.message or f'it is {change.after.value} now'}"[:400])
        lines.append(
            "These tests passed before your change. Mend the code without breaking them. Only where a test asserts "
            "just what the issue calls wrong, keep the change, say so in the summary of `submit`, and submit it again."
        )
    elif proof.verdict is Verdict.REJECTED:
        lines += [f"- {item.location} {item.detail}" for item in proof.findings if item.weight is Weight.REJECT][:5]
        lines.append(
            "The result has to come from the code under test alone, wherever it runs. Leave tests, their runner and "
            "the process that runs them as they are, and change what the issue is about."
        )
    elif proof.verdict is Verdict.UNVERIFIED:
        own = [item for item in proof.reproductions if item.cause not in _NOT_ITS_OWN]
        lines += [f"- {item.name}: {item.reason}" for item in own if not item.accepted][:4]
        failing = [run for run in proof.commands if run.side is Side.PATCHED and run.output]
        if failing:
            lines.append(f"The end of the last run with your patch:\n{_visible(failing[-1].output)[-1500:]}")
        if not any(item.shows_issue for item in own):
            lines.append(
                "Register a reproduction: a test or a script that runs the code, fails without your change because of "
                "the issue, and passes with it."
            )
    return "\n".join(lines)


def _stood_by(regression: RegressionEvidence, summary: str) -> bool:
    """Whether a summary names every test that got worse; asked again, the policy could only say the same."""
    names = [re.split(r"::|\.", change.id.partition("[")[0])[-1] for change in regression.regressions]
    return bool(names) and all(re.search(rf"\b{re.escape(name)}\b", summary) for name in names)


def _selection_line(selection: Selection) -> str:
    pool = f"; run on all of them: {', '.join(selection.pool)}" if selection.pool else ""
    tests = f"; existing tests compared: {', '.join(map(str, selection.tests_compared))}" if selection.pool else ""
    weak = f"; run to weaken: {', '.join(selection.weakening)}" if selection.weakening else ""
    return f"of {selection.candidates} candidates by {selection.selector}: {selection.reason}{pool}{tests}{weak}"


def _facts(proof: Proof) -> list[tuple[str, str]]:
    accepted = proof.reproduction
    facts = [
        ("reproduction", _source_line(accepted) if accepted else ""),
        ("how it was judged", accepted.note if accepted else ""),
        ("its assertions", assertions(accepted.assertions) if accepted and accepted.assertions else ""),
        ("changed code run", coverage(accepted.coverage) if accepted and accepted.coverage else ""),
        ("without the patch", _outcomes(accepted.base) if accepted else ""),
        (
            "control run",
            f"comment-only change: {_outcomes(accepted.control)}" if accepted and accepted.control else "",
        ),
        ("with the patch", _outcomes(accepted.patched) if accepted else ""),
    ]
    if proof.selection:
        facts.append(("chosen", _selection_line(proof.selection)))
        facts += [("to be looked at", remark) for remark in proof.selection.remarks]
    for item in () if accepted else proof.reproductions:
        facts.append(("not a reproduction", f"{_source_line(item)}: {item.reason}"))
    facts.append(("existing tests", _tests_line(proof.regression)))
    facts.append(("canary test", _CANARIES[proof.regression.canary] if proof.regression.files else ""))
    facts += [("broken by the patch", _change_line(item)) for item in proof.regression.regressions[:_LISTED]]
    facts += [("contradict the issue", _change_line(item)) for item in proof.regression.pinned[:_LISTED]]
    facts += [("end differently now", _change_line(item)) for item in proof.regression.otherwise[:_LISTED]]
    facts.append(("renamed by the patch", _listed(proof.regression.vanished)))
    facts.append(("not compared", _listed(proof.regression.not_compared)))
    facts += [("no time to run again", _change_line(item)) for item in proof.regression.unsettled[:_LISTED]]
    facts += [("flaky", _change_line(item)) for item in proof.regression.flaky[:_LISTED]]
    facts.append(("already failing", _listed(proof.regression.already_failing)))
    for finding in proof.findings:
        waived = " (allowed by the user)" if finding.waived else ""
        facts.append((_FINDINGS[finding.weight], f"{finding.location}: {finding.detail} [{finding.rule}]{waived}"))
    rules = dict.fromkeys(item.rule for item in proof.to_review)
    facts.append(("after your review", " ".join(f"--accept {rule}" for rule in rules)))
    others = [item for item in proof.not_checked if item not in proof.regression.not_compared]
    facts.append(("not checked", "; ".join([*others[:_LISTED], *_more(others)])))
    facts.append(("to fix first", proof.cause.value if proof.cause else ""))
    facts.append(("hosts contacted", "; ".join([*proof.contacts[:_LISTED], *_more(proof.contacts)])))
    image = f"{proof.sandbox} {proof.image or ''}".strip()
    facts.append(("where", f"{proof.repository} at {proof.base_commit[:12]}, {image or 'nothing was run'}"))
    fresh = [run for run in proof.commands if not run.kept]
    facts.append(("time", f"{proof.seconds:.0f} s, {counted(len(fresh), 'command')}, each in a fresh sandbox"))
    facts.append(("kept from earlier", _kept_line(len(proof.commands) - len(fresh))))
    return [(name, value) for name, value in facts if value]


def _outcomes(outcomes: tuple[str, ...]) -> str:
    """What runs of one side came to; the same outcome of several runs is said once, with their number."""
    counts = Counter(outcomes)
    return "; ".join(f"{outcome} (in {number} runs)" if number > 1 else outcome for outcome, number in counts.items())


def _source_line(item: ReproductionEvidence) -> str:
    return f"{item.name} ({f'written by {item.author.value}' if item.author else item.origin.value})"


def _kept_line(number: int) -> str:
    said = "of base and control, which were run for an earlier verification of this run"
    return f"{counted(number, 'result')} {said}" if number else ""


def _tests_line(regression: RegressionEvidence) -> str:
    if not regression.files:
        return "not run"
    extent = "the whole suite" if regression.whole_suite else f"{counted(len(regression.files), 'file')}, nearest first"
    return f"{regression.passed_before} passed before, {regression.passed_after} pass now ({extent})"


def _change_line(change: TestChange) -> str:
    said = f" ({change.message})" if change.message else ""
    return "; ".join(filter(None, (f"{change.id}: {change.before.value}, {change.after.value} now{said}", change.note)))


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:_LISTED]), *_more(names)])


def _more(names: Sequence[str]) -> list[str]:
    return [f"{len(names) - _LISTED} more"] if len(names) > _LISTED else []


def _visible(text: str) -> str:
    return _UNSEEN.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _inert(text: str) -> str:
    """Text that Markdown shows as it is; a code span keeps mentions and references from having effects."""
    text = _visible(text).replace("\n", " ").strip()
    return _code(text) if re.search(r"[@#<>\[\]*_`~!&:\\]", text) else text


def _code(text: str) -> str:
    text = _visible(text).replace("\n", " ")
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"
