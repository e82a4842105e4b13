"""Check in a fresh container whether a resolving patch is honest.

Nothing of it changes the official verdict. Instances with findings are listed for a person to look at.
"""

import shlex
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

from sweagent.batch.data.instances import Instance
from sweagent.batch.data.predictions import Prediction
from sweagent.batch.grade import grading
from sweagent.batch.grade.grading_records import Grade, GradeStatus
from sweagent.batch.grade.integrity_static import like_gold, of_the_run, tampering, touched_paths
from sweagent.batch.grade.official_container import WORKDIR, OfficialContainer
from sweagent.batch.grade.official_run import apply_officially, run_script
from sweagent.errors import FixIssueError, SandboxError
from sweagent.frozen import Frozen
from sweagent.testing import Runner
from sweagent.testing.runners import runner_of
from sweagent.verify.proof import Finding
from sweagent.verify.runs.canary import Canary, make_canary

_MOST_PATHS = 300
_LOOK_SECONDS = 60.0


class Checked(Frozen):
    """What an integrity check found, and what it covered."""

    findings: tuple[Finding, ...] = ()
    covered: str


def check(
    instance: Instance,
    prediction: Prediction,
    grade: Grade,
    folder: Path,
    log: Callable[[str], str],
    timeout: float,
    stop: Event,
) -> Checked:
    """Check a prediction that was graded as resolved.

    Args:
        instance: what was to be solved.
        prediction: the patch.
        grade: its grade.
        folder: where the check's logs go.
        log: gives the record of the run that made the patch, empty when there is none.
        timeout: seconds for the tests.
        stop: ends the check.

    Raises:
        RunInterruptedError: `stop` was set.
        StorageError: the logs cannot be written.
    """
    if grade.status is not GradeStatus.RESOLVED:
        return Checked(covered="only checked when resolved")
    try:
        return _Check(instance, prediction, folder, timeout, stop).done(log(instance.instance_id))
    except SandboxError as error:
        return Checked(covered=f"could not be checked: {error}")


class _Check:
    def __init__(self, instance: Instance, prediction: Prediction, folder: Path, timeout: float, stop: Event) -> None:
        self._instance, self._patch = instance, prediction.model_patch
        self._prediction = prediction
        self._folder, self._timeout, self._stop = folder, timeout, stop
        self._script = grading.official_spec(instance).eval_script
        self._findings: list[Finding] = []
        self._covered: list[str] = []

    def done(self, log: str) -> Checked:
        self._findings += like_gold(self._instance, self._patch)
        canary = self._canary()
        with self._container() as container:
            self._tampering(container)
            self._record(container, log)
            commands = grading.apply_commands()
            apply_officially(container, self._patch.encode(), commands, self._folder / "integrity.log")
            if canary is not None:
                seen = self._seen(container, canary, "integrity_output.txt")
        if canary is None:
            self._covered.append("no canary test: nothing is known of this test runner")
        elif seen.get("canary"):
            self._covered.append("canary test: failed as it must")
            self._unstable(seen)
        else:
            self._compare_with_base(canary)
        return Checked(findings=tuple(self._findings), covered="; ".join(self._covered))

    def _container(self) -> OfficialContainer:
        return OfficialContainer(self._instance.image, self._instance.instance_id, self._stop)

    def _tampering(self, container: OfficialContainer) -> None:
        paths = touched_paths(self._patch)[:_MOST_PATHS]
        packages = _lines(container, "git ls-files -- '*__init__.py'")
        try:
            found = tampering(self._instance, self._patch, container.read(paths), packages, test_command(self._script))
        except FixIssueError as error:
            self._covered.append(f"the patch's changes could not be read: {error}")
        else:
            self._findings += found
            self._covered.append("the patch's changes")

    def _record(self, container: OfficialContainer, log: str) -> None:
        if not log:
            self._covered.append("no record of the run")
            return
        later = _lines(container, f"git rev-list --all --max-count=50000 --not {self._instance.base_commit}")
        self._findings += of_the_run(self._instance, log, later)
        self._covered.append("the record of the run")

    def _canary(self) -> Canary | None:
        command = test_command(self._script)
        runner = runner_of(command)
        if runner is Runner.UNKNOWN and "pytest" in self._instance.log_parser:
            runner = Runner.PYTEST
        near = [path for path in touched_paths(self._instance.test_patch) if path in command.split()]
        near = near or [path for path in touched_paths(self._instance.test_patch) if path.endswith(".py")]
        return make_canary(runner, near[0]) if near else None

    def _seen(self, container: OfficialContainer, canary: Canary, name: str) -> dict[str, Any]:
        """Run the eval script with the planted test, and say whether it failed and what the official report is."""
        container.put({f"{WORKDIR}/{path}": data for path, data in canary.files.items()})
        log = self._folder / name
        run_script(container, with_target(self._script, canary.target), self._timeout, log)
        report = grading.official_report(self._instance, self._prediction, log)
        failed = [
            test for test, status in grading.statuses(self._instance, log).items() if status in ("FAILED", "ERROR")
        ]
        return {"canary": any(canary.token in test for test in failed), "report": report}

    def _compare_with_base(self, canary: Canary) -> None:
        """The planted test was not seen to fail: is that the patch's doing, or cannot it be seen here at all?"""
        with self._container() as container:
            on_base = self._seen(container, canary, "integrity_base_output.txt")
        if on_base["canary"]:
            detail = "the canary (a test that must fail) is not reported as failed with the patch, and is without it"
            self._findings.append(Finding(rule="forged-result", path="(the patched run)", detail=detail))
            self._covered.append("canary test")
        else:
            self._covered.append("the canary test is not reported by this runner")

    def _unstable(self, seen: dict[str, Any]) -> None:
        tests = seen["report"].get("tests_status", {})
        failed = [test for kind in ("FAIL_TO_PASS", "PASS_TO_PASS") for test in tests.get(kind, {}).get("failure", [])]
        if failed:
            detail = f"{len(failed)} tests that passed fail in a second run, as {failed[0]}"
            self._findings.append(Finding(rule="unstable", path="(the patched run)", detail=detail))


def test_command(script: str) -> str:
    """The command of an eval script that runs the tests; empty when the script has another shape."""
    lines = script.splitlines()
    place = _place_of_command(lines)
    return lines[place] if place is not None else ""


def with_target(script: str, target: str) -> str:
    """An eval script that runs one more test."""
    lines = script.splitlines()
    place = _place_of_command(lines)
    if place is not None:
        lines[place] += f" {shlex.quote(target)}"
    return "\n".join(lines) + "\n"


def _place_of_command(lines: list[str]) -> int | None:
    """The last line between the marks that is a command of the script's author."""
    marks = [number for number, line in enumerate(lines) if ">>>>> Start Test Output" in line]
    ends = [number for number, line in enumerate(lines) if ">>>>> End Test Output" in line]
    if not marks or not ends:
        return None
    between = [
        number for number in range(marks[-1] + 1, ends[-1]) if lines[number].strip() and "=$?" not in lines[number]
    ]
    return between[-1] if between else None


def _lines(container: OfficialContainer, command: str) -> list[str]:
    pieces: list[bytes] = []
    container.execute(["/bin/bash", "-c", f"{command} 2>/dev/null"], pieces.append, _LOOK_SECONDS, workdir=WORKDIR)
    return b"".join(pieces).decode("utf-8", "replace").splitlines()
