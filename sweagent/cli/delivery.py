"""Deliver a finished patch: file, work tree, branch, pull request."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sweagent.errors import ExitCode, FixIssueError, ForgeError, StorageError, UsageError
from sweagent.run_folder import Result, RunFolder
from sweagent.task import Repository
from sweagent.verdict import Verdict

_TOLD_FILES = 3


@dataclass(frozen=True)
class Delivery:
    """Where the patch goes besides the run's folder.

    Attributes:
        patch_file: a file to write it to.
        apply: to the work tree of the repository, when the verdict is `verified`.
        branch: to a new branch of the repository.
        open_pr: to the forge, as a draft pull request.
        api_url: the forge's REST API.
    """

    patch_file: Path | None = None
    apply: bool = False
    branch: str | None = None
    open_pr: bool = False
    api_url: str | None = None


@dataclass(frozen=True)
class Delivered:
    """What became of one delivery.

    Attributes:
        to: the option that asked for it.
        text: what was done, or why it was not.
        error: it failed.
        hint: what to do next.
    """

    to: str
    text: str
    error: bool = False
    hint: str = ""


def check_before(delivery: Delivery, output: Path | None = None) -> None:
    """Refuse what cannot be delivered whatever the repository is.

    Raises:
        UsageError: the folder of the patch's file is not there or cannot be written, or no token is set for a pull
            request.
    """
    file = delivery.patch_file
    if file is not None:
        if file.is_dir():
            raise UsageError(f"--patch {file} is a folder", "give a file in it")
        folder = file.absolute().parent
        if not folder.is_dir():
            raise UsageError(f"--patch {file}: there is no folder {folder}", f"make it: mkdir -p {folder}")
        if not os.access(file if file.exists() else folder, os.W_OK):
            raise UsageError(f"--patch {file} cannot be written", "choose a file in a folder of your own")
    if output is not None and output.exists() and not output.is_dir():
        raise UsageError(f"--output {output} is a file", "give a folder for the run")
    if delivery.open_pr and not (delivery.api_url or "").startswith("file:"):
        from sweagent.forge.api.address import TOKEN_VARIABLES, token_from_environment

        if token_from_environment() is None:
            raise UsageError(
                "--open-pr needs a token, and none is set",
                f"export {' or '.join(TOKEN_VARIABLES)}, or leave it out and run `fix-issue pr` later",
            )


def check_repository(delivery: Delivery, repository: Repository, note: Callable[[str], None]) -> None:
    """Refuse what cannot be delivered to a repository, and say which of its changes the run does not see.

    Args:
        delivery: what is asked for.
        repository: the run's.
        note: told of uncommitted changes.

    Raises:
        UsageError: it has no work tree, the branch cannot be made, or nobody knows to which forge it belongs.
    """
    from sweagent.forge import forge_for
    from sweagent.forge.api.address import token_from_environment
    from sweagent.repository.deliver import check_branch, uncommitted_files
    from sweagent.repository.intake import local_work_tree

    if delivery.apply:
        local_work_tree(repository)
    if delivery.branch:
        check_branch(repository, delivery.branch)
    if delivery.open_pr:
        forge_for(repository.source, repository.name, api_url=delivery.api_url, token=token_from_environment())
    dirty = () if repository.dirty_patch else uncommitted_files(repository)
    if dirty:
        shown = ", ".join(dirty[:_TOLD_FILES]) + (f" and {len(dirty) - _TOLD_FILES} more" * (len(dirty) > _TOLD_FILES))
        with_apply = "; --apply changes nothing where they conflict with the patch" if delivery.apply else ""
        note(
            f"your uncommitted changes are not part of this run ({shown}): "
            f"add them with --include-dirty, or commit them{with_apply}"
        )


def deliver(result: Result, repository: Repository, delivery: Delivery) -> list[Delivered]:
    """Bring the patch wherever it is wanted. It stays in the run's folder, whatever happens.

    One delivery that fails keeps no other from being made, and none changes the exit code of the verdict.
    """
    return [_tried(to, make) for to, make in _wanted(result, repository, delivery)] if result.patch_file else []


def _wanted(
    result: Result, repository: Repository, delivery: Delivery
) -> Iterator[tuple[str, Callable[[], Delivered]]]:
    if delivery.patch_file is not None:
        yield "--patch", lambda: _to_file(result, delivery)
    if delivery.apply:
        yield "--apply", lambda: _to_work_tree(result, repository)
    if delivery.branch:
        yield "--branch", lambda: _to_branch(result, repository, delivery)
    if delivery.open_pr:
        yield "--open-pr", lambda: _to_forge(result, delivery)


def _tried(to: str, make: Callable[[], Delivered]) -> Delivered:
    try:
        return make()
    except FixIssueError as error:
        return Delivered(to, str(error), error=True, hint=error.hint)


def _to_file(result: Result, delivery: Delivery) -> Delivered:
    file = Path(delivery.patch_file or os.devnull)
    try:
        file.write_bytes(_patch(result))
    except OSError as error:
        raise StorageError(f"{file} cannot be written: {error.strerror}", f"the patch: {result.patch_file}") from error
    return Delivered("--patch", f"wrote {file}")


def _to_work_tree(result: Result, repository: Repository) -> Delivered:
    from sweagent.repository import apply_to_worktree

    _refuse(result)
    if result.verdict is not Verdict.VERIFIED:
        raise UsageError(
            f"the patch is {result.verdict}, so it was not applied", f"look at it, then: git apply {result.patch_file}"
        )
    apply_to_worktree(_patch(result), repository)
    return Delivered("--apply", "applied to the work tree")


def _to_branch(result: Result, repository: Repository, delivery: Delivery) -> Delivered:
    from sweagent.repository import commit_to_branch

    _refuse(result)
    branch = delivery.branch or ""
    commit_to_branch(_patch(result), repository, branch, message=f"Fix: {result.run_id}")
    return Delivered("--branch", f"committed to the branch {branch}")


def _to_forge(result: Result, delivery: Delivery) -> Delivered:
    from sweagent.cli.pr import propose_draft

    _refuse(result)
    outcome = propose_draft(RunFolder(Path(result.folder)), api_url=delivery.api_url)
    where = outcome.url or outcome.compare_url
    if outcome.exit_code is not ExitCode.VERIFIED:
        raise ForgeError(outcome.message, outcome.hint or f"try again: fix-issue pr {result.folder}")
    return Delivered("--open-pr", f"{outcome.message}{f': {where}' if where else ''}", hint=outcome.hint)


def _refuse(result: Result) -> None:
    if result.verdict.harmful:
        raise UsageError(f"the patch is {result.verdict}, so it was not delivered", f"look at it: {result.patch_file}")


def _patch(result: Result) -> bytes:
    return Path(result.patch_file or os.devnull).read_bytes()
