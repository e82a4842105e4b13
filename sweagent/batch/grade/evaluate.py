"""Grading predictions: officially, in parallel, resumable, with nothing left behind."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
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
from sweagent.batch.grade.grading_records import (
    SUMMARY,
    Evaluation,
    Grade,
    GradeStatus,
    Tests,
    official_summary,
    read_grade,
    write_grade,
)
from sweagent.batch.grade.official_container import OfficialContainer
from sweagent.batch.grade.official_run import TestRun, apply_officially, run_script
from sweagent.errors import SandboxError, UsageError
from sweagent.frozen import Frozen
from sweagent.run_folder import RunFolder
from sweagent.sandbox import remove_leftovers

_WAITS = (1.0, 5.0, 15.0)
"""Seconds before an attempt after a failure of the infrastructure."""

NO_RESULTS = "the test run gave no results"

CONTROL_LOG = "control_output.txt"
"""The name of the log of a run without the patch, in an instance's folder."""


class EvaluationOptions(Frozen):
    """How predictions are graded."""

    workers: int = 2
    timeout: float = 1800.0
    """Seconds for the tests of one instance, as officially."""
    attempts: int = 3
    """How often an instance is tried when the infrastructure fails."""
    integrity: bool = True
    """Check the patches, and run those that resolve once more with a test planted that must fail."""
    disk: int = 60 << 30
    """Bytes that the images pulled for the evaluation may take; beyond it, those that were used are removed."""


def evaluate(
    instances: Iterable[Instance],
    predictions: Mapping[str, Prediction],
    output: Path,
    options: EvaluationOptions,
    *,
    record: Callable[[str], str] = lambda instance_id: "",
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
    chosen = [every[name] for name in predictions]
    grading.refuse_ungradable(chosen)
    stop = Event()
    with RunFolder(output).locked():
        remove_leftovers()
        images = Images(output, limit=options.disk, policy="official", note=note)
        graders = [
            _Grader(instance, predictions[instance.instance_id], output, options, version, images, record, stop)
            for instance in chosen
        ]
        grades = _all_graded(graders, options.workers, images, stop, done)
        return _summarised(every, predictions, grades, output)


def _all_graded(
    graders: "Sequence[_Grader]", workers: int, images: Images, stop: Event, done: Callable[[Grade], None]
) -> tuple[Grade, ...]:
    grades: list[Grade] = []
    waiting = []
    for grader in graders:
        kept = grader.kept()
        if kept is None:
            waiting.append(grader)
        else:
            grades.append(kept)
            done(kept)
    with ThreadPoolExecutor(max(1, workers), thread_name_prefix="evaluate") as pool:
        futures: list[Future[Grade]] = [pool.submit(grader.grade) for grader in waiting]
        try:
            for future in as_completed(futures):
                grades.append(future.result())
                done(grades[-1])
        except BaseException:
            stop.set()
            images.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return tuple(sorted(grades, key=lambda grade: grade.instance_id))


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


@dataclass(frozen=True)
class _Grader:
    """The grading of one prediction."""

    instance: Instance
    prediction: Prediction
    output: Path
    options: EvaluationOptions
    version: str
    images: Images
    record: Callable[[str], str]
    stop: Event

    @property
    def folder(self) -> Path:
        return self.output / self.instance.instance_id

    @property
    def key(self) -> str:
        """Digest of what the grade follows from."""
        parts = [
            self.instance.to_record(),
            self.prediction.model_dump(),
            self.options.timeout,
            self.options.integrity,
            self.version,
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]

    def kept(self) -> Grade | None:
        """The grade of an earlier evaluation, unless the infrastructure kept it from a verdict."""
        grade = read_grade(self.folder)
        if grade is None or grade.key != self.key or grade.status is GradeStatus.INFRASTRUCTURE:
            return None
        return grade

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
            self.instance, self.prediction, grade, self.folder, self.record, self.options.timeout, self.stop
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
