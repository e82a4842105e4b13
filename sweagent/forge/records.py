"""Remember tried issues and own branches in the repository.

A record is a file in a commit that `refs/fix-issue/NUMBER` points to. Such a ref is no branch: it starts no workflow
and is on no page. Only who may push can write it, which a branch's name or a comment does not show.
"""

from typing import Literal

from pydantic import ValidationError

from sweagent.errors import ForgeError
from sweagent.forge.api.protocol import Remote
from sweagent.forge.branch_names import issue_key
from sweagent.forge.clone import CleanClone
from sweagent.frozen import Frozen
from sweagent.task import Issue
from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict

REFS = "refs/fix-issue/"
FILE = "record.json"
RECORD_FILE = "branch-record.json"
"""A copy for a step of the action that has no token."""
MAX_BYTES = 2_000_000
"""Larger records are not read; ours stay far below it."""
MAX_REPRODUCTION = 200_000
"""Characters of a reproduction that is kept."""
_TRIES = 50


class PublishedCommit(Frozen):
    """A commit that we pushed to the branch."""

    commit: str
    run: str = ""
    """The run that made it."""
    verdict: Verdict
    reason: str = ""
    summary: str = ""
    """The model's words; untrusted."""


class BranchRecord(Frozen):
    """What was tried for one issue, and the branch that came of it."""

    format: Literal[1] = 1
    issue: str
    """The issue's number, or a digest of its text."""
    tries: tuple[str, ...] = ()
    """The runs that came to an end, whatever it was; the latest last."""
    branch: str = ""
    """Empty as long as nothing was pushed."""
    base: str = ""
    """The commit that the branch was started on."""
    tip: str = ""
    """The commit that we pushed last."""
    commits: tuple[PublishedCommit, ...] = ()
    reproductions: tuple[Reproduction, ...] = ()
    """Those that were accepted; they are run again on the whole branch when a commit is added."""

    def owns(self, branch: str, commit: str) -> bool:
        """Whether a branch is as we left it."""
        return bool(self.tip) and (self.branch, self.tip) == (branch, commit)


class Records:
    """The records of one repository.

    Args:
        clone: reads and writes them.
        remote: where they are; None for the clone's own remote.
    """

    def __init__(self, clone: CleanClone, remote: Remote | None = None) -> None:
        self._clone = clone
        self._remote = remote

    def known(self) -> frozenset[str]:
        """The keys of all issues that have a record.

        Raises:
            ForgeError: the remote cannot be read.
        """
        return frozenset(name.removeprefix(REFS) for name in self._clone.references(REFS, self._remote))

    def read(self, key: str) -> BranchRecord | None:
        """The record of an issue; None when there is none.

        Raises:
            ForgeError: the remote cannot be read, or its record is none of ours.
        """
        return self._read(key)[0]

    def read_of(self, issue: Issue) -> BranchRecord | None:
        """The record of an issue; None when there is none."""
        return self.read(issue_key(issue))

    def contains(self, record: BranchRecord, branch: str, commit: str) -> bool:
        """Whether a branch is ours, perhaps with commits of people on top of it.

        Raises:
            ForgeError: the remote cannot be read.
        """
        if record.owns(branch, commit):
            return True
        if not record.tip or record.branch != branch:
            return False
        return self._clone.fetch(branch, self._remote) == commit and self._clone.is_ancestor(record.tip, commit)

    def write(self, record: BranchRecord) -> None:
        """Put a record in the place of the one that is there.

        Raises:
            ForgeError: the remote refuses it.
        """
        _, before = self._read(record.issue)
        kept = record.model_copy(update={"tries": record.tries[-_TRIES:]})
        commit = self._clone.file_commit(
            FILE, kept.model_dump_json(indent=1).encode(), before, "Remember what was done"
        )
        self._clone.push_reference(commit, REFS + record.issue, expected=before, remote=self._remote)

    def _read(self, key: str) -> tuple[BranchRecord | None, str | None]:
        reference = REFS + key
        commit = self._clone.references(reference, self._remote).get(reference)
        if commit is None:
            return None, None
        self._clone.fetch_reference(reference, self._remote)
        content = self._clone.read(commit, FILE, MAX_BYTES)
        try:
            return BranchRecord.model_validate_json(content), commit
        except ValidationError as error:
            hint = f"delete it: git push origin :{reference}; what is on the branch is then left alone"
            raise ForgeError(f"{reference} of the repository is no record of fix-issue", hint) from error


def remember_try(clone: CleanClone, issue: Issue, run: str) -> None:
    """Remember that an issue was tried, so that a scheduled run takes another one next time.

    Raises:
        ForgeError: the remote refuses it.
    """
    records, key = Records(clone), issue_key(issue)
    record = records.read(key) or BranchRecord(issue=key)
    if run not in record.tries:
        records.write(record.model_copy(update={"tries": (*record.tries, run)}))
