"""`fix-issue evaluate PREDICTIONS`: grade officially, and check integrity."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweagent.cli import options
from sweagent.cli.option_groups import CHOICE, Choice, chosen, gathered

if TYPE_CHECKING:
    from sweagent.batch.data.instances import Instance
    from sweagent.batch.data.predictions import Prediction
    from sweagent.batch.grade.grading_records import Evaluation, Grade


@gathered("choice", CHOICE, chosen)
def command(
    predictions: Annotated[
        str, typer.Argument(metavar="PREDICTIONS", help="A .json or .jsonl file, a batch's folder, or `gold`.")
    ],
    dataset: Annotated[
        str, typer.Option(help="verified, lite, full, multilingual, a data set at Hugging Face, or a local file.")
    ],
    *,
    choice: Choice,
    executor: options.Executor = None,
    nodes: options.Nodes = 1,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", min=1, help="Instances at a time at each node; 2 here, elsewhere its slots."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for the tests of one instance.")] = 1800.0,
    attempts: Annotated[int, typer.Option(min=1, help="Tries of an instance when the infrastructure fails.")] = 3,
    integrity: Annotated[
        bool, typer.Option("--integrity/--no-integrity", help="Check in a fresh container what resolves.")
    ] = True,
    disk: Annotated[str, typer.Option(help="Maximum disk space for pulled images.")] = "60g",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of the evaluation; beside the predictions by default.")
    ] = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Grade predictions by the official package `swebench`, in parallel; started again it goes on where it was.

    Empty patches, patches that cannot be applied and failures of the infrastructure are counted apart from unresolved
    instances. The exit code is 0 when every prediction has a verdict, 10 when the infrastructure kept some from one.
    """
    from sweagent.cli.heartbeat import first_word

    first_word(f"reading {predictions}", quiet=quiet)
    from sweagent.batch.grade.evaluate import EvaluationOptions, evaluate
    from sweagent.batch.grade.grading_records import GradeStatus
    from sweagent.batch.grade.integrity_records import record_reader
    from sweagent.batch.nodes.choose import open_executor
    from sweagent.cli.batch_progress import bar
    from sweagent.cli.console import counted
    from sweagent.cli.progress import open_progress
    from sweagent.cli.signals import stoppable
    from sweagent.errors import ExitCode
    from sweagent.sizes import parse_size

    graded = 0

    def done(grade: "Grade") -> None:
        nonlocal graded
        graded += 1
        progress.note(_told(grade))
        progress.doing(f"grading: {bar(graded, len(wanted))} {graded} of {len(wanted)} done")

    with open_progress(verbosity=0 if quiet else 1) as progress, stoppable():
        instances, wanted = _read(predictions, dataset, choice)
        progress.doing(f"grading {counted(len(wanted), 'prediction')}")
        folder = output or _default_output(predictions)
        evaluation = evaluate(
            instances,
            wanted,
            folder,
            EvaluationOptions(
                workers=workers,
                timeout=timeout,
                attempts=attempts,
                integrity=integrity,
                disk=parse_size(disk, may_be_zero=True),
            ),
            record=record_reader(Path(predictions)),
            executor=open_executor(executor or [], nodes),
            done=done,
            note=progress.note,
        )
    _show(evaluation, folder, as_json=as_json, quiet=quiet)
    if any(grade.status is GradeStatus.INFRASTRUCTURE for grade in evaluation.grades):
        raise typer.Exit(int(ExitCode.SANDBOX))


def _read(name: str, dataset: str, choice: Choice) -> "tuple[tuple[Instance, ...], dict[str, Prediction]]":
    """The instances to count, and the predictions for them."""
    from sweagent.batch.data.instances import load_instances, select
    from sweagent.batch.data.predictions import Prediction, read_predictions
    from sweagent.errors import UsageError

    every = load_instances(dataset, split=choice.split)
    instances = select(every, **choice.selection)
    if name == "gold":
        made = {
            instance.instance_id: Prediction(
                instance_id=instance.instance_id, model_name_or_path="gold", model_patch=instance.patch
            )
            for instance in instances
        }
        return instances, made
    read = read_predictions(Path(name))
    unknown = sorted(set(read) - {instance.instance_id for instance in every})
    if unknown:
        raise UsageError(
            f"predictions for no instance of {dataset}: {len(unknown)}, for example {unknown[0]}",
            "check --dataset and --split",
        )
    wanted = {instance.instance_id for instance in instances}
    return instances, {name: prediction for name, prediction in read.items() if name in wanted}


def _told(grade: "Grade") -> str:
    flagged = f" [{', '.join(sorted({finding.rule for finding in grade.findings}))}]" if grade.findings else ""
    return f"{grade.instance_id}: {grade.status.value}{flagged}" + (f": {grade.reason}" if grade.reason else "")


def _default_output(predictions: str) -> Path:
    path = Path(predictions)
    return path / "evaluation" if path.is_dir() else path.parent / f"{path.stem}.evaluation"


def _show(evaluation: "Evaluation", folder: Path, *, as_json: bool, quiet: bool) -> None:
    from sweagent.batch.report.presentation import terminal
    from sweagent.batch.report.report import load_report

    run = load_report(folder)
    if as_json:
        print(run.model_dump_json())
    elif quiet:
        print(f"{run.share.resolved}/{run.share.total}")
    else:
        from rich.console import Console

        Console(emoji=False).print(terminal((run,)))
        print(f"official form: {evaluation.official_file}", file=sys.stderr)
