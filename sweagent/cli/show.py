"""`fix-issue show RUN`: read a recorded run, or a batch."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweagent.cli import options
from sweagent.cli.completion import run_names

if TYPE_CHECKING:
    from sweagent.batch.drive.outcomes import InstanceResult


def command(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            autocompletion=run_names,
            help="A run's folder, its name or the start of it, `last`, or a batch's folder.",
        ),
    ],
    diff: Annotated[bool, typer.Option("--diff", help="Print the patch and nothing else.")] = False,
    proof: Annotated[bool, typer.Option("--proof", help="Print the proof and nothing else.")] = False,
    context: Annotated[
        bool, typer.Option("--context", help="Print what the prompts held, in characters by kind, and nothing else.")
    ] = False,
    verbose: options.Verbose = 0,
    as_json: options.JsonLines = False,
) -> None:
    """Print what happened in a run, event by event, and how it ended; of a batch, how each instance ended.

    With --json one JSON object a line: the events as they were recorded, or the results of a batch's instances.
    """
    import sys

    from sweagent.batch.drive.manifest import FILE as MANIFEST
    from sweagent.cli.attempts import attempt_lines

    if (Path(run) / MANIFEST).is_file():
        _show_batch(Path(run), as_json=as_json)
        return
    from sweagent.cli.progress import PlainProgress
    from sweagent.run_folder import find_run
    from sweagent.trajectory_file import read_events

    folder = find_run(run)
    if diff:
        from sweagent.cli.ending import print_diff

        print_diff(folder.patch)
        return
    if proof:
        from sweagent.cli.ending import print_proof

        print_proof(folder.proof, as_json=as_json)
        return
    if context:
        _show_context(folder.trajectory, as_json=as_json)
        return
    show = PlainProgress(sys.stdout, 1 + verbose, ending=True)
    events = list(read_events(folder.trajectory))
    for event in events:
        if as_json:
            print(event.model_dump_json())
        else:
            show(event)
    for line in [] if as_json else attempt_lines(events):
        show.note(line)


def _show_context(trajectory: Path, *, as_json: bool) -> None:
    from sweagent.agent.accounting import prompt_account
    from sweagent.cli.rows import print_rows
    from sweagent.trajectory_file import read_events

    account = prompt_account(read_events(trajectory))
    if as_json:
        print(account.model_dump_json())
        return
    whole = account.characters or 1
    rows = [
        (kind, f"{size:,}", f"{size / whole:.1%}", f"{account.last.get(kind, 0):,}")
        for kind, size in account.total.items()
    ]
    last = f"{sum(account.last.values()):,}"
    print_rows(("kind", "characters", "share", "last"), [*rows, ("all", f"{account.characters:,}", "100.0%", last)])
    print(f"\n{account.requests} requests; characters of all of them, and of the last one")


def _show_batch(folder: Path, *, as_json: bool) -> None:
    from sweagent.batch.drive.outcomes import read_results
    from sweagent.batch.drive.progress import label
    from sweagent.cli.console import duration, money
    from sweagent.cli.rows import print_rows

    results = read_results(folder)

    def row(result: "InstanceResult") -> tuple[str, ...]:
        spent = money(result.cost), duration(result.seconds)
        return result.instance_id, label(result), str(result.steps), *spent, result.message

    if as_json:
        for result in results.values():
            print(result.model_dump_json())
        return
    print_rows(("instance", "outcome", "steps", "cost", "time", ""), [row(result) for result in results.values()])
    print(f"\none instance: fix-issue show {folder}/INSTANCE/run-1")
