"""Reports of graded, ungraded and official runs, their comparison, and what people see of them."""

import io
import json
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from sweagent.batch.data.predictions import Prediction
from sweagent.batch.drive.outcomes import InstanceResult, append_result
from sweagent.batch.grade.grading_records import (
    SUMMARY,
    Evaluation,
    Grade,
    GradeStatus,
    official_summary,
    read_grade,
    write_grade,
)
from sweagent.batch.report.compare import compare
from sweagent.batch.report.presentation import html, markdown, terminal
from sweagent.batch.report.report import InstanceRow, load_report, make_report
from sweagent.cli.app import app
from sweagent.errors import UsageError
from sweagent.verify.proof import Finding

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NASTY = "<script>alert(1)</script> | `x` [a](javascript:b)\nnext"


def _grade(name: str, status: GradeStatus, **more: object) -> Grade:
    return Grade.model_validate({"instance_id": name, "repo": "a/b", "status": status, "ended": NOW, **more})


def _evaluation(*grades: Grade, missing: tuple[str, ...] = ()) -> Evaluation:
    total = len(grades) + len(missing)
    return Evaluation(run_id="run", model="acme/model", total=total, not_submitted=missing, grades=grades)


def _result(name: str, **more: object) -> InstanceResult:
    fields = {"instance_id": name, "repo": "a/b", "exit_status": "submitted", "patch": "x", "ended": NOW, **more}
    return InstanceResult.model_validate(fields)


GRADES = (
    _grade("a__b-1", GradeStatus.RESOLVED),
    _grade("a__b-2", GradeStatus.RESOLVED, findings=[Finding(rule="hooks", path="conftest.py", detail=NASTY)]),
    _grade("a__b-3", GradeStatus.UNRESOLVED, reason=NASTY),
    _grade("a__b-4", GradeStatus.ERROR, reason="the patch cannot be applied"),
    _grade("a__b-5", GradeStatus.EMPTY_PATCH),
    _grade("a__b-6", GradeStatus.INFRASTRUCTURE, reason="the engine is away"),
)


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """A batch that was run and evaluated."""
    folder = tmp_path / "batch"
    for number, (status, cost) in enumerate([("submitted", 0.5), ("submitted", 1.5), ("step_limit", 3.0)], 1):
        hosts = (f"reached pypi.org for packages ({number} requests)", f"refused {NASTY}")
        result = _result(
            f"a__b-{number}",
            exit_status=status,
            cost=cost,
            steps=10 * number,
            prompt={"tools": 900, "issue": 100 * number},
            seconds=60.0,
            contacts=hosts,
        )
        append_result(folder, result)
    append_result(folder, _result("a__b-5", patch=""))
    append_result(folder, _result("a__b-7", exit_status="infrastructure", patch=""))
    (folder / "evaluation").mkdir()
    evaluation = _evaluation(*GRADES, missing=("a__b-7", "c__d-1"))
    (folder / "evaluation" / SUMMARY).write_text(evaluation.model_dump_json())
    return folder


def test_report_counts_each_instance_once_and_infrastructure_not_at_all(batch: Path) -> None:
    report = load_report(batch)

    assert (report.share.resolved, report.share.total) == (2, 6)
    assert (report.share_unflagged.resolved, report.share_unflagged.total) == (1, 6)
    assert [row.instance_id for row in report.infrastructure] == ["a__b-6", "a__b-7"]
    assert report.outcomes == {
        "infrastructure": 2, "error": 1, "integrity": 1, "limit": 1, "no patch": 1, "not submitted": 1, "resolved": 1,
    }  # fmt: skip
    assert report.by_repository["c/d"].total == 1
    assert report.exit_reasons["submitted"] == 3
    assert report.cost is not None
    assert (report.cost.total, report.cost.most, report.cost.known) == (5.0, 3.0, 5)
    assert report.steps is not None
    assert report.steps.median == 10
    assert report.share.interval.low < 2 / 6 < report.share.interval.high


def test_evaluation_folder_and_its_batch_give_the_same_report(batch: Path) -> None:
    assert load_report(batch / "evaluation") == load_report(batch)


def test_batch_that_nobody_graded_is_reported_as_such(tmp_path: Path) -> None:
    append_result(tmp_path, _result("a__b-1"))

    report = load_report(tmp_path)

    assert report.outcomes == {"ungraded": 1}
    assert report.share.total == 0
    assert "1 not graded yet (run `fix-issue evaluate`)" in markdown([report])


def test_patches_whose_verification_was_left_out_have_a_column_of_their_own(batch: Path) -> None:
    assert "not verified" not in markdown([load_report(batch)])
    append_result(batch, _result("a__b-1", verdict="not verified"))

    report = load_report(batch)

    assert report.not_verified == {"a/b": 1}
    assert "| 95% interval | not verified |" in markdown([report])
    assert '<th class="n">not verified</th>' in html([report])
    assert "1 not verified, as the batch left verification out" in markdown([report])


