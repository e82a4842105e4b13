"""Judge a whole pull request when a commit is added."""

import hashlib

from sweagent.forge.proposal import Proposal
from sweagent.forge.records import BranchRecord
from sweagent.forge.text.escape import code_span, inert_words
from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict
from sweagent.verify import Proof, render_markdown


def digest(reproduction: Reproduction | None) -> str:
    """What tells a reproduction from others."""
    text = reproduction.model_dump_json() if reproduction else ""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def of_whole(proposal: Proposal, record: BranchRecord, tree: str) -> Proposal:
    """A follow-up as a proposal for the whole pull request.

    Args:
        proposal: the added commit, with the proofs of the whole change that were made for it.
        record: of the branch before the commit.
        tree: what the branch will hold.

    Returns:
        the proposal with the verdict, the reason, the summary and the proof of everything from base to tip. It is
        verified only if the added commit is, and every reproduction that was accepted before was run on exactly this
        change and holds.
    """
    fitting = {
        item.reproduction: item.proof for item in proposal.whole if (item.base, item.tree) == (record.base, tree)
    }
    wanted = [(digest(item), item.path) for item in record.reproductions]
    held = [path for key, path in wanted if key in fitting and _holds(fitting[key])]
    failed = [(path, fitting[key]) for key, path in wanted if key in fitting and not _holds(fitting[key])]
    missing = [path for key, path in wanted if key not in fitting]
    verdict, reason = proposal.verdict, proposal.reason
    worse = next((proof for proof in fitting.values() if proof.verdict.harmful), None)
    if failed:
        path, proof = failed[0]
        undone = proof.reproductions and not proof.reproductions[0].accepted
        verdict = Verdict.REGRESSED if undone else proof.verdict
        reason = f"on the whole pull request, the earlier reproduction {path} does not hold: {proof.reason}"
    elif worse is not None:
        verdict, reason = worse.verdict, f"on the whole pull request: {worse.reason}"
    elif verdict is Verdict.VERIFIED and (missing or not any(_holds(proof) for proof in fitting.values())):
        verdict = Verdict.UNVERIFIED
        reason = (
            f"the earlier reproduction {missing[0]} was not run on the whole pull request"
            if missing
            else "nothing shows that the whole pull request resolves the issue"
        ) + f"; the last commit alone: {proposal.reason}"
    elif held:
        reason = f"{', '.join(held)}, accepted before, also holds from base to tip; the last commit: {reason}"
    return proposal.model_copy(
        update={
            "verdict": verdict,
            "reason": reason,
            "summary": _summary(proposal, record),
            "proof_markdown": _markdown(proposal, record, list(fitting.values())),
        }
    )


def _holds(proof: Proof) -> bool:
    return proof.verdict is Verdict.VERIFIED


def _summary(proposal: Proposal, record: BranchRecord) -> str:
    parts = [item.summary for item in record.commits] + [proposal.summary]
    return "\n\n".join(part for part in parts if part.strip())


def _markdown(proposal: Proposal, record: BranchRecord, proofs: list[Proof]) -> str:
    """The proofs of the whole, then that of the last commit."""
    parts = [f"### The whole pull request\n\n{render_markdown(proof)}" for proof in proofs]
    parts += [f"### The last commit\n\n{proposal.proof_markdown}"] if proposal.proof_markdown else []
    parts += [f"### Earlier commits\n\n{_commits(record)}"] if record.commits else []
    return "\n\n".join(parts)


def _commits(record: BranchRecord) -> str:
    """The commits before this one, each with its verdict."""
    return "\n".join(
        f"- {code_span(item.commit[:12])}: {inert_words(item.verdict, 40)}: {inert_words(item.reason, 300)}"
        for item in record.commits
    )
