"""Grade one prediction officially, and check it."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from sweagent.atomic_write import write_atomically
from sweagent.batch.data.instances import Instance
from sweagent.batch.data.predictions import Prediction
from sweagent.batch.drive.official_images import Images
from sweagent.batch.grade import grading, integrity
from sweagent.batch.grade.grading_records import Grade, GradeStatus, Tests, read_grade, write_grade
from sweagent.batch.grade.official_container import OfficialContainer
from sweagent.batch.grade.official_run import TestRun, apply_officially, run_script
from sweagent.errors import SandboxError
from sweagent.frozen import Frozen

_WAITS = (1.0, 5.0, 15.0)
"""Seconds before an attempt after a failure of the infrastructure."""

NO_RESULTS = "the test run gave no results"

CONTROL_LOG = "control_output.txt"
"""The name of the log of a run without the patch, in an instance's folder."""


class EvaluationOptions(Frozen):
    """How predictions are graded."""

    workers: int | None = None
    """At a time, at each node; None for two on this machine, and what each other one has."""
    timeout: float = 1800.0
    """Seconds for the tests of one instance, as officially."""
    attempts: int = 3
    """How often an instance is tried when the infrastructure fails."""
    integrity: bool = True
    """Check the patches, and run those that resolve once more with a test planted that must fail."""
    disk: int = 60 << 30
    """Bytes that the images pulled for the evaluation may take; beyond it, those that were used are removed."""


def key_of(instance: Instance, prediction: Prediction, options: EvaluationOptions, version: str) -> str:
    """Digest of what a grade follows from."""
    parts = [instance.to_record(), prediction.model_dump(), options.timeout, options.integrity, version]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


def kept_grade(folder: Path, key: str) -> Grade | None:
    """The grade of an earlier evaluation, unless the infrastructure kept it from a verdict."""
    grade = read_grade(folder)
    if grade is None or grade.key != key or grade.status is GradeStatus.INFRASTRUCTURE:
        return None
    return grade


