"""`fix-issue fork RUN`: another run from a step of a recorded one."""

from pathlib import Path
from typing import Annotated

import typer

from sweagent.cli import options


def command(
    run: options.Run,
    at: Annotated[int, typer.Option(help="The last step of RUN that the new run begins with.")],
    say: Annotated[str, typer.Option(help="A word for the model after that step.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The new run's folder; one in the state folder by default.")
    ] = None,
    confirm: options.Confirm = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Begin another run from a step of a recorded one, and go on from there."""
    from sweagent.cli import resume
    from sweagent.own_folders import check_started_here, remember
    from sweagent.run.fork import fork
    from sweagent.run_folder import RunFolder, find_run, new_run_id, runs_folder
    from sweagent.solve import recorded_settings

    source = find_run(run)
    check_started_here(source.path, recorded_settings(source).model_dump(mode="json"))
    run_id = new_run_id(f"{source.path.name[:40]}-fork")
    folder = RunFolder(output or runs_folder() / run_id)
    remember(folder.path)
    fork(source, folder, run_id=run_id, step=at, say=f"The user says: {say}" if say else "")
    resume.command(str(folder.path), confirm=confirm, verbose=verbose, quiet=quiet, as_json=as_json)
