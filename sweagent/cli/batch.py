"""`fix-issue batch`: many instances, each exactly once, however often the batch is stopped and started again."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from sweagent.cli import options

if TYPE_CHECKING:
    from sweagent.batch.outcomes import Outcome
    from sweagent.batch.runner import Batch


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
    split: Annotated[str, typer.Option(help="Which part of the data set.")] = "test",
    slice_: Annotated[str, typer.Option("--slice", help="As in Python: 10, 5:10.")] = "",
    pattern: Annotated[str, typer.Option("--filter", help="A regular expression that ids must match.")] = "",
    shuffle: Annotated[int | None, typer.Option(help="Shuffle with this seed.")] = None,
    ids: Annotated[list[str] | None, typer.Option("--id", help="Only this instance; may be repeated.")] = None,
    ids_file: Annotated[Path | None, typer.Option("--ids", help="Only the ids in this file, one a line.")] = None,
    workers: Annotated[int, typer.Option("--workers", "-w", help="Instances at a time.")] = 4,
    total_cost: Annotated[float | None, typer.Option(help="Limit of the whole batch in US dollars.")] = None,
    total_seconds: Annotated[float | None, typer.Option(help="Limit of this start of the batch.")] = None,
    images: Annotated[str, typer.Option(help="official images, own ones, or auto: official where there are.")] = "auto",
    disk: Annotated[str, typer.Option(help="What the images that are pulled may take together.")] = "60g",
    ahead: Annotated[int, typer.Option(help="Pull images so many instances ahead.")] = 2,
    retries: Annotated[int, typer.Option(help="Retries of what the infrastructure failed, for each instance.")] = 3,
    repositories: Annotated[
        Path | None, typer.Option(help="A folder with clones, to be used before the network.")
    ] = None,
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
    config: options.ConfigFile = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Run many instances; stop it and start it again as often as you like, each runs exactly once.

    --max-cost, --max-tokens, --max-steps and --max-seconds are limits of each instance. The first Ctrl-C starts nothing
    new and lets running instances keep their patch; the second ends everything at once. Failures of the infrastructure
    are retried, never counted as the model's, and run again when the batch is started again.

    Exit codes: 0 all have ended; 10 the infrastructure failed some; 3 a limit of the batch left some; 130 and 143
    stopped.
    """
    from sweagent.batch.data import load_instances
    from sweagent.batch.ledger import Manifest
    from sweagent.batch.runner import Batch, BatchSettings
    from sweagent.cli.batch_progress import open_batch_progress
    from sweagent.cli.run import _remote_options
    from sweagent.config import load_settings
    from sweagent.errors import UsageError

    if images not in ("auto", "official", "own"):
        raise UsageError(f"{images!r} is not a choice of images", "give auto, official or own")
    instances = load_instances(
        data, split=split, slice=slice_, pattern=pattern, shuffle_seed=shuffle, ids=[*(ids or ()), *_read_ids(ids_file)]
    )
    if not instances:
        raise UsageError("no instance is left after the choices", "look at --slice, --filter and --ids")
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
        ),
        project=config,
    )
    progress = open_batch_progress(verbosity=0 if quiet else 1 + verbose)
    batch = Batch(
        instances,
        settings,
        BatchSettings(
            workers=workers,
            cost=total_cost,
            seconds=total_seconds,
            images=images,  # type: ignore[arg-type] # checked above
            disk_limit=disk,
            ahead=ahead,
            retries=retries,
            repositories=repositories,
        ),
        output,
        manifest=Manifest(
            data=data, split=split, model=settings.model.name, profile=settings.profile, policy=settings.policy
        ),
        note=progress.note,
        access=lambda repo: _remote_options(repo, None),
    )
    with progress, _stopping(batch) as signals:
        summary = batch.run(lambda: progress.show(batch.board.snapshot()))
    if as_json:
        print(summary.model_dump_json())
    else:
        from sweagent.cli.batch_progress import render_summary

        render_summary(summary, output, batch.stopped_because)
    raise typer.Exit(128 + signals[0] if signals else _exit_code(summary.outcomes, left=bool(summary.left)))


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
    from sweagent.errors import ExitCode

    if "infrastructure" in outcomes:
        return ExitCode.SANDBOX
    return ExitCode.UNVERIFIED if left else 0


def _read_ids(path: Path | None) -> list[str]:
    from sweagent.errors import UsageError

    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}", "give a text file with one id a line") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