def test_official_report_is_read(tmp_path: Path) -> None:
    file = tmp_path / "model.run.json"
    file.write_text(json.dumps({"resolved_ids": ["a__b-1"], "unresolved_ids": ["a__b-2"], "error_ids": ["c__d-1"]}))

    report = load_report(file)

    assert report.resolved == ["a__b-1"]
    assert report.share.total == 3
    assert {repo: share.total for repo, share in report.by_repository.items()} == {"a/b": 2, "c/d": 1}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"resolved_ids": 3}'])
def test_what_is_no_report_is_refused_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)

    with pytest.raises(UsageError) as caught:
        load_report(tmp_path / "x.json")

    assert "x.json" in str(caught.value)
    assert "batch" in caught.value.hint


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="contains no run"):
        load_report(tmp_path)


def test_official_summary_keeps_what_cannot_be_applied_and_what_is_empty_apart() -> None:
    predictions = {grade.instance_id: Prediction(instance_id=grade.instance_id) for grade in GRADES}

    summary = official_summary(_evaluation(*GRADES, missing=("c__d-1",)), predictions)

    assert summary["resolved_ids"] == ["a__b-1", "a__b-2"]
    assert summary["unresolved_ids"] == ["a__b-3"]
    assert summary["error_ids"] == ["a__b-4", "a__b-6"]
    assert summary["empty_patch_ids"] == ["a__b-5"]
    assert summary["incomplete_ids"] == ["c__d-1"]
    assert (summary["total_instances"], summary["completed_instances"], summary["submitted_instances"]) == (7, 3, 6)


def test_grade_survives_its_file_and_a_torn_one_counts_as_none(tmp_path: Path) -> None:
    write_grade(tmp_path, GRADES[1])
    kept = read_grade(tmp_path)
    (tmp_path / "grade.json").write_text('{"instance_id": "a')

    assert kept == GRADES[1]
    assert read_grade(tmp_path) is None


def _run(**resolved: bool | None) -> list[InstanceRow]:
    return [
        InstanceRow(instance_id=instance, repo="a/b", outcome="x", resolved=bool(value), infrastructure=value is None)
        for instance, value in resolved.items()
    ]


def test_comparison_pairs_only_what_both_have_a_verdict_on() -> None:
    first = make_report("r", "", _run(a=True, b=True, c=False, d=None))
    second = make_report("r", "", _run(a=True, b=False, c=False, d=True))

    comparison = compare([first, second])

    pair = comparison.pairs[0]
    assert comparison.runs == ("r (1)", "r (2)")
    assert (pair.only_first, pair.only_second) == (("b",), ())
    assert (pair.result.both, pair.result.neither, pair.result.p_value) == (1, 1, 1.0)
    assert comparison.pass_at == {1: pytest.approx((1 + 0.5 + 0 + 1) / 4), 2: pytest.approx(2 / 3)}
    assert comparison.lines[3].resolved == (None, True)


def test_what_others_wrote_is_inert_in_html_and_markdown(batch: Path) -> None:
    runs = [load_report(batch), load_report(batch)]

    page, text = html(runs, compare(runs)), markdown(runs, compare(runs))

    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "&lt;script&gt;" in page
    assert "<script" not in text
    assert "[a](javascript" not in text
    assert "\\| 'x'" in text
    assert "- reached pypi.org for packages: 3" in text
    assert "<td>reached pypi.org for packages</td>" in page


def test_markdown_tables_have_as_many_cells_in_each_line(batch: Path) -> None:
    runs = [load_report(batch), make_report("other", "", _run(**{"a__b-1": False, "a__b-3": True}))]

    lines = markdown(runs, compare(runs)).replace("\\|", "").splitlines()

    tables = [list(table) for is_table, table in groupby(lines, lambda line: line.startswith("|")) if is_table]
    assert len(tables) == 10
    for table in tables:
        assert len(table) > 1, table
        assert len({line.count("|") for line in table}) == 1, table
        assert set(table[1]) <= set("|-:")


def test_terminal_says_the_score_and_the_flags(batch: Path) -> None:
    console = Console(width=200, file=io.StringIO())

    with console.capture() as capture:
        console.print(terminal([load_report(batch)]))

    said = capture.get()
    assert "hosts: reached pypi.org for packages (3); refused" in " ".join(said.split())
    assert "resolved 2 of 6: 33.3%" in said
    assert "a__b-2: hooks" in said
    assert "characters of prompts: 3300 in all, median 1100, most 1200" in said
    assert "2 left out" in said


def test_command_writes_all_forms(batch: Path, tmp_path: Path) -> None:
    page, text = tmp_path / "r.html", tmp_path / "r.md"
    arguments = ["report", str(batch), str(batch), "--json", "--html", str(page), "--markdown", str(text)]

    done = CliRunner().invoke(app, arguments)

    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["comparison"]["pairs"][0]["result"]["p_value"] == 1.0
    assert page.read_text().startswith("<!doctype html>")
    assert text.read_text().startswith("# Report of batch, batch")
