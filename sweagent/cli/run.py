"""Start a run from the command line and show its result."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweagent.cli.progress import money, open_progress
from sweagent.cli.signals import stoppable
from sweagent.config import Origin, Settings, Sources
from sweagent.errors import UsageError
from sweagent.printable import printable_text
from sweagent.run_folder import Result, RunFolder, new_run_id, runs_folder
from sweagent.task import Repository, Task
from sweagent.verdict import Verdict

if TYPE_CHECKING:
    from sweagent.verify import Proof


@dataclass(frozen=True)
class Delivery:
    """Targets of the patch besides the run's folder.

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


def remote_options(repo: str, api_url: str | None) -> dict[str, Any]:
    """The server of a remote repository, and the token when it may be sent there."""
    from sweagent.forge.api.address import is_name, parse_remote_url, place_of, token_for, token_from_environment

    if Path(repo).exists():
        return {}
    place = place_of(repo, api_url=api_url) if is_name(repo) else parse_remote_url(repo, api_url)
    if place is None:
        return {}
    return {"server": place.web_url, "token": token_for(place, token_from_environment(), trusted_api=api_url)}


def open_with_settings(
    repo: str,
    sources: Sources,
    note: Callable[[str], None],
    *,
    base: str | None = None,
    include_dirty: bool = False,
    api_url: str | None = None,
) -> tuple[Repository, Settings, Origin]:
    """Open a repository, with the token where it needs one, and settle the settings for it.

    Args:
        repo: as the user gave it.
        sources: what the user said of the settings.
        note: receives lines on which files were read, and what the repository's own said in vain.
        base: the commit to work on; None takes HEAD.
        include_dirty: the uncommitted changes belong to the base.
        api_url: the forge's REST API.

    Raises:
        UsageError: a setting, the repository or the base cannot be used.
        ForgeError: the remote refused or cannot be reached.
    """
    from sweagent.project_file import settings_for
    from sweagent.repository import open_repository

    sources.settings()  # what is wrong with the user's own words is told before anything is fetched
    repository = open_repository(repo, base=base, include_dirty=include_dirty, **remote_options(repo, api_url))
    settings, origin = settings_for(sources, repository)
    for line in origin.lines():
        note(line)
    return repository, settings, origin


def start(
    repo: str,
    issue_text: str,
    sources: Sources,
    *,
    base: str | None = None,
    include_dirty: bool = False,
    test_command: str | None = None,
    setup_command: str | None = None,
    output: Path | None = None,
    delivery: Delivery = Delivery(),
    verbosity: int = 1,
    as_json: bool = False,
) -> int:
    """Run the main job and return the exit code.

    Raises:
        FixIssueError: what was asked for cannot be done.
    """
    from sweagent.forge import read_issue_with_findings
    from sweagent.solve import solve

    limits = sources.settings().limits
    with open_progress(verbosity=verbosity, budget=limits.cost, steps=limits.steps) as progress, stoppable():
        repository, settings, origin = open_with_settings(
            repo, sources, progress.note, base=base, include_dirty=include_dirty, api_url=delivery.api_url
        )
        progress.bounds(budget=settings.limits.cost, steps=settings.limits.steps)
        read = read_issue_with_findings(
            issue_text, repository.source, repository.name, delivery.api_url, token=None, until=None
        )
        issue = read.issue
        for finding in read.findings:
            progress.note(f"in the issue: {finding}")
        task = Task.of(
            repository,
            issue,
            image=settings.sandbox.image,
            test_command=test_command,
            setup_command=setup_command,
        )
        run_id = new_run_id(task.id)
        folder = RunFolder(output or runs_folder() / run_id)
        progress.note(f"the run's folder is {folder.path}")
        result = solve(
            task,
            settings,
            folder,
            run_id=run_id,
            listeners=[progress],
            note=progress.note,
            origin=origin,
            waiting=progress.waiting,
        )
    report(result, as_json=as_json)
    deliver_patch(result, repository, delivery)
    return result.exit_code


def report(result: Result, *, as_json: bool) -> None:
    """Print the result: one JSON object, or the proof and where everything is."""
    proof = read_proof(result)
    if as_json:
        data = result.model_dump(mode="json")
        data["proof"] = proof.model_dump(mode="json") if proof else None
        data["patch"] = Path(result.patch_file).read_text(encoding="utf-8") if result.patch_file else ""
        import json

        print(json.dumps(data))
        return
    from rich.console import Console

    console = Console(soft_wrap=True, markup=False, emoji=False, highlight=False)
    if proof:
        from sweagent.verify import render_terminal

        Console(emoji=False).print(render_terminal(proof))
    console.print(f"{result.verdict}: {printable_text(result.reason)}" if result.reason else result.verdict)
    for path, reason in result.left_out.items():
        console.print(f"left out: {printable_text(path)} ({printable_text(reason)})")
    if result.withheld_file:
        console.print(f"what was left out: {result.withheld_file}")
    console.print(f"{result.steps} steps, {money(result.cost)}, {result.seconds:.0f} s; ended: {result.exit_status}")
    if result.message and result.message != result.reason:
        console.print(printable_text(result.message))
    if result.patch_file:
        console.print(f"patch: {result.patch_file}")
    console.print(f"record: {result.folder}")
    if not result.exit_status.final:
        console.print(f"go on with: fix-issue resume {result.folder}")


def read_proof(result: Result) -> "Proof | None":
    """The proof of a result, when it was judged."""
    if not result.proof_file:
        return None
    from sweagent.verify import Proof

    return Proof.model_validate_json(Path(result.proof_file).read_text(encoding="utf-8"))


def deliver_patch(result: Result, repository: Repository, delivery: Delivery) -> None:
    """Bring the patch where the user wants it. It stays in the run's folder, whatever happens.

    Raises:
        UsageError: it cannot be applied, or the branch exists.
    """
    if not result.patch_file:
        return
    patch = Path(result.patch_file).read_bytes()
    if delivery.patch_file:
        delivery.patch_file.write_bytes(patch)
    if not (delivery.apply or delivery.branch or delivery.open_pr):
        return
    if result.verdict.harmful:
        raise UsageError(f"the patch is {result.verdict}, so it was not delivered", f"look at it: {result.patch_file}")
    from sweagent.repository import apply_to_worktree, commit_to_branch

    if delivery.apply:
        if result.verdict is not Verdict.VERIFIED:
            raise UsageError(
                f"the patch is {result.verdict}, so it was not applied",
                f"look at it, then: git apply {result.patch_file}",
            )
        apply_to_worktree(patch, repository)
        print("applied to the work tree", file=sys.stderr)
    if delivery.branch:
        commit_to_branch(patch, repository, delivery.branch, message=f"Fix: {result.run_id}")
        print(f"committed to the branch {delivery.branch}", file=sys.stderr)
    if delivery.open_pr:
        from sweagent.cli.pr import command

        command(result.folder, api_url=delivery.api_url)
