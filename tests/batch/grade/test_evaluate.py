"""Grading for real: the official package's verdict in containers, on a small project with every kind of patch."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from sweagent.batch.data.instances import Instance
from sweagent.batch.data.predictions import Prediction
from sweagent.batch.grade import grader as grader_module
from sweagent.batch.grade import grading
from sweagent.batch.grade.evaluate import EvaluationOptions, evaluate
from sweagent.batch.grade.grading_records import Evaluation, Grade, GradeStatus
from sweagent.batch.grade.official_container import OfficialContainer
from sweagent.errors import SandboxError, UsageError

pytestmark = pytest.mark.docker

OLD_TEST = "import calc\n\n\ndef test_twice():\n    assert calc.twice(2) == 4\n"
NEW_TEST = OLD_TEST + "\n\ndef test_add():\n    assert calc.add(1, 2) == 3\n"
BASE = {
    "calc.py": '"""Sums."""\n\n\ndef add(one, other):\n    return one - other\n\n\ndef twice(x):\n    return 2 * x\n',
    "tests/test_calc.py": OLD_TEST,
}
CHEAT = (
    "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
    "    outcome = yield\n    outcome.get_result().outcome = 'passed'\n"
)


@dataclass(frozen=True)
class Project:
    """A project in an image, and its patches."""

    image: str
    commit: str
    patches: dict[str, str]
    test_patch: str

    def instance(self, name: str, **changes: Any) -> Instance:
        return Instance.from_record(self.record(name, **changes))

    def record(self, name: str, *, before_tests: str = "true", **changes: Any) -> dict[str, Any]:
        script = f"""#!/bin/bash
set -uxo pipefail
cd /testbed
git config --global --add safe.directory /testbed
git checkout {self.commit} tests/test_calc.py
git apply -v - <<'EOF_1'
{self.test_patch}
EOF_1
{before_tests}
: '>>>>> Start Test Output'
python -m pytest -rA -p no:cacheprovider tests/test_calc.py
: '>>>>> End Test Output'
git checkout {self.commit} tests/test_calc.py
"""
        return {
            "instance_id": f"acme__calc-{name}",
            "repo": "acme/calc",
            "base_commit": self.commit,
            "problem_statement": "add() subtracts",
            "version": "1.0",
            "patch": self.patches["gold"],
            "test_patch": self.test_patch,
            "FAIL_TO_PASS": json.dumps(["tests/test_calc.py::test_add"]),
            "PASS_TO_PASS": json.dumps(["tests/test_calc.py::test_twice"]),
            "image": self.image,
            "eval_script": script,
            "log_parser": "parse_log_pytest",
            "eval_type": "pass_and_fail",
            **changes,
        }


@pytest.fixture(scope="module")
def project(offline_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The project's image, made without a network and removed at the end."""
    folder = tmp_path_factory.mktemp("calc")
    _git(folder, "init", "-q")
    commit = _commit(folder, BASE)
    fixed = {"calc.py": BASE["calc.py"].replace("one - other", "one + other")}
    patches = {
        "gold": _patch(folder, fixed),
        "comment": _patch(folder, {"calc.py": "# a comment\n" + BASE["calc.py"]}),
        "broken": _patch(folder, {"calc.py": "raise RuntimeError\n" + BASE["calc.py"]}),
        "regressing": _patch(folder, {"calc.py": fixed["calc.py"].replace("2 * x", "3 * x")}),
        "hooks": _patch(folder, {"conftest.py": CHEAT}),
        "silent": _patch(folder, {"conftest.py": "import os\n\nos._exit(0)\n"}),
    }
    patches |= {"empty": "", "garbled": patches["gold"].replace("return one - other", "return nothing of this")}
    test_patch = _patch(folder, {"tests/test_calc.py": NEW_TEST})
    name = f"fix-issue-test-calc:{uuid.uuid4().hex[:12]}"
    client = docker.from_env()
    client.images.build(fileobj=_context(folder, offline_image), custom_context=True, tag=name, rm=True)
    yield Project(name, commit, patches, test_patch)
    client.images.remove(name, force=True)
    client.close()


def _git(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{part}": "a@localhost" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent", **who}
    done = subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout


def _commit(folder: Path, files: dict[str, str]) -> str:
    _write(folder, files)
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", "base")
    return _git(folder, "rev-parse", "HEAD").strip()


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def _patch(folder: Path, files: dict[str, str]) -> str:
    """The diff that makes files what is given; the folder is as before afterwards."""
    _write(folder, files)
    _git(folder, "add", "-A")
    diff = _git(folder, "diff", "--cached")
    _git(folder, "reset", "-q", "--hard")
    return diff


