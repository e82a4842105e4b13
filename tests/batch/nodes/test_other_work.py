"""Gradings and trials of environments over nodes, as far as they need no engine."""

import sys
from pathlib import Path

from sweagent.batch.data.instances import Instance
from sweagent.batch.data.predictions import Prediction
from sweagent.batch.grade.evaluate import EvaluationOptions, evaluate
from sweagent.batch.grade.grading_records import GradeStatus, read_grade
from sweagent.batch.nodes.pipe import PipeExecutor
from sweagent.batch.trial.trials import try_environments
from sweagent.settings_sources import read_sources

sys.path.append(str(Path(__file__).parents[2] / "support"))

import batch_world as world
from node_world import node_command


def test_predictions_are_graded_behind_a_pipe_and_kept_here(tmp_path: Path) -> None:
    form = {"version": "1.0", "image": "i", "eval_script": "true", "log_parser": "parse_log_pytest"}
    record = world.record(0, tmp_path, "1" * 40, repo="acme/shapes", eval_type="pass_and_fail", **form)
    instance = Instance.from_record(record)
    empty = {instance.instance_id: Prediction(instance_id=instance.instance_id)}
    nodes = PipeExecutor([node_command(tmp_path, "--slots", "1")])

    evaluation = evaluate([instance], empty, tmp_path / "out", EvaluationOptions(), executor=nodes)

    (grade,) = evaluation.grades
    assert grade.status is GradeStatus.EMPTY_PATCH
    assert read_grade(tmp_path / "out" / instance.instance_id) == grade
    # What has a grade is not graded again, on whatever machine.
    again = evaluate([instance], empty, tmp_path / "out", EvaluationOptions(), executor=PipeExecutor(["false"]))
    assert again.grades == evaluation.grades


def test_environments_that_cannot_be_had_are_told_one_by_one(tmp_path: Path) -> None:
    nodes = PipeExecutor([node_command(tmp_path, "--slots", "2")])
    wanted = [(str(tmp_path / "one"), ""), (str(tmp_path / "two"), "v1")]

    trials = try_environments(wanted, read_sources().settings(), seconds=10.0, executor=nodes)

    assert [trial.repository for trial in trials] == [name for name, _ in wanted]
    assert not any(trial.ran for trial in trials)
    assert all("owner/name" in trial.text for trial in trials)
