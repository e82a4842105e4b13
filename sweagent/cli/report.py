"""`fix-issue report RUN…`: what runs resolved; several are compared."""

import json
from pathlib import Path
from typing import Annotated

import typer

from sweagent.cli import options


def command(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Folders of batches or evaluations, or official reports (.json)."),
    ],
    markdown: Annotated[Path | None, typer.Option(help="Write the report here as Markdown.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write it here as one HTML file that needs nothing else.")] = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Report what runs resolved: with intervals, per repository, cost, steps, time, exit reasons, flagged instances.

    Two or more runs are compared on the instances that they share: instance by instance, McNemar's exact test, and
    pass@k with the runs taken as attempts of one system.
    """
    from sweagent.atomic_write import write_atomically
    from sweagent.batch.report import presentation
    from sweagent.batch.report.compare import compare
    from sweagent.batch.report.report import load_report

    loaded = [load_report(path) for path in runs]
    comparison = compare(loaded) if len(loaded) > 1 else None
    for path, render in ((markdown, presentation.markdown), (html, presentation.html)):
        if path is not None:
            write_atomically(path, render(loaded, comparison))
    if as_json:
        compared = comparison.model_dump(mode="json") if comparison else None
        print(json.dumps({"runs": [run.model_dump(mode="json") for run in loaded], "comparison": compared}))
    elif quiet:
        for run in loaded:
            print(f"{run.name} {run.share.resolved}/{run.share.total}")
    else:
        from rich.console import Console

        Console(emoji=False).print(presentation.terminal(loaded, comparison))
