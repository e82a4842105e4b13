from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sweagent.batch.drive.outcomes import (
    InstanceResult,
    Outcome,
    count,
    outcome_of,
    read_result,
    read_results,
    write_result,
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

    write_result(tmp_path / "a-1", kept)

    assert read_result(tmp_path / "a-1") == kept
    assert read_results(tmp_path) == {"a-1": kept}


def test_instance_that_has_not_ended_has_no_result(tmp_path: Path) -> None:
    assert read_result(tmp_path / "never") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"instance_id": "a-1"}'])
def test_file_that_is_no_result_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "outcome.json").write_text(text)

    with pytest.raises(StorageError, match="is not a result"):
        read_result(tmp_path)


def test_counts_leave_out_what_does_not_occur() -> None:
    assert count([Outcome.RESOLVED, Outcome.LIMIT, Outcome.RESOLVED]) == {Outcome.RESOLVED: 2, Outcome.LIMIT: 1}
