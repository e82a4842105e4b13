"""Title, body and commit message of a pull request."""

import re
from collections.abc import Sequence

from sweagent.forge.proposal import TITLE, Proposal
from sweagent.forge.rules import Change, Objection
from sweagent.forge.text.escape import code_block, code_span, defused, inert, inert_line, inert_words
from sweagent.plurals import counted

LIMIT = 60_000
"""Characters of a body; GitHub allows 65,536."""
BEGIN = "<!-- fix-issue:begin -->"
END = "<!-- fix-issue:end -->"
_SECTION = re.compile(rf"{re.escape(BEGIN)}.*?{re.escape(END)}", re.S)
_FILES_SHOWN = 50


def title_of(proposal: Proposal, template: str = TITLE, limit: int = 200) -> str:
    """The title of the pull request.

    Args:
        proposal: what is offered.
        template: `{title}` and `{number}` stand for those of the issue; everything else is the user's.
        limit: characters of the issue's title.
    """
    number = "" if proposal.issue.number is None else str(proposal.issue.number)
    values = {"{title}": inert_line(proposal.issue.title, limit), "{number}": number}
    return re.sub(r"\{(?:title|number)\}", lambda match: values[match.group()], template)


def commit_message(proposal: Proposal, template: str = TITLE, signed_off_by: str = "") -> str:
    """The commit's message. It closes nothing by itself: the pull request does."""
    number = proposal.issue.number
    lines = [title_of(proposal, template, 66), ""]
    if proposal.summary:
        lines += [inert_line(proposal.summary, 1000), ""]
    if number is not None:
        lines.append(f"Issue: {number}")
    lines += [f"Verdict: {proposal.verdict}", f"Generated-by: fix-issue {inert_line(proposal.version, 40)}".rstrip()]
    if signed_off_by:
        lines.append(f"Signed-off-by: {signed_off_by}")
    return "\n".join(lines) + "\n"


def body_of(
    proposal: Proposal,
    changes: Sequence[Change],
    objections: Sequence[Objection],
    notes: Sequence[str],
    *,
    same_repository: bool,
) -> str:
    """The body of the pull request, between two hidden markers.

    Args:
        proposal: what is offered.
        changes: the files that differ.
        objections: what a person must look at.
        notes: what happened on the way, in our own words.
        same_repository: whether the issue is in the repository that the pull request is made in.
    """
    head = [_reference(proposal, same_repository=same_repository)]
    head += [f"> **{proposal.verdict.capitalize()}.** {inert_words(proposal.reason)}", ""]
    if proposal.summary:
        head += ["### Cause and change", "", inert(proposal.summary), ""]
    head += ["### Files", "", *_files(changes), ""]
    if objections or proposal.to_review:
        head += ["### To be looked at", ""]
        head += [f"- {code_span(item.path or 'the whole patch')}: {item.reason}" for item in objections]
        head += [*(f"- {inert_words(item)}" for item in proposal.to_review), ""]
    tail = ["### Not verified", "", *(f"- {inert_words(item)}" for item in proposal.not_checked), ""]
    tail = tail if proposal.not_checked else []
    if notes:
        tail += ["### Notes", "", *(f"- {note}" for note in notes), ""]
    tail += [_run(proposal), ""]
    proof = defused(proposal.proof_markdown).strip() or "There is no proof."
    room = LIMIT - sum(len(line) + 1 for line in (*head, *tail)) - 200
    if len(proof) > room:
        # As code: the cut may be within a table, a block or a folded part.
        proof = (
            code_block(proof[: max(room, 0)].rpartition("\n")[0], LIMIT) + "\n\n(cut: the whole proof is with the run)"
        )
    return "\n".join([BEGIN, *head, proof, "", *tail, END])


def merged_body(old: str, new: str) -> str:
    """Put a new section in place of the old one; what people wrote around it stays.

    A body without a section was rewritten by a person: the section then goes to its end.
    """
    if _SECTION.search(old):
        return _SECTION.sub(lambda _: new, old, count=1)
    return f"{old.rstrip()}\n\n{new}" if old.strip() else new


def _reference(proposal: Proposal, *, same_repository: bool) -> str:
    if proposal.issue.number is None:
        return f"For an issue without a number: {inert_words(proposal.issue.title, 200)}\n"
    if same_repository:
        return f"Fixes #{proposal.issue.number}\n"
    return f"For {code_span(proposal.issue.url or f'issue {proposal.issue.number}')}\n"


def _files(changes: Sequence[Change]) -> list[str]:
    rows = ["| file | added | removed |", "| --- | ---: | ---: |"]
    for change in changes[:_FILES_SHOWN]:
        state = " (new)" if change.old_mode == "000000" else " (deleted)" if change.new_mode == "000000" else ""
        counts = "binary |" if change.binary else f"{change.added} | {change.removed}"
        rows.append(f"| {code_span(change.path)}{state} | {counts} |")
    if len(changes) > _FILES_SHOWN:
        rows.append(f"| and {len(changes) - _FILES_SHOWN} more | | |")
    return rows


def _run(proposal: Proposal) -> str:
    cost = "unknown" if proposal.cost is None else f"${proposal.cost:.2f}"
    minutes, seconds = divmod(round(proposal.seconds), 60)
    facts = [
        f"model {code_span(proposal.model or 'none')}",
        counted(proposal.steps, "step"),
        f"cost {cost}",
        f"{minutes} min {seconds} s",
        f"base `{proposal.base_commit[:12]}`",
    ]
    if proposal.run_url.startswith(("https://", "http://")) and not re.search(r"[\s()<>\[\]]", proposal.run_url):
        facts.append(f"[the run]({proposal.run_url})")
    made = f"Made by fix-issue {inert_words(proposal.version, 40)}".rstrip()
    return f"<sub>{made}: {' · '.join(facts)}. A person should read it before merging.</sub>"
