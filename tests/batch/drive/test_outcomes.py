from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sweagent.batch.drive.outcomes import (
    InstanceResult,
    Outcome,
    append_result,
    count,
    outcome_of,
    read_results,
)
from sweagent.errors import StorageError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def result(**fields: Any) -> InstanceResult:
    return InstanceResult(**{"instance_id": "a-1", "exit_status": "submitted", "patch": "diff", "ended": NOW, **fields})


@pytest.mark.parametrize(
    ("fields", "resolved", "flagged", "wanted"),
    [
        ({}, None, False, Outcome.UNGRADED),
        ({}, True, False, Outcome.RESOLVED),
        ({}, False, False, Outcome.UNRESOLVED),
        ({}, True, True, Outcome.INTEGRITY),
        ({"patch": ""}, None, False, Outcome.NO_PATCH),
        ({"patch": ""}, False, False, Outcome.NO_PATCH),
        ({"exit_status": "step_limit"}, None, False, Outcome.UNGRADED),
        ({"exit_status": "step_limit"}, True, False, Outcome.RESOLVED),
        ({"exit_status": "step_limit"}, False, False, Outcome.LIMIT),
        ({"exit_status": "budget_limit", "patch": ""}, None, False, Outcome.LIMIT),
        ({"exit_status": "context_overflow", "patch": ""}, None, False, Outcome.LIMIT),
        ({"exit_status": "stuck"}, False, False, Outcome.UNRESOLVED),
        ({"exit_status": "infrastructure"}, False, False, Outcome.INFRASTRUCTURE),
        ({"exit_status": "infrastructure", "patch": ""}, None, False, Outcome.INFRASTRUCTURE),
    ],
)
def test_each_instance_counts_as_one_thing(
    fields: dict[str, Any], resolved: bool | None, flagged: bool, wanted: Outcome
) -> None:
    assert outcome_of(result(**fields), resolved=resolved, flagged=flagged) is wanted


def test_result_is_read_back_even_with_a_patch_that_is_not_utf8(tmp_path: Path) -> None:
    kept = result(patch=b"+caf\xe9\n".decode("utf-8", "surrogateescape"), cost=None, faults=("pull failed",))

    append_result(tmp_path, kept)

    assert read_results(tmp_path) == {"a-1": kept}


def test_last_result_of_an_instance_counts_and_a_torn_line_does_not(tmp_path: Path) -> None:
    append_result(tmp_path, result(exit_status="infrastructure"))
    append_result(tmp_path, result())
    whole = (tmp_path / "results.jsonl").read_bytes()
    with (tmp_path / "results.jsonl").open("ab") as file:
        file.write(whole[:40])
    assert read_results(tmp_path) == {"a-1": result()}

    append_result(tmp_path, result(instance_id="a-2"))

    assert sorted(read_results(tmp_path)) == ["a-1", "a-2"]


def test_folder_without_results_has_none(tmp_path: Path) -> None:
    assert read_results(tmp_path / "never") == {}


@pytest.mark.parametrize("text", ["\n", "{\n", "[]\n", '{"instance_id": "a-1"}\n'])
def test_line_that_is_no_result_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_text(text)

    with pytest.raises(StorageError, match="is not a result"):
        read_results(tmp_path)


def test_counts_leave_out_what_does_not_occur() -> None:
    assert count([Outcome.RESOLVED, Outcome.LIMIT, Outcome.RESOLVED]) == {Outcome.RESOLVED: 2, Outcome.LIMIT: 1}
