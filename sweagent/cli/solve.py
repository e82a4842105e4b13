"""`fix-issue REPO ISSUE`: the main job."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweagent.cli import options
from sweagent.cli.option_groups import DELIVERY, RUN, delivered, gathered, run_settings

if TYPE_CHECKING:
    from sweagent.cli.delivery import Delivery


@gathered("delivery", DELIVERY, delivered)
@gathered("run", RUN, run_settings)
def command(
    repo: Annotated[str, typer.Argument(metavar="REPO", help="A path, a git URL or owner/name.")],
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="A number, a URL, a file, `-` for stdin, or text.")],
    *,
    run: dict[str, Any],
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
    accept: options.Accept = None,
    verify_rounds: Annotated[
        int | None, typer.Option(help="How often a submission that is not verified goes back to the model.")
    ] = None,
    memory: Annotated[
        bool | None, typer.Option(help="Remember what is seen of the repository for later runs on it (off by default).")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The run's folder; one in the user's state folder by default.")
    ] = None,
    delivery: "Delivery",
    config: options.ConfigFile = None,
    confirm: options.Confirm = False,
    notify: options.Notify = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Resolve one issue: an agent works in a sandbox, the harness takes the patch, the verifier judges it."""
    from sweagent.cli.heartbeat import first_word

    first_word(f"opening {repo}", quiet=quiet)
    from sweagent.cli.run import start
    from sweagent.settings_sources import read_sources

    run["sandbox"]["allow_hosts"] = allow_host or None
    run["verify"] = {
        "allow_tests": allow_tests,
        "allow_protected": allow_protected,
        "allow_binaries": allow_binaries,
        "rounds": verify_rounds,
        "accept": accept or None,
    }
    run["notify"], run["memory"] = notify, memory
    code = start(
        repo,
        issue,
        read_sources(run, config=config),
        base=base,
        include_dirty=include_dirty,
        test_command=test_command,
        setup_command=setup_command,
        output=output,
        delivery=delivery,
        verbosity=0 if quiet else 1 + verbose,
        as_json=as_json,
        confirm=confirm,
    )
    raise typer.Exit(code)
