"""Value of unfinished work, from 0 to 1, by what was run."""

from typing import TYPE_CHECKING

from sweagent.git import GitError
from sweagent.patch.apply import as_bytes
from sweagent.patch_store import Candidate
from sweagent.repository import TrustedTree, trusted_tree
from sweagent.verdict import Verdict

if TYPE_CHECKING:
    from sweagent.run.run import Run

_SETTLED = {Verdict.VERIFIED: 1.0, Verdict.NEEDS_REVIEW: 0.9, Verdict.REJECTED: 0.0}
_NOTHING, _SHOWN, _PATCH, _PASSES, _TESTS = 0.1, 0.1, 0.2, 0.4, 0.2
"""For being there; a reproduction that shows the issue; a patch that parses; it passes that; no test got worse."""


def evidence_value(run: "Run", candidate: Candidate) -> float:
    """What the reproductions, the existing tests and the syntax say of a candidate.

    The rewards of language agents' tree search (A. Zhou et al., "Language Agent Tree Search", 2023, arXiv:2310.04406;
    A. Antoniades et al., "SWE-Search", 2024, arXiv:2410.20285) are a model's opinion or hidden tests; these were run.
    """
    proof = candidate.proof
    if candidate.verdict in _SETTLED:
        return _SETTLED[candidate.verdict]
    if candidate.patch and _breaks_syntax(run, candidate):
        return 0.0
    value = _NOTHING + (_PATCH if candidate.patch else 0.0)
    value += _SHOWN if candidate.reproduction else 0.0
    if proof:
        value += _PASSES if any(item.accepted for item in proof.reproductions) else 0.0
        value += _TESTS if proof.regression.compared and not proof.regression.regressions else 0.0
        value -= _PATCH if proof.regression.regressions else 0.0
    return min(value, 0.9)


def _breaks_syntax(run: "Run", candidate: Candidate) -> bool:
    """Whether a changed file that could be parsed before cannot be parsed any more."""
    from sweagent.code import syntax_errors

    with trusted_tree(run.task.repository) as tree:
        paths = [file.path for file in candidate.patch.kept]
        before = tree.read_many(paths)
        tree.git("read-tree", tree.tree)
        try:
            tree.git("apply", "--cached", "-", stdin=as_bytes(candidate.patch.text))
        except GitError:
            return True
        after = TrustedTree(tree.git_dir, tree.work_tree, tree.git("write-tree").text).read_many(paths)
    return any(
        syntax_errors(path, new) and not (path in before and syntax_errors(path, before[path]))
        for path, new in after.items()
    )
