"""`fix-issue REPO ISSUE`: the main job."""

from pathlib import Path
from typing import Annotated

import typer

from sweagent.cli import options


def command(
    repo: Annotated[str, typer.Argument(metavar="REPO", help="A path, a git URL or owner/name.")],
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="A number, a URL, a file, `-` for stdin, or text.")],
    model: options.Model = None,
    api_base: options.ApiBase = None,
    policy: options.PolicySource = None,
    profile: options.Profile = None,
    max_cost: options.Cost = None,
    max_tokens: options.Tokens = None,
    max_steps: options.Steps = None,
    max_seconds: options.Seconds = None,
    sandbox: options.SandboxKind = None,
    image: options.Image = None,
    network: options.Network = None,
    allow_host: options.AllowHosts = None,
    setup_command: options.SetupCommand = None,
    test_command: options.TestCommand = None,
    base: Annotated[str | None, typer.Option(help="The commit to work on; HEAD by default.")] = None,
    include_dirty: Annotated[bool, typer.Option(help="Work on the uncommitted changes too.")] = False,
    allow_tests: Annotated[bool | None, typer.Option(help="Keep edits to tests in the patch.")] = None,
    allow_protected: Annotated[
        bool | None, typer.Option(help="Keep edits to workflows, lock files and the like in the patch.")
    ] = None,
    allow_binaries: Annotated[bool | None, typer.Option(help="Keep binary files in the patch.")] = None,
    verify_rounds: Annotated[
        int | None, typer.Option(help="How often a submission that is not verified goes back to the model.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The run's folder; one in the user's state folder by default.")
    ] = None,
    patch_file: Annotated[Path | None, typer.Option("--patch", help="Write the patch to this file too.")] = None,
    apply: Annotated[bool, typer.Option(help="Apply a verified patch to the work tree of REPO.")] = False,
    branch: Annotated[str | None, typer.Option(help="Commit the patch to a new branch of REPO.")] = None,
    open_pr: Annotated[bool, typer.Option(help="Push a branch and open a draft pull request.")] = False,
    api_url: Annotated[
        str | None, typer.Option(envvar="FIX_ISSUE_API_URL", help="The forge's REST API; GitHub's by default.")
    ] = None,
    config: options.ConfigFile = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Resolve one issue: an agent works in a sandbox, the harness takes the patch, the verifier judges it."""
    from sweagent.cli.run import Delivery, start
    from sweagent.config import load_settings

    settings = load_settings(
        options.settings_options(
            policy=policy,
            model=model,
            api_base=api_base,
            profile=profile,
            cost=max_cost,
            tokens=max_tokens,
            steps=max_steps,
            seconds=max_seconds,
            sandbox=sandbox,
            image=image,
            network=network,
            allow_hosts=allow_host,
            allow_tests=allow_tests,
            allow_protected=allow_protected,
            allow_binaries=allow_binaries,
            rounds=verify_rounds,
        ),
        project=config,
    )
    code = start(
        repo,
        issue,
        settings,
        base=base,
        include_dirty=include_dirty,
        test_command=test_command,
        setup_command=setup_command,
        output=output,
        delivery=Delivery(patch_file=patch_file, apply=apply, branch=branch, open_pr=open_pr, api_url=api_url),
        verbosity=0 if quiet else 1 + verbose,
        as_json=as_json,
    )
    raise typer.Exit(code)
