"""`fix-issue pr RUN`: open a pull request with a run's patch."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sweagent.cli import options
from sweagent.verdict import Verdict

if TYPE_CHECKING:
    from sweagent.forge.api.protocol import Forge
    from sweagent.forge.proposal import Outcome
    from sweagent.run_folder import RunFolder

Mode = Literal["draft", "ready", "branch"]


def command(
    run: options.Run,
    repo: Annotated[
        str | None, typer.Option(help="Where to, as owner/name or a URL; the run's own repository by default.")
    ] = None,
    api_url: Annotated[
        str | None,
        typer.Option(envvar="FIX_ISSUE_API_URL", help="The forge's REST API, or file:///FOLDER; GitHub's by default."),
    ] = None,
    plain_git: Annotated[bool, typer.Option(help="The remote is no GitHub: only push the branch.")] = False,
    mode: Annotated[Mode, typer.Option(help="A draft, a pull request that is ready, or only a branch.")] = "draft",
    base: Annotated[str, typer.Option(help="The branch that the change is meant for.")] = "",
    branch: Annotated[str, typer.Option(help="Add a commit to this existing branch instead of the issue's own.")] = "",
    only_verified: Annotated[bool, typer.Option(help="Publish nothing that is not verified.")] = False,
    accept: options.Accept = None,
    label: Annotated[list[str] | None, typer.Option(help="Add a label; may be repeated.")] = None,
    reviewer: Annotated[list[str] | None, typer.Option(help="Ask a person or org/team; may be repeated.")] = None,
    fork: Annotated[bool, typer.Option(help="Push to a fork when the token may not push.")] = True,
    allow: Annotated[list[str] | None, typer.Option(help="A protected path that may be changed, as a pattern.")] = None,
    protect: Annotated[list[str] | None, typer.Option(help="A path that may not be changed, as a pattern.")] = None,
    max_patch_bytes: Annotated[int, typer.Option(help="The largest patch that is pushed.")] = 500_000,
    run_url: Annotated[str, typer.Option(help="Where people can read the whole run.")] = "",
    dry_run: Annotated[bool, typer.Option(help="Show the pull request, and push nothing.")] = False,
    as_json: options.Json = False,
) -> None:
    """Push a branch and open a draft pull request with the proof, or bring the one that is there up to date.

    The token is read from FIX_ISSUE_TOKEN, GH_TOKEN or GITHUB_TOKEN.
    """
    from sweagent.cli.console import safe
    from sweagent.forge.api.address import token_from_environment
    from sweagent.forge.proposal import PublishOptions
    from sweagent.forge.pull_request import open_pull_request
    from sweagent.forge.rules import Rules
    from sweagent.forge.run_proposal import proposal_of, task_of
    from sweagent.run_folder import find_run

    folder = find_run(run)
    repository = task_of(folder).repository
    standard = Rules()
    outcome = open_pull_request(
        _forge(repo or repository.source, repo or repository.name, api_url=api_url, plain_git=plain_git),
        proposal_of(folder, run_url=run_url, accept=accept or ()),
        PublishOptions(
            mode=mode,
            accept=Verdict.VERIFIED if only_verified else Verdict.UNVERIFIED,
            base=base,
            branch=branch,
            labels=tuple(label or ()),
            reviewers=tuple(reviewer or ()),
            fork=fork,
            rules=Rules(
                allowed=tuple(allow or ()),
                blocked=(*standard.blocked, *(protect or ())),
                max_bytes=max_patch_bytes,
            ),
            dry_run=dry_run,
        ),
        token=token_from_environment(),
    )
    print(outcome.model_dump_json() if as_json else safe(_told(outcome)))
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


def propose_draft(folder: "RunFolder", *, api_url: str | None) -> "Outcome":
    """Open the draft pull request of a run, as `fix-issue pr RUN` does without options."""
    from sweagent.forge.api.address import token_from_environment
    from sweagent.forge.proposal import PublishOptions
    from sweagent.forge.pull_request import open_pull_request
    from sweagent.forge.run_proposal import proposal_of, task_of

    repository = task_of(folder).repository
    forge = _forge(repository.source, repository.name, api_url=api_url, plain_git=False)
    return open_pull_request(forge, proposal_of(folder), PublishOptions(), token=token_from_environment())


def _forge(source: str, name: str, *, api_url: str | None, plain_git: bool) -> "Forge":
    from sweagent.forge import forge_for
    from sweagent.forge.api.address import token_from_environment
    from sweagent.forge.git_remote import GitRemote

    token = token_from_environment()
    if plain_git:
        return GitRemote(source, token=token)
    return forge_for(source, name, api_url=api_url, token=token)


def _told(outcome: "Outcome") -> str:
    """The outcome in a few lines."""
    lines = [outcome.message]
    lines += [
        f"  {name}: {value}"
        for name, value in (
            ("branch", outcome.branch),
            ("pull request", outcome.url),
            ("open it here", outcome.compare_url),
            ("hint", outcome.hint),
        )
        if value
    ]
    lines += [f"  note: {note}" for note in outcome.notes]
    lines += [f"  {objection.ruling.value}: {objection}" for objection in outcome.objections]
    if outcome.body:
        lines += ["", outcome.title, "", outcome.body]
    return "\n".join(lines)
