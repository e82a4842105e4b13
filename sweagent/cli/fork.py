"""`fix-issue fork RUN`: another attempt from a step of a recorded run."""

from pathlib import Path
from typing import Annotated

import typer

from sweagent.cli import options


def command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, or its name in the state folder.")],
    at: Annotated[int, typer.Option(help="The last step of RUN that the new run begins with.")],
    say: Annotated[str, typer.Option(help="A word for the model after that step.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The new run's folder; one in the state folder by default.")
    ] = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Begin another run from a step of a recorded one, and go on from there."""
    from sweagent.cli.progress import open_progress
    from sweagent.cli.run import report
    from sweagent.cli.signals import stoppable
    from sweagent.run.fork import fork
    from sweagent.run_folder import RunFolder, find_run, new_run_id, runs_folder
    from sweagent.solve import resume

    source = find_run(run)
    run_id = new_run_id(f"{source.path.name[:40]}-fork")
    folder = RunFolder(output or runs_folder() / run_id)
    fork(source, folder, run_id=run_id, step=at, say=say)
    with open_progress(verbosity=0 if quiet else 1 + verbose, budget=None, steps=0) as progress, stoppable():
        progress.note(f"the run's folder is {folder.path}")
        result = resume(folder, listeners=[progress], note=progress.note, waiting=progress.waiting)
    report(result, as_json=as_json)
    raise typer.Exit(result.exit_code)
