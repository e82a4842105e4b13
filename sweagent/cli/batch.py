"""`fix-issue batch`: many instances, each exactly once."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from sweagent.cli import options
from sweagent.cli.option_groups import CHOICE, RUN, Choice, chosen, gathered, run_settings

if TYPE_CHECKING:
    from sweagent.batch.data.instances import Instance
    from sweagent.batch.drive.driver import Batch
    from sweagent.batch.drive.ledger import Summary
    from sweagent.batch.drive.official_images import ImagePolicy
    from sweagent.batch.drive.outcomes import Outcome


@gathered("choice", CHOICE, chosen)
@gathered("run", RUN, run_settings)
def command(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="verified, lite, full, multilingual, a name at Hugging Face, a .json, .jsonl or .parquet file, "
            "or a text file with `REPOSITORY ISSUE` a line.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The batch's folder; give it again to go on.")],
    *,
    choice: Choice,
    executor: options.Executor = None,
    nodes: options.Nodes = 1,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", help="Instances at a time at each node; 4 here, elsewhere what a node has."),
    ] = None,
    job_slots: Annotated[int, typer.Option(min=1, help="Slots of a node that one instance takes.")] = 1,
    job_memory: Annotated[str, typer.Option(help="What one instance may need of a node's memory, such as 8g.")] = "",
    lost_after: Annotated[
        float, typer.Option(min=1, help="Seconds of silence after which a node is lost, and stops its work itself.")
    ] = 60.0,
    total_cost: Annotated[float | None, typer.Option(help="Limit of the whole batch in US dollars.")] = None,
    total_seconds: Annotated[float | None, typer.Option(help="Limit of this start of the batch.")] = None,
    images: Annotated[str, typer.Option(help="official images, own ones, or auto: official where there are.")] = "auto",
    disk: Annotated[str, typer.Option(help="Maximum disk space for pulled images.")] = "60g",
    ahead: Annotated[int, typer.Option(help="How many instances ahead images are pulled.")] = 2,
    retries: Annotated[int, typer.Option(help="Retries of what the infrastructure failed, for each instance.")] = 3,
    repositories: Annotated[
        Path | None, typer.Option(help="A folder with clones, to be used before the network.")
    ] = None,
    verify: Annotated[
        bool | None,
        typer.Option("--verify/--no-verify", help="Leave the verification out, where patches are graded anyway."),
    ] = None,
    verify_seconds: Annotated[float | None, typer.Option(help="Limit of each verification.")] = None,
    run: dict[str, Any],
    config: options.ConfigFile = None,
    notify: options.Notify = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Run many instances; stop it and start it again as often as you like, each runs exactly once.

    --max-cost, --max-tokens, --max-steps and --max-seconds are limits of each instance. The first Ctrl-C starts nothing
    new and lets running instances keep their patch; the second ends everything at once. Failures of the infrastructure
    are retried, never counted as the model's, and run again when the batch is started again.

    Exit codes: 0 all have ended; 2 the record, the repository or a setting of some cannot be used; 10 the
    infrastructure failed some; 3 a limit of the batch left some; 130 and 143 stopped.
    """
    from sweagent.cli.heartbeat import first_word

    first_word(f"reading {data}", quiet=quiet)
    from sweagent.batch.drive.batch_settings import BatchSettings
    from sweagent.batch.drive.driver import Batch
    from sweagent.batch.drive.instance_folder import check_unfinished
    from sweagent.batch.drive.ledger import Manifest
    from sweagent.batch.nodes.choose import open_executor
    from sweagent.cli.batch_progress import open_batch_progress
    from sweagent.cli.hooks import Hooks
    from sweagent.own_folders import remember
    from sweagent.run_folder import RunFolder
    from sweagent.settings_sources import read_sources

    judging = {"verify": {"enabled": verify, "seconds": verify_seconds}}
    sources = read_sources(run | judging | {"notify": notify}, config=config)
    settings = sources.settings()
    check_unfinished(output, settings)
    progress = open_batch_progress(verbosity=0 if quiet else 1 + verbose)
    reach = open_executor(executor or [], nodes)
    batch = Batch(
        _instances(data, choice),
        settings,
        BatchSettings(
            workers=workers,
            cost=total_cost,
            seconds=total_seconds,
            images=_policy(images),
            disk_limit=disk,
            ahead=ahead,
            retries=retries,
            repositories=repositories,
            slots=job_slots,
            memory=job_memory,
            silence=lost_after,
        ),
        output,
        manifest=Manifest(
            data=data, split=choice.split, model=settings.model.name, profile=settings.profile, policy=settings.policy
        ),
        executor=reach,
        note=progress.note,
        files=sources.files,
    )
    remember(output)
    hooks = Hooks(settings.hooks, settings.notify, RunFolder(output), lambda text: progress.note("hooks", text))
    hooks.batch_started()
    with progress, _stopping(batch) as signals:
        summary = batch.run(lambda: progress.show(batch.board.snapshot()))
    code = 128 + signals[0] if signals else int(_exit_code(summary.outcomes, left=bool(summary.left)))
    _show(summary, output, batch.stopped_because, as_json=as_json)
    hooks.batch_ended(code, summary.outcomes)
    raise typer.Exit(code)


def _show(summary: "Summary", output: Path, stopped_because: str, *, as_json: bool) -> None:
    from sweagent.cli.batch_progress import render_summary

    if as_json:
        print(summary.model_dump_json())
    else:
        render_summary(summary, output, stopped_because)


def _instances(data: str, choice: Choice) -> "tuple[Instance, ...]":
    from sweagent.batch.data.instances import load_instances
    from sweagent.errors import UsageError

    instances = load_instances(data, split=choice.split, oracle=False, **choice.selection)
    if not instances:
        raise UsageError("no instance is left after the choices", "look at --slice, --filter and --ids")
    return instances


def _policy(images: str) -> "ImagePolicy":
    from sweagent.batch.drive.official_images import ImagePolicy
    from sweagent.errors import UsageError

    if images not in get_args(ImagePolicy):
        raise UsageError(f"{images!r} is not a choice of images", f"give one of {', '.join(get_args(ImagePolicy))}")
    return cast("ImagePolicy", images)


@contextmanager
def _stopping(batch: "Batch") -> Iterator[list[int]]:
    """The first signal stops the batch cleanly; the second ends the process, and its reaper removes the containers."""
    seen: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if seen:
            os._exit(128 + number)
        seen.append(number)
        batch.stop(f"stopped by {signal.Signals(number).name}")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit_code(outcomes: "dict[Outcome, int]", *, left: bool) -> int:
    from sweagent.batch.drive.outcomes import Outcome
    from sweagent.errors import ExitCode

    if Outcome.USAGE in outcomes:
        return ExitCode.USAGE
    if Outcome.INFRASTRUCTURE in outcomes:
        return ExitCode.SANDBOX
    return ExitCode.UNVERIFIED if left else 0