def _context(folder: Path, base: str) -> io.BytesIO:
    dockerfile = f"FROM {base}\nCOPY tree /testbed\nWORKDIR /testbed\n".encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(folder, "tree")
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        archive.addfile(entry, io.BytesIO(dockerfile))
    packed.seek(0)
    return packed


def _predictions(project: Project, *kinds: str) -> dict[str, Prediction]:
    return {
        f"acme__calc-{kind}": Prediction(
            instance_id=f"acme__calc-{kind}", model_name_or_path="acme/model", model_patch=project.patches[kind]
        )
        for kind in kinds
    }


def _evaluated(project: Project, output: Path, *kinds: str, **options: Any) -> dict[str, Grade]:
    chosen = EvaluationOptions(**{"workers": 4, "integrity": False, **options})
    evaluation = evaluate([project.instance(kind) for kind in kinds], _predictions(project, *kinds), output, chosen)
    return _by_kind(evaluation)


def _by_kind(evaluation: Evaluation) -> dict[str, Grade]:
    return {grade.instance_id.removeprefix("acme__calc-"): grade for grade in evaluation.grades}


def _containers(image: str) -> list[str]:
    client = docker.from_env()
    try:
        return [container.name for container in client.containers.list(all=True, filters={"ancestor": image})]  # type: ignore[misc]
    finally:
        client.close()


@pytest.mark.parametrize("data", [b"", b"x", b"\0\r\n\xff" * 300_000])
def test_files_come_whole_with_the_command_that_uses_them(project: Project, data: bytes) -> None:
    said: list[bytes] = []

    with OfficialContainer(project.image, "files", threading.Event()) as container:
        code = container.execute(["cat", "/tmp/file"], said.append, 60, files={"/tmp/file": data})

    assert (code, b"".join(said)) == (0, data)


def test_file_that_cannot_be_written_is_the_containers_failure(project: Project) -> None:
    with (
        OfficialContainer(project.image, "files", threading.Event()) as container,
        pytest.raises(SandboxError, match="takes no files"),
    ):
        container.execute(["true"], bytes, 60, files={"/nowhere/file": b"x"})


REPORT = """
import json, sys
from swebench.harness.reporting import make_run_report
rows, predictions = ([json.loads(line) for line in open(name)] for name in sys.argv[1:])
make_run_report({item["instance_id"]: item for item in predictions}, rows, "official")
"""

KINDS = ("gold", "comment", "broken", "regressing", "empty", "garbled", "hooks")


def test_verdicts_are_those_of_the_official_program(project: Project, tmp_path: Path) -> None:
    records, predictions = tmp_path / "rows.jsonl", tmp_path / "predictions.jsonl"
    records.write_text("".join(json.dumps(project.record(kind)) + "\n" for kind in KINDS))
    listed = _predictions(project, *KINDS).values()
    predictions.write_text("".join(json.dumps(prediction.model_dump()) + "\n" for prediction in listed))
    program = ["-m", "swebench.harness.run_evaluation", "-d", str(records), "-p", str(predictions)]

    _evaluated(project, tmp_path / "ours", *KINDS)
    # Its last step looks at all containers of the engine, and fails when another test's goes away meanwhile: the report
    # is made once more, without that look.
    for arguments in (
        [*program, "-id", "official", "--max_workers", "7"],
        ["-c", REPORT, str(records), str(predictions)],
    ):
        done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, check=False, capture_output=True, timeout=250)
    assert done.returncode == 0, done.stderr

    ours = json.loads((tmp_path / "ours" / "acme__model.ours.json").read_text())
    official = json.loads((tmp_path / "acme__model.official.json").read_text())
    about_the_machine = {"unstopped_instances", "unstopped_containers", "unremoved_images"}
    assert ours == {key: value for key, value in official.items() if key not in about_the_machine}
    assert ours["resolved_ids"] == ["acme__calc-gold", "acme__calc-hooks"]
    assert ours["empty_patch_ids"] == ["acme__calc-empty"]
    assert ours["error_ids"] == ["acme__calc-garbled"]
    assert _containers(project.image) == []


def test_integrity_flags_forgery_and_not_honest_work(project: Project, tmp_path: Path) -> None:
    grades = _evaluated(project, tmp_path, "gold", "hooks", "comment", integrity=True)

    assert grades["gold"].status is grades["hooks"].status is GradeStatus.RESOLVED
    assert grades["gold"].findings == ()
    assert "canary test: failed as it must" in grades["gold"].integrity
    assert {finding.rule for finding in grades["hooks"].findings} == {"hooks", "forged-result"}
    assert grades["comment"].integrity == "only checked when resolved"
    assert _containers(project.image) == []


