"""`fix-issue show RUN`: read a recorded run."""

from typing import Annotated

import typer

from sweagent.cli import options


def command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, or its name in the state folder.")],
    verbose: options.Verbose = 0,
    as_json: options.Json = False,
) -> None:
    """Print what happened in a run, event by event, and what its attempts came to; with --json the events alone."""
    import sys

    from sweagent.cli.attempts import attempt_lines
    from sweagent.cli.progress import PlainProgress
    from sweagent.run_folder import find_run
    from sweagent.trajectory import read_events

    events = list(read_events(find_run(run).trajectory))
    show = PlainProgress(sys.stdout, 1 + verbose)
    for event in events:
        if as_json:
            print(event.model_dump_json())
        else:
            show(event)
    for line in [] if as_json else attempt_lines(events):
        show.note(line)
