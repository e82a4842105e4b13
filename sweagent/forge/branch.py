"""Push a commit to the issue's branch or to a fork."""

from sweagent.errors import ForgeError
from sweagent.forge.api.errors import PermissionMissingError
from sweagent.forge.api.protocol import Forge, Remote
from sweagent.forge.branch_names import branch_name, branch_stem, numbered
from sweagent.forge.clone import CleanClone
from sweagent.forge.commit import Ready, StopError
from sweagent.forge.git_refusals import PushRefusedError, Refused
from sweagent.forge.proposal import Outcome, OutcomeKind, PublishOptions
from sweagent.forge.records import Records
from sweagent.forge.text.escape import code_span
from sweagent.forge.text.redaction import Redactor
from sweagent.frozen import Frozen
from sweagent.task import Issue

STAGED = "refs/fix-issue-staged/"
"""Where a commit that the forge made waits for the moment until it is fetched."""
_RACES = 3
"""How often a push that lost a race is tried again."""


class PushedCommit(Frozen):
    """The remote and the branch that hold a commit now."""

    remote: Remote
    branch: str
    commit: str
    pushed: bool
    """Whether anything had to be pushed."""
    notes: tuple[str, ...] = ()


class Brancher:
    """Pushes a commit to the branch of an issue, or to a fork.

    Args:
        forge: asked for a fork when the repository refuses.
        clone: has the commit.
        issue: names the branch.
        options: how.
        redactor: knows the secrets, which a remote may echo.
    """

    def __init__(
        self, forge: Forge, clone: CleanClone, issue: Issue, options: PublishOptions, redactor: Redactor
    ) -> None:
        self._forge = forge
        self._clone = clone
        self._issue = issue
        self._options = options
        self._redactor = redactor
        self._signed = ""
        self._name = branch_name(issue, options.branch_prefix)

    def push(self, ready: Ready) -> PushedCommit:
        """Bring the commit to the forge.

        Raises:
            StopError: the push was refused.
            ForgeError: the remote cannot be reached.
        """
        try:
            return self._push_to(ready, self._clone.remote)
        except PushRefusedError as error:
            if error.reason is Refused.NO_ACCESS and self._options.fork and not self._options.branch:
                fork = self._forge.fork()
                if fork is not None:
                    return self._push_to_fork(ready, fork)
            raise self._refused(error) from error

    def _push_to_fork(self, ready: Ready, fork: Remote) -> PushedCommit:
        try:
            place = self._push_to(ready, fork)
        except PushRefusedError as error:
            raise self._refused(error) from error
        note = "The branch is in a fork, because the token may not push to the repository."
        return place.model_copy(update={"notes": (*place.notes, note)})

    def _refused(self, error: PushRefusedError) -> StopError:
        return StopError(Outcome(kind=OutcomeKind.REFUSED, message=self._redactor.redact(str(error)), hint=error.hint))

    def _push_to(self, ready: Ready, remote: Remote) -> PushedCommit:
        """Push to the issue's branch, or to another beside it when people work on that one."""
        import tenacity

        def once() -> PushedCommit:
            branch, expected, notes = self._choose(ready, remote)
            if expected is not None and self._same(expected, ready):
                return PushedCommit(remote=remote, branch=branch, commit=expected, pushed=False, notes=notes)
            commit, note = self._made(ready, remote)
            self._clone.push(commit, branch, expected=expected, remote=remote)
            return PushedCommit(remote=remote, branch=branch, commit=commit, pushed=True, notes=(*notes, *note))

        def lost_a_race(error: BaseException) -> bool:
            moved = isinstance(error, PushRefusedError) and error.reason is Refused.MOVED
            return moved and not self._options.branch

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lost_a_race), stop=tenacity.stop_after_attempt(_RACES), reraise=True
        )
        return retrying(once)

    def _made(self, ready: Ready, remote: Remote) -> tuple[str, tuple[str, ...]]:
        """The commit, made by the forge where that can be done, so that it is signed; and what to say about it."""
        if self._options.author or remote != self._clone.remote:
            return ready.commit, ()
        if self._signed:
            return self._signed, ()
        staged = f"{STAGED}{ready.commit}"
        try:
            entries = self._clone.entries(ready.start, ready.tree)
            commit = self._forge.create_commit(ready.message, ready.start, ready.tree, entries, staged)
            if not commit:
                return ready.commit, ()
            if self._clone.fetch_reference(staged, remote) != commit:
                return ready.commit, ()
            self._clone.delete_reference(staged, remote)
        except PermissionMissingError:
            return ready.commit, ()
        except ForgeError as error:
            said = self._redactor.redact(str(error))
            return ready.commit, (f"The forge did not make the commit, so it is not signed: {code_span(said)}",)
        self._signed = commit
        return commit, ()

    def _choose(self, ready: Ready, remote: Remote) -> tuple[str, str | None, tuple[str, ...]]:
        """A branch, the commit it must have now, and what to say about it."""
        if self._options.branch:
            return self._options.branch, ready.start, ()
        existing = self._clone.branches(branch_stem(self._issue, self._options.branch_prefix), remote)
        preferred = min(existing, key=lambda name: (len(name), name), default=self._name)
        record = Records(self._clone, remote).read_of(self._issue) if existing else None
        notes: tuple[str, ...] = ()
        for number in range(1, len(existing) + 2):
            branch = numbered(preferred, number)
            tip = existing.get(branch)
            if tip is None:
                return branch, None, notes
            if record and record.owns(branch, tip):
                self._clone.fetch(branch, remote)
                return branch, tip, notes
            notes = (f"People have committed to `{branch}`, so it was left alone.",)
        raise AssertionError  # one of len + 1 names is free

    def _same(self, tip: str, ready: Ready) -> bool:
        return self._clone.tree(tip) == self._clone.tree(ready.commit) and self._clone.parents(tip) == [ready.start]