def test_record_of_the_run_is_held_against_what_the_image_hides(project: Project, tmp_path: Path) -> None:
    seen = "\n".join(["$ git log --oneline --all", *project.test_patch.splitlines()])

    evaluation = evaluate(
        [project.instance("gold", test_patch=project.test_patch.replace("+    assert", "+    assert bool(1) and "))],
        _predictions(project, "gold"),
        tmp_path,
        EvaluationOptions(),
        record=lambda instance_id: seen,
    )

    assert [finding.rule for finding in evaluation.grades[0].findings] == ["later-history"]
    assert evaluation.flagged == ["acme__calc-gold"]


def test_grades_are_kept_until_what_they_follow_from_changes(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _evaluated(project, tmp_path, "gold", "empty", "garbled")

    def refuse(*arguments: object) -> OfficialContainer:
        raise AssertionError("a container was started")

    with monkeypatch.context() as patched:
        patched.setattr(grader_module, "OfficialContainer", refuse)
        again = _evaluated(project, tmp_path, "gold", "empty", "garbled")
    changed = evaluate(
        [project.instance("gold", FAIL_TO_PASS=json.dumps(["tests/test_calc.py::test_other"]))],
        _predictions(project, "gold"),
        tmp_path,
        EvaluationOptions(integrity=False),
    )

    assert again == before
    assert changed.grades[0].status is GradeStatus.UNRESOLVED
    assert "1 of 1 tests that must pass fail" in changed.grades[0].reason


def test_failing_infrastructure_is_tried_again_and_never_the_models_fault(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [SandboxError("the engine is away")]

    def sometimes(*arguments: Any) -> OfficialContainer:
        if failures:
            raise failures.pop()
        return OfficialContainer(*arguments)

    monkeypatch.setattr(grader_module, "OfficialContainer", sometimes)
    monkeypatch.setattr(grader_module, "_WAITS", (0.0,))
    missing = project.instance("comment", image="fix-issue-test-calc:is-not-there")

    evaluation = evaluate(
        [project.instance("gold"), missing],
        _predictions(project, "gold", "comment"),
        tmp_path,
        EvaluationOptions(workers=1, attempts=2, integrity=False),
    )

    gold, comment = _by_kind(evaluation)["gold"], _by_kind(evaluation)["comment"]
    assert (gold.status, gold.attempts, gold.faults) == (GradeStatus.RESOLVED, 2, ("the engine is away",))
    assert (comment.status, comment.attempts) == (GradeStatus.INFRASTRUCTURE, 2)
    assert "no official image of acme__calc-comment" in comment.reason


NOT_FOUND = "echo 'ERROR: Could not find a version that satisfies the requirement of nobody'"


@pytest.mark.parametrize(
    ("before_tests", "patch", "status", "reason"),
    [
        ("exit 3", "comment", GradeStatus.INFRASTRUCTURE, "neither does one without the patch"),
        ("true", "silent", GradeStatus.UNRESOLVED, "gave no results"),
        (NOT_FOUND, "comment", GradeStatus.INFRASTRUCTURE, "fails without the patch too: ERROR: Could not find"),
        (NOT_FOUND, "gold", GradeStatus.RESOLVED, ""),
        (f"grep comment calc.py && {NOT_FOUND}; true", "comment", GradeStatus.UNRESOLVED, "1 of 1 tests that must"),
    ],
)
def test_what_goes_wrong_without_the_patch_too_is_not_its_fault(
    project: Project, tmp_path: Path, before_tests: str, patch: str, status: GradeStatus, reason: str
) -> None:
    evaluation = evaluate(
        [project.instance(patch, before_tests=before_tests)],
        _predictions(project, patch),
        tmp_path,
        EvaluationOptions(attempts=1, integrity=False),
    )

    grade = evaluation.grades[0]
    assert (grade.status, reason in grade.reason) == (status, True), grade.reason
    official = json.loads((tmp_path / f"acme__model.{tmp_path.name}.json").read_text())
    assert official["unresolved_ids"] == ([] if patch == "gold" else [grade.instance_id])
    assert official["error_ids"] == []


APART = "test_add (calc.T) ... ok\ntest_twice (calc.T) ... ok\n"
INTO = "test_add (calc.T) ... test_twice (calc.T) ... ok\nok\n"
ENDED = "\n----------------------------------------------------------------------\nRan 2 tests in 0.010s\n\n"


@pytest.mark.parametrize(
    ("output", "exit_code", "status", "official"),
    [
        (APART + ENDED + "OK", 0, GradeStatus.RESOLVED, None),
        (INTO + ENDED + "OK", 0, GradeStatus.RESOLVED, GradeStatus.UNRESOLVED),
        (INTO + ENDED + "OK (skipped=1)", 0, GradeStatus.RESOLVED, GradeStatus.UNRESOLVED),
        (INTO + ENDED + "OK", 1, GradeStatus.UNRESOLVED, None),
        (INTO + ENDED + "FAILED (failures=1)", 0, GradeStatus.UNRESOLVED, None),
        (INTO.replace("ok", "FAIL") + ENDED + "OK", 0, GradeStatus.UNRESOLVED, None),
        (APART.replace("add", "sum") + ENDED + "OK", 0, GradeStatus.UNRESOLVED, None),
    ],
)
def test_a_run_that_says_ok_does_not_fail_for_lines_that_were_interleaved(
    project: Project, tmp_path: Path, output: str, exit_code: int, status: GradeStatus, official: GradeStatus | None
) -> None:
    script = f"""#!/bin/bash
printf '%s\\n' '{output}' >/tmp/output
set -x
: '>>>>> Start Test Output'
sh -c 'cat /tmp/output; exit {exit_code}'
: '>>>>> End Test Output'
"""
    tests = {"FAIL_TO_PASS": json.dumps(["test_add (calc.T)"]), "PASS_TO_PASS": json.dumps(["test_twice (calc.T)"])}
    evaluation = evaluate(
        [project.instance("gold", log_parser="parse_log_django", eval_script=script, **tests)],
        _predictions(project, "gold"),
        tmp_path,
        EvaluationOptions(attempts=1, integrity=False),
    )

    grade = evaluation.grades[0]
    assert (grade.status, grade.official) == (status, official), grade.reason
    assert ("interleaved" in grade.reason) is (official is not None)


def test_tests_that_do_not_end_are_ended_with_everything_they_started(project: Project, tmp_path: Path) -> None:
    evaluation = evaluate(
        [project.instance("gold", before_tests="setsid sleep 500 & sleep 500")],
        _predictions(project, "gold"),
        tmp_path,
        EvaluationOptions(timeout=2, integrity=False),
    )

    assert evaluation.grades[0].status is GradeStatus.ERROR
    assert evaluation.grades[0].reason == "the tests did not end in time"
    assert (tmp_path / "acme__calc-gold" / "test_output.txt").read_text().endswith("Timeout error: 2 seconds exceeded.")
    assert _containers(project.image) == []


def test_command_reports_stops_and_goes_on(project: Project, tmp_path: Path) -> None:
    rows, preds, waiting = tmp_path / "rows.jsonl", tmp_path / "preds.json", "echo started; sleep 500"
    records = [project.record("gold"), project.record("comment", before_tests=waiting)]
    rows.write_text("".join(json.dumps(record) + "\n" for record in records))
    predictions = _predictions(project, "gold", "comment")
    preds.write_text(json.dumps({name: item.model_dump() for name, item in predictions.items()}))
    command = [sys.executable, "-m", "sweagent", "evaluate", str(preds), "--dataset", str(rows), "--no-integrity"]
    log = tmp_path / "preds.evaluation" / "acme__calc-comment" / "test_output.txt"

    with subprocess.Popen([*command, "-w", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        first = next(line for line in running.stderr if "resolved" in line)
        _until(lambda: log.is_file() and "started" in log.read_text(), running)
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)
    stopped_with = _containers(project.image)
    rows.write_text("".join(json.dumps(project.record(kind)) + "\n" for kind in ("gold", "comment")))
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, timeout=120)

    assert first == "acme__calc-gold: resolved\n"
    assert (running.returncode, stopped_with) == (143, [])
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["share"]["resolved"] == 1
    assert report["outcomes"] == {"resolved": 1, "unresolved": 1}


def _until(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    while not condition():
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(f"it ended with {process.returncode}")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"eval_script": ""}, "swebench 5"),
        ({"log_parser": "parse_log_of_nobody"}, "newer swebench"),
        ({"image_assets": {"test_patch": [{"path": "a.png", "url": "https://example.org/a.png"}]}}, "multimodal"),
    ],
)
def test_what_cannot_be_graded_is_refused_at_once(project: Project, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        grading.refuse_ungradable([project.instance("gold", **changes)])

    assert said in caught.value.hint


def test_predictions_of_no_instance_are_refused(project: Project, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="for no instance of the data set"):
        evaluate([project.instance("gold")], _predictions(project, "comment"), tmp_path, EvaluationOptions())
