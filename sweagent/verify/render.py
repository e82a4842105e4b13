"""Render a proof: terminal, Markdown, feedback to the policy."""

import re
from typing import TYPE_CHECKING

from sweagent.verdict import Verdict
from sweagent.verify.proof import Cause, Proof, RegressionEvidence, ReproductionEvidence, Selection, TestChange, Weight
from sweagent.verify.sentences import assertions, coverage

if TYPE_CHECKING:
    from rich.console import RenderableType

_COLOURS = {
    Verdict.VERIFIED: "green",
    Verdict.NEEDS_REVIEW: "cyan",
    Verdict.UNVERIFIED: "yellow",
    Verdict.REGRESSED: "red",
    Verdict.REJECTED: "red",
    Verdict.NO_PATCH: "yellow",
}
_FINDINGS = {
    Weight.REJECT: "rejected for",
    Weight.REVIEW: "to be looked at",
    Weight.NOTE: "held back",
}
_NOT_ITS_OWN = (Cause.ENVIRONMENT, Cause.HARNESS, Cause.TIME)
"""What no policy can mend by another patch or reproduction."""
_SETTLED = (Verdict.VERIFIED, Verdict.NEEDS_REVIEW)
_LISTED = 10
# Invisible and direction-changing characters could make one name look like another.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")


def render_terminal(proof: Proof) -> "RenderableType":
    """The proof as something rich can print. Nothing in it is read as markup."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _facts(proof):
        table.add_row(name, Text(_visible(value)))
    colour = _COLOURS[proof.verdict]
    head = Text.assemble((proof.verdict.value, f"bold {colour}"), f"  {_visible(proof.reason)}")
    return Panel(Group(head, Text(), table), title="proof", title_align="left", border_style=colour)


def render_markdown(proof: Proof) -> str:
    """The proof as Markdown for a pull request. What comes from the repository is inert: no mentions, links or HTML."""
    lines = [f"### Proof: {proof.verdict.value}", "", _inert(proof.reason), ""]
    lines += ["| | |", "| --- | --- |"]
    lines += [f"| {name} | {_inert(value).replace('|', chr(92) + '|')} |" for name, value in _facts(proof)]
    if proof.reproductions:
        lines += ["", "| reproduction | base | with a comment only | with the patch |", "| --- | --- | --- | --- |"]
    for item in proof.reproductions:
        cells = [item.name, "; ".join(item.base), "; ".join(item.control), "; ".join(item.patched)]
        lines.append("| " + " | ".join(_inert(cell).replace("|", r"\|") or "not run" for cell in cells) + " |")
    lines += ["", "<details><summary>Commands</summary>", ""]
    for run in proof.commands:
        lines.append(f"- {run.side}, {run.purpose}, {run.seconds:.1f} s: {_code(run.command)}")
    lines += ["", "</details>", ""]
    return "\n".join(lines)


def feedback(proof: Proof) -> str:
    """What the policy is told of a patch that is not verified: short, and only what it can mend.

    Returns:
        The text; empty where nothing that the policy can change would make another verdict: what a person has to look
        at, a lack of time, an environment that fails, a fault of the harness.
    """
    if proof.verdict in _SETTLED or proof.cause in _NOT_ITS_OWN:
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
        failing = [run for run in proof.commands if run.side == "patched" and run.output]
        if failing:
            lines.append(f"The end of the last run with your patch:\n{_visible(failing[-1].output)[-1500:]}")
        if not any(item.shows_issue for item in own):
            lines.append(
                "Register a reproduction: a test or a script that runs the code, fails without your change because of "
                "the issue, and passes with it."
            )
    return "\n".join(lines)


def _selection_line(selection: Selection) -> str:
    pool = f"; run on all of them: {', '.join(selection.pool)}" if selection.pool else ""
    return f"of {selection.candidates} candidates by {selection.selector}: {selection.reason}{pool}"


def _facts(proof: Proof) -> list[tuple[str, str]]:
    accepted = proof.reproduction
    facts = [
        ("reproduction", _source_line(accepted) if accepted else ""),
        ("how it was judged", accepted.note if accepted else ""),
        ("its assertions", assertions(accepted.assertions) if accepted and accepted.assertions else ""),
        ("the change in it", coverage(accepted.coverage) if accepted and accepted.coverage else ""),
        ("without the patch", "; ".join(accepted.base) if accepted else ""),
        ("with a comment only", "; ".join(accepted.control) if accepted else ""),
        ("with the patch", "; ".join(accepted.patched) if accepted else ""),
    ]
    if proof.selection:
        facts.append(("chosen", _selection_line(proof.selection)))
    for item in () if accepted else proof.reproductions:
        facts.append(("not a reproduction", f"{_source_line(item)}: {item.reason}"))
    facts.append(("existing tests", _tests_line(proof.regression)))
    facts += [("broken by the patch", _change_line(item)) for item in proof.regression.regressions[:_LISTED]]
    facts += [("pins the issue", _change_line(item)) for item in proof.regression.pinned[:_LISTED]]
    facts += [("ended otherwise", _change_line(item)) for item in proof.regression.otherwise[:_LISTED]]
    facts.append(("under other ids", _listed(proof.regression.vanished)))
    facts.append(("not compared", _listed(proof.regression.not_compared)))
    facts += [("not settled", _change_line(item)) for item in proof.regression.unsettled[:_LISTED]]
    facts += [("flaky", _change_line(item)) for item in proof.regression.flaky[:_LISTED]]
    facts.append(("already failing", _listed(proof.regression.already_failing)))
    for finding in proof.findings:
        waived = " (allowed by the user)" if finding.waived else ""
        facts.append((_FINDINGS[finding.weight], f"{finding.location}: {finding.detail} [{finding.rule}]{waived}"))
    rules = dict.fromkeys(item.rule for item in proof.to_review)
    facts.append(("when you have looked", " ".join(f"--accept {rule}" for rule in rules)))
    facts.append(("not checked", "; ".join([*proof.not_checked[:_LISTED], *_more(proof.not_checked)])))
    facts.append(("to be mended", proof.cause.value if proof.cause else ""))
    facts.append(("hosts", "; ".join([*proof.contacts[:_LISTED], *_more(proof.contacts)])))
    image = f"{proof.sandbox} {proof.image or ''}".strip()
    facts.append(("where", f"{proof.repository} at {proof.base_commit[:12]}, {image or 'nothing was run'}"))
    facts.append(("time", f"{proof.seconds:.0f} s, {len(proof.commands)} commands, each in a fresh sandbox"))
    return [(name, value) for name, value in facts if value]


def _source_line(item: ReproductionEvidence) -> str:
    return f"{item.name} ({f'written by {item.author.value}' if item.author else item.origin.value})"


def _tests_line(regression: RegressionEvidence) -> str:
    if not regression.files:
        return "not run"
    extent = "the whole suite" if regression.whole_suite else f"{len(regression.files)} files, nearest first"
    return (
        f"{regression.passed_before} passed before, {regression.passed_after} pass now ({extent}); "
        f"planted failing test: {regression.canary}"
    )


def _change_line(change: TestChange) -> str:
    said = f" ({change.message})" if change.message else ""
    return "; ".join(filter(None, (f"{change.id}: {change.before.value}, {change.after.value} now{said}", change.note)))


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:_LISTED]), *_more(names)])


def _more(names: tuple[str, ...]) -> list[str]:
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
