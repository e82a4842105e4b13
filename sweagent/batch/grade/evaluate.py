"""Grading predictions: officially, in parallel, resumable, with nothing left behind."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sweagent.atomic_write import write_atomically
from sweagent.batch.data.instances import Instance
from sweagent.batch.data.predictions import Prediction
from sweagent.batch.grade import grading
from sweagent.batch.grade.grade_service import GradeService
from sweagent.batch.grade.grader import EvaluationOptions, kept_grade, key_of
from sweagent.batch.grade.grading_records import SUMMARY, Evaluation, Grade, official_summary, write_grade
from sweagent.batch.nodes.executor import Executor
from sweagent.batch.nodes.farm import run_all, setup_for
from sweagent.batch.nodes.local import LocalExecutor
from sweagent.batch.nodes.messages import Work
from sweagent.errors import UsageError
from sweagent.run_folder import RunFolder

__all__ = ["EvaluationOptions", "evaluate"]

_LOCAL_WORKERS = 2


def evaluate(
    instances: Iterable[Instance],
    predictions: Mapping[str, Prediction],
    output: Path,
    options: EvaluationOptions,
    *,
    record: Callable[[str], str] = lambda instance_id: "",
    executor: Executor | None = None,
    done: Callable[[Grade], None] = lambda grade: None,
    note: Callable[[str], None] = lambda text: None,
) -> Evaluation:
    """Grade predictions; those that were graded in the same folder before are not graded again.

    Args:
        instances: of the data set; those without a prediction count as not submitted.
        predictions: by instance.
        output: the folder of the evaluation; each instance has a folder in it with its logs.
        options: how.
        record: gives the record of the run that made a prediction, as text, for the integrity check.
        executor: reaches the nodes that grade; None has one in this process.
        done: receives each grade as it is final, those of an earlier evaluation first.
        note: receives lines for people about the images.

    Raises:
        UsageError: swebench is missing, a prediction is of no instance, or an instance cannot be graded.
        StorageError: the folder cannot be written; what was graded before is kept.
        RunInterruptedError: the evaluation was stopped; it goes on when it is started again.
    """
    version = grading.swebench_version()
    every = {instance.instance_id: instance for instance in instances}
    unknown = sorted(set(predictions) - set(every))
    if unknown:
        raise UsageError(
            f"predictions for no instance of the data set: {len(unknown)}, for example {unknown[0]}",
            "check --dataset and --split",
        )
    chosen = {name: every[name] for name in predictions}
    grading.refuse_ungradable(list(chosen.values()))
    folder = output.absolute()
    with RunFolder(folder).locked():
        kept = {
            name: kept_grade(folder / name, key_of(instance, predictions[name], options, version))
            for name, instance in chosen.items()
        }
        grades = {name: grade for name, grade in kept.items() if grade is not None}
        for grade in grades.values():
            done(grade)

        def payload(name: str) -> dict[str, Any]:
            prediction = predictions[name]
            wanted = options.integrity and bool(prediction.model_patch)
            return {
                "instance": every[name].model_dump(mode="json"),
                "prediction": prediction.model_dump(mode="json"),
                "record": record(name) if wanted else "",
            }

        def ended(name: str, result: dict[str, Any]) -> None:
            grades[name] = Grade.model_validate(result)
            write_grade(folder / name, grades[name])
            done(grades[name])

        waiting = [name for name in chosen if name not in grades]
        if waiting:
            reach = executor or LocalExecutor(GradeService(options, folder), folder, options.workers or _LOCAL_WORKERS)
            setup = setup_for(Work.GRADE, {"options": options.model_dump(mode="json")}, slots=options.workers)
            run_all(reach, setup, waiting, payload, ended, store=folder, near=lambda name: every[name].image, note=note)
        ordered = tuple(grades[name] for name in sorted(grades))
        return _summarised(every, predictions, ordered, output)


def _summarised(
    every: Mapping[str, Instance], predictions: Mapping[str, Prediction], grades: tuple[Grade, ...], output: Path
) -> Evaluation:
    models = sorted({prediction.model_name_or_path for prediction in predictions.values()})
    model, run_id = "+".join(models), output.absolute().name
    name = re.sub(r"[^\w.+-]", "_", models[0].replace("/", "__") if models else "") or "None"
    evaluation = Evaluation(
        run_id=run_id,
        model=model,
        total=len(every),
        not_submitted=tuple(sorted(set(every) - set(predictions))),
        grades=grades,
        official_file=str(output / f"{name}.{run_id}.json"),
    )
    official = json.dumps(official_summary(evaluation, predictions), indent=4)
    write_atomically(Path(evaluation.official_file), official + "\n")
    write_atomically(output / SUMMARY, json.dumps(evaluation.model_dump(mode="json"), indent=1) + "\n")
    return evaluation
