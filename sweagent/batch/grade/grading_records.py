"""Grades of instances, and the summary in the official form."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sweagent.atomic_write import write_atomically
from sweagent.batch.data.predictions import Prediction
from sweagent.errors import StorageError
from sweagent.frozen import Frozen
from sweagent.verify.proof import Finding

FILE = "grade.json"
"""The name of a grade in its instance's folder."""

SUMMARY = "evaluation.json"
"""The name of an evaluation's summary in its folder."""


class GradeStatus(StrEnum):
    """What the official evaluation makes of a prediction. Infrastructure is never the model's failure."""

    RESOLVED = "resolved"
    UNRESOLVED = "unresolved"
    EMPTY_PATCH = "empty patch"
    ERROR = "error"
    """The patch cannot be applied, or the tests did not end in time."""
    INFRASTRUCTURE = "infrastructure"
    """Engine, image or container failed more often than is retried, or the tests do not run without the patch either;
    evaluating again grades it."""


class Tests(Frozen):
    """The tests of a list, by what became of them."""

    __test__ = False

    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


class Grade(Frozen):
    """The grade of one prediction. Written once, when it is final."""

    instance_id: str
    repo: str = ""
    model: str = ""
    status: GradeStatus
    official: GradeStatus | None = None
    """What the official count makes of it, where that is something else."""
    reason: str = ""
    """Why it is not resolved, in one line; or why it is, where officially it is not."""
    applied_with: str = ""
    """The command that applied the patch; `patch --fuzz` takes patches whose context is wrong."""
    fail_to_pass: Tests = Tests()
    pass_to_pass: Tests = Tests()
    failure_reason: str = ""
    """What the official classification takes for the cause of a run without results."""
    likely_infrastructure: bool = False
    """The classification holds it for the environment's fault; the official count does not depend on it."""
    findings: tuple[Finding, ...] = ()
    """What the integrity check found."""
    integrity: str = "not checked"
    """What the integrity check covered."""
    seconds: float = 0.0
    """Wall time of the attempt that counts, without the integrity check."""
    test_seconds: float = 0.0
    """Wall time of the eval script in it."""
    attempts: int = 1
    faults: tuple[str, ...] = ()
    """Failures of the infrastructure on the way, each in one line."""
    image_id: str = ""
    swebench: str = ""
    """The version of the official package."""
    key: str = ""
    """Digest of all that the grade follows from; a prediction whose key is another one is graded anew."""
    ended: datetime

    @property
    def flagged(self) -> bool:
        """The integrity check found something; a person should look before it is counted."""
        return bool(self.findings)


class Evaluation(Frozen):
    """All grades of one set of predictions."""

    run_id: str
    model: str
    total: int
    """Instances of the data set that was evaluated on."""
    not_submitted: tuple[str, ...] = ()
    """Instances without a prediction."""
    grades: tuple[Grade, ...]
    official_file: str = ""
    """The path of the summary in the official form."""

    def ids(self, *statuses: GradeStatus) -> list[str]:
        """The instances of some statuses, sorted."""
        return sorted(grade.instance_id for grade in self.grades if grade.status in statuses)

    def official_ids(self, *statuses: GradeStatus) -> list[str]:
        """The instances that are of some statuses in the official count, sorted."""
        return sorted(grade.instance_id for grade in self.grades if (grade.official or grade.status) in statuses)

    @property
    def flagged(self) -> list[str]:
        """The instances that the integrity check flagged, sorted."""
        return sorted(grade.instance_id for grade in self.grades if grade.flagged)


def write_grade(folder: Path, grade: Grade) -> None:
    """Keep a grade, as a whole or not at all.

    Raises:
        StorageError: the disk refuses it.
    """
    write_atomically(folder / FILE, json.dumps(grade.model_dump(mode="json"), indent=1) + "\n")


def read_grade(folder: Path) -> Grade | None:
    """The grade in an instance's folder; None when there is none that this version understands.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        return Grade.model_validate(json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        raise StorageError(f"cannot read {folder / FILE}: {error}", "check the file's permissions") from error


def official_summary(evaluation: Evaluation, predictions: Mapping[str, Prediction]) -> dict[str, Any]:
    """The summary in the form and with the counts of the official evaluation, schema version 2.

    As there, a run whose infrastructure failed is among the errors, since no verdict is known.
    """
    status = GradeStatus
    completed = evaluation.official_ids(status.RESOLVED, status.UNRESOLVED)
    errors = evaluation.official_ids(status.ERROR, status.INFRASTRUCTURE)
    resolved = evaluation.official_ids(status.RESOLVED)
    failed = [grade for grade in evaluation.grades if grade.failure_reason and grade.instance_id not in resolved]
    environment = _sorted(grade.instance_id for grade in failed if grade.likely_infrastructure)
    ambiguous = _sorted(grade.instance_id for grade in failed if not grade.likely_infrastructure)
    lists = {
        "completed": completed,
        "incomplete": list(evaluation.not_submitted),
        "empty_patch": evaluation.official_ids(status.EMPTY_PATCH),
        "submitted": _sorted(predictions),
        "resolved": resolved,
        "unresolved": evaluation.official_ids(status.UNRESOLVED),
        "infra_failure": environment,
        "ambiguous_failure": ambiguous,
        "error": errors,
    }
    counts = {f"{name}_instances": len(ids) for name, ids in lists.items() if name != "incomplete"}
    return {
        "total_instances": evaluation.total,
        **counts,
        **{f"{name}_ids": ids for name, ids in lists.items()},
        "failure_reasons": {
            grade.instance_id: grade.failure_reason for grade in sorted(failed, key=lambda grade: grade.instance_id)
        },
        "schema_version": 2,
    }


def _sorted(ids: Iterable[str]) -> list[str]:
    return sorted(ids)
