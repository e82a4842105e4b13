"""`fix-issue resume RUN`: continue a killed or stopped run."""

from typing import Annotated

import typer

from sweagent.cli import options


def command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, or its name in the state folder.")],
    say: Annotated[str, typer.Option(help="A word for the model; it opens another round, at the end too.")] = "",
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Go on with a run that was killed, stopped, or ended by a limit or by its infrastructure."""
    from sweagent.cli.progress import open_progress
    from sweagent.cli.run import report
    from sweagent.cli.signals import stoppable
    from sweagent.run_folder import find_run
    from sweagent.solve import resume

    folder = find_run(run)
    with open_progress(verbosity=0 if quiet else 1 + verbose, budget=None, steps=0) as progress, stoppable():
        result = resume(folder, listeners=[progress], note=progress.note, waiting=progress.waiting, say=say)
    report(result, as_json=as_json)
    raise typer.Exit(result.exit_code)