@dataclass(frozen=True)
class Grader:
    """The grading of one prediction.

    Attributes:
        instance: what was to be solved.
        prediction: the patch.
        folder: where its logs go.
        options: how it is graded.
        version: of the official package.
        images: hands out the official images.
        record: of the run that made the patch, as text; empty where there is none.
        stop: ends the grading.
    """

    instance: Instance
    prediction: Prediction
    folder: Path
    options: EvaluationOptions
    version: str
    images: Images
    record: str
    stop: Event

    @property
    def key(self) -> str:
        """Digest of what the grade follows from."""
        return key_of(self.instance, self.prediction, self.options, self.version)

    def grade(self) -> Grade:
        """Grade, check and keep."""
        grade = self._tried() if self.prediction.model_patch else self._grade(GradeStatus.EMPTY_PATCH)
        write_grade(self.folder, grade)
        with suppress(SandboxError):
            self.images.evict()
        return grade

    def _tried(self) -> Grade:
        """Grade, again when the infrastructure fails or seems to have."""
        faults: list[str] = []
        for attempt in range(1, self.options.attempts + 1):
            if faults:
                self.stop.wait(_WAITS[min(attempt, len(_WAITS) + 1) - 2])
            try:
                with self.images.hold(self.instance):
                    grade = self._checked(self._attempt())
            except SandboxError as error:
                faults.append(str(error))
                grade = self._grade(GradeStatus.INFRASTRUCTURE, str(error))
                continue
            looks_like_it = grade.likely_infrastructure and grade.reason == NO_RESULTS
            if grade.status is not GradeStatus.INFRASTRUCTURE and not looks_like_it:
                break
            faults.append(f"{grade.reason}: {grade.failure_reason}" if looks_like_it else grade.reason)
        return grade.model_copy(update={"attempts": attempt, "faults": tuple(faults)})

    def _checked(self, grade: Grade) -> Grade:
        if not self.options.integrity:
            return grade
        checked = integrity.check(
            self.instance, self.prediction, grade, self.folder, lambda _: self.record, self.options.timeout, self.stop
        )
        return grade.model_copy(update={"findings": checked.findings, "integrity": checked.covered})

    def _attempt(self) -> Grade:
        started = time.monotonic()
        try:
            patch = self.prediction.model_patch.encode()
        except UnicodeEncodeError:
            return self._grade(GradeStatus.ERROR, "the patch holds bytes that are no UTF-8")
        log, notes = self.folder / "test_output.txt", self.folder / "run_instance.log"
        self._prepare(log)
        script = grading.official_spec(self.instance).eval_script
        write_atomically(self.folder / "patch.diff", self.prediction.model_patch)
        write_atomically(self.folder / "eval.sh", script)
        with OfficialContainer(self.instance.image, self.instance.instance_id, self.stop) as container:
            grade = self._grade(GradeStatus.ERROR, "the patch cannot be applied", image_id=container.image_id)
            applied = apply_officially(container, patch, grading.apply_commands(), notes)
            if applied:
                run = run_script(container, script, self.options.timeout, log)
                grade = self._judged(run, log, notes).model_copy(
                    update={"applied_with": applied, "test_seconds": run.seconds, "image_id": container.image_id}
                )
        if grade.status is GradeStatus.UNRESOLVED:
            grade = self._controlled(grade, script, log)
        return grade.model_copy(update={"seconds": time.monotonic() - started})

    def _prepare(self, log: Path) -> None:
        """Make the folder, without what an earlier attempt left that could be taken for this one's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in (log, self.folder / "report.json"):
            with suppress(FileNotFoundError):
                name.unlink()

    def _judged(self, run: TestRun, log: Path, notes: Path) -> Grade:
        if run.timed_out or run.too_long:
            reason = "the tests wrote too much output" if run.too_long else "the tests did not end in time"
            return self._grade(GradeStatus.ERROR, reason, **_failure(log, notes))
        report = grading.official_report(self.instance, self.prediction, log)
        text = grading.as_official_json(report, self.instance.instance_id)
        write_atomically(self.folder / "report.json", text)
        tests = report.get("tests_status", {})
        wanted, kept = (_tests(tests.get(name, {})) for name in ("FAIL_TO_PASS", "PASS_TO_PASS"))
        lists = {"fail_to_pass": wanted, "pass_to_pass": kept}
        if report["resolved"]:
            return self._grade(GradeStatus.RESOLVED, "", **lists)
        missing = (*wanted.failed, *kept.failed)
        if missing and grading.only_interleaved(self.instance, log, missing):
            reason = f"the runner says that all passed; the lines of {len(missing)} tests were interleaved"
            return self._grade(GradeStatus.RESOLVED, reason, official=GradeStatus.UNRESOLVED, **lists)
        return self._grade(GradeStatus.UNRESOLVED, _why(wanted, kept), **lists, **_failure(log, notes))

    def _controlled(self, grade: Grade, script: str, log: Path) -> Grade:
        """Hold a run without results, or with a failed installation, against one without the patch.

        What goes wrong there too is the environment's fault and says nothing of the patch.
        """
        fault = grading.install_fault(log)
        if not fault and grade.reason != NO_RESULTS:
            return grade
        control = self.folder / CONTROL_LOG
        with OfficialContainer(self.instance.image, self.instance.instance_id, self.stop) as container:
            run_script(container, script, self.options.timeout, control)
        if fault and grading.install_fault(control):
            reason = f"the installation fails without the patch too: {fault}"
        elif grade.reason == NO_RESULTS and not grading.statuses(self.instance, control):
            reason = f"{NO_RESULTS}, and neither does one without the patch"
        else:
            return grade
        update = {"status": GradeStatus.INFRASTRUCTURE, "official": GradeStatus.UNRESOLVED, "reason": reason[:500]}
        return grade.model_copy(update=update)

    def _grade(self, status: GradeStatus, reason: str = "", /, **more: Any) -> Grade:
        return Grade(
            instance_id=self.instance.instance_id,
            repo=self.instance.repo,
            model=self.prediction.model_name_or_path,
            status=status,
            reason=reason,
            swebench=self.version,
            key=self.key,
            ended=datetime.now(UTC),
            **more,
        )


def _failure(log: Path, notes: Path) -> dict[str, Any]:
    reason, environment = grading.failure_reason(log, notes)
    return {"failure_reason": reason, "likely_infrastructure": environment}


def _tests(listed: Mapping[str, Sequence[str]]) -> Tests:
    return Tests(passed=tuple(listed.get("success", ())), failed=tuple(listed.get("failure", ())))


def _why(wanted: Tests, kept: Tests) -> str:
    if not any((wanted.passed, wanted.failed, kept.passed, kept.failed)):
        return NO_RESULTS
    said = []
    if wanted.failed:
        said.append(f"{len(wanted.failed)} of {len(wanted.failed) + len(wanted.passed)} tests that must pass fail")
    if kept.failed:
        said.append(f"{len(kept.failed)} of {len(kept.failed) + len(kept.passed)} tests that must go on passing fail")
    return "; ".join(said)
