"""`fix-issue resume RUN`: continue a killed or stopped run."""

from typing import Annotated

import typer

from sweagent.cli import options


def command(
    run: options.Run,
    say: Annotated[str, typer.Option(help="Tell the model this first; a run that has ended continues.")] = "",
    confirm: options.Confirm = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Go on with a run that was killed, stopped, or ended by a limit or by its infrastructure."""
    from sweagent.cli.heartbeat import first_word

    first_word(f"reading the run {run}", quiet=quiet)
    from sweagent.cli.ending import report
    from sweagent.cli.hooks import Hooks
    from sweagent.cli.run import live
    from sweagent.own_folders import check_started_here
    from sweagent.run_folder import find_run
    from sweagent.settings_sources import read_sources
    from sweagent.solve import recorded_settings, resume

    folder = find_run(run)
    own, recorded = read_sources().settings(), recorded_settings(folder)
    check_started_here(folder.path, recorded.model_dump(mode="json"))
    with live(recorded, verbosity=0 if quiet else 1 + verbose, confirm=confirm) as (
        progress,
        steering,
    ):
        hooks = Hooks(own.hooks, own.notify, folder, progress.note)
        result = resume(
            folder,
            listeners=[progress, hooks],
            note=progress.note,
            waiting=progress.waiting,
            verifying=progress.verifying,
            steering=steering,
            say=say,
        )
        hooks.ended(result)
    report(result, as_json=as_json, quiet=quiet)
    raise typer.Exit(result.exit_code)
