"""Keep one comment on the issue that tells of the run."""

from sweagent.errors import ForgeError
from sweagent.forge.api.protocol import Forge
from sweagent.forge.issues import OUR_MARK
from sweagent.forge.proposal import Outcome, OutcomeKind
from sweagent.forge.text.escape import code_block, code_span, inert_words
from sweagent.forge.text.redaction import Redactor
from sweagent.verdict import Verdict

MARK = f"{OUR_MARK}progress -->"
ACTIONS_BOT = "github-actions[bot]"
"""Who writes with the token of a workflow, which cannot ask for its own name."""

_HEADS = {
    OutcomeKind.OPENED: "There is a pull request.",
    OutcomeKind.UPDATED: "The pull request is up to date.",
    OutcomeKind.UNCHANGED: "The pull request has this change already.",
    OutcomeKind.PUSHED: "There is a branch.",
    OutcomeKind.DRY_RUN: "This was a dry run.",
    OutcomeKind.NOTHING: "There is nothing to publish.",
    OutcomeKind.NOT_ACCEPTED: "The patch did not hold up, so it was not published.",
    OutcomeKind.BLOCKED: "The patch was not pushed.",
    OutcomeKind.CONFLICT: "The patch does not apply any more.",
    OutcomeKind.REFUSED: "The push was refused.",
}


class ProgressComment:
    """The comment on one issue. What cannot be written there is no reason to fail.

    Args:
        forge: where the issue is.
        number: the issue's, or the pull request's of a follow-up.
        redactor: knows the secrets.
    """

    def __init__(self, forge: Forge, number: int, redactor: Redactor) -> None:
        self._forge = forge
        self._number = number
        self._redactor = redactor

    def write(self, text: str, comment: int | None = None) -> int | None:
        """Write the comment, in place of our earlier one when there is one.

        Args:
            text: Markdown in our own words; foreign words in it are inert.
            comment: the comment, when it is known.

        Returns:
            the comment's id; None when the forge does not take it.
        """
        body = f"{MARK}\n{self._redactor.redact(text)}"
        try:
            known = comment if comment is not None else self._find()
            if known is None:
                return self._forge.comment(self._number, body).id
            self._forge.edit_comment(self._number, known, body)
        except ForgeError:
            return None
        return known

    def _find(self) -> int | None:
        """Our comment. One that only carries our mark may be anybody's."""
        ours = {self._forge.viewer() or ACTIONS_BOT}
        for comment in self._forge.comments(self._number):
            if comment.body.startswith(MARK) and comment.author in ours:
                return comment.id
        return None


def started(run_url: str) -> str:
    """What the comment says at first."""
    return f"Working on it.{_link(run_url)}"


def finished(outcome: Outcome, verdict: Verdict, run_url: str) -> str:
    """What the comment says in the end."""
    lines = [f"**{_HEADS[outcome.kind]}** The verdict is {code_span(verdict)}.{_link(run_url)}", ""]
    if outcome.url:
        lines += [f"Pull request: {outcome.url}", ""]
    elif outcome.compare_url:
        lines += [f"[Open a pull request from the branch {code_span(outcome.branch)}]({outcome.compare_url})", ""]
    else:
        lines += [inert_words(outcome.message, 1000), ""]
    if outcome.hint:
        lines += [f"What to do: {inert_words(outcome.hint, 500)}", ""]
    lines += [
        f"- {code_span(item.path or 'the patch')}: {inert_words(item.reason, 200)}" for item in outcome.objections
    ]
    return "\n".join(lines).rstrip()


def failed(message: str, hint: str, run_url: str) -> str:
    """What the comment says when the run could not be carried out; further lines of the cause are kept as they are."""
    first, _, rest = message.strip().partition("\n")
    detail = f"\n\n{code_block(rest, 5000)}" if rest.strip() else ""
    advice = f"\n\nWhat to do: {inert_words(hint, 500)}" if hint else ""
    return f"**The run failed.** {inert_words(first, 1000)}{_link(run_url)}{detail}{advice}"


def _link(run_url: str) -> str:
    return f" [The run]({run_url})." if run_url else ""
