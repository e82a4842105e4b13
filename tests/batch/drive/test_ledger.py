import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sweagent.batch.data.predictions import read_predictions
from sweagent.batch.drive.cost_reservations import CostReservations, Room
from sweagent.batch.drive.ledger import Ledger
from sweagent.batch.drive.manifest import Manifest, bearing_settings
from sweagent.batch.drive.outcomes import InstanceResult, Outcome, append_result
from sweagent.config import Settings
from sweagent.errors import UsageError
from sweagent.settings_sources import read_sources


def result(name: str, **fields: Any) -> InstanceResult:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return InstanceResult(**{"instance_id": name, "exit_status": "submitted", "patch": "diff", "ended": when, **fields})


def test_predictions_follow_each_result_but_not_failures_of_the_infrastructure(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, ["a-1", "a-2", "a-3"])

    ledger.enter(result("a-2", patch=""))
    ledger.enter(result("a-1"))
    ledger.enter(result("a-3", exit_status="infrastructure", patch=""))

    assert {name: item.model_patch for name, item in read_predictions(tmp_path).items()} == {"a-1": "diff", "a-2": ""}


def test_what_failed_by_infrastructure_is_pending_again(tmp_path: Path) -> None:
    append_result(tmp_path, result("a-1"))
    append_result(tmp_path, result("a-2", exit_status="infrastructure"))

    assert Ledger(tmp_path, ["a-1", "a-2", "a-3"]).pending() == ("a-2", "a-3")


def test_results_of_another_process_come_into_the_predictions(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, ["a-1", "a-2"])
    append_result(tmp_path, result("a-2", patch="other"))

    ledger.enter(result("a-1"))

    assert sorted(read_predictions(tmp_path)) == ["a-1", "a-2"]


def test_folder_belongs_to_one_batch(tmp_path: Path) -> None:
    Ledger(tmp_path, []).open(Manifest(data="lite", model="m"))
    Ledger(tmp_path, []).open(Manifest(data="lite", model="m"))

    with pytest.raises(UsageError, match="contains another batch"):
        Ledger(tmp_path, []).open(Manifest(data="lite", model="n"))


def with_settings(settings: Settings) -> Manifest:
    return Manifest(data="lite", model="m", settings=bearing_settings(settings))


def test_settings_on_which_results_depend_stay_the_same_and_others_may_be_mended(tmp_path: Path) -> None:
    first, mended, other = (
        read_sources(options).settings()
        for options in (
            {},
            {"model": {"api_base": "http://127.0.0.1:1/v1"}, "sandbox": {"memory": "8g"}},
            {"limits": {"steps": 7}, "verify": {"rounds": 0}},
        )
    )
    Ledger(tmp_path, []).open(with_settings(first))
    Ledger(tmp_path, []).open(with_settings(mended))

    with pytest.raises(UsageError, match=r"limits\.steps was 100 and is 7; verify\.rounds was 2 and is 0"):
        Ledger(tmp_path, []).open(with_settings(other))


def test_summary_counts_and_adds_up(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, ["a-1", "a-2", "a-3"])
    ledger.enter(result("a-1", cost=0.5, steps=3, image="x", image_bytes=10, faults=("pull",)))
    ledger.enter(result("a-2", cost=0.25, steps=1, image="x", image_bytes=10, patch="", exit_status="step_limit"))

    summary = ledger.summarise()

    assert summary.outcomes == {Outcome.UNGRADED: 1, Outcome.LIMIT: 1}
    assert (summary.total, summary.left, summary.cost, summary.steps) == (3, ("a-3",), 0.75, 4)
    assert (summary.image_bytes, summary.faults) == (10, 1)
    assert json.loads((tmp_path / "summary.json").read_text())["left"] == ["a-3"]


def test_unknown_price_of_one_makes_the_sum_unknown(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, ["a-1", "a-2"])
    ledger.enter(result("a-1", cost=1.0))
    ledger.enter(result("a-2", cost=None))

    assert ledger.summarise().cost is None


def test_reservations_give_each_its_whole_limit_and_nobody_less() -> None:
    reservations = CostReservations(limit=2.0, each=0.9)

    assert [reservations.take("a"), reservations.take("b")] == [Room.TAKEN, Room.TAKEN]
    reservations.settle("a", 0.1)
    reservations.settle("b", 0.1)
    assert [reservations.take("c"), reservations.take("d")] == [Room.TAKEN, Room.TAKEN]
    reservations.settle("c", 0.9)
    reservations.settle("d", 0.9)
    assert reservations.take("e") is Room.NEVER
    assert reservations.spent == pytest.approx(2.0)


def test_what_others_may_give_back_is_waited_for() -> None:
    reservations = CostReservations(limit=1.0, each=1.0)
    reservations.take("a")

    assert reservations.take("b") is Room.LATER
    reservations.settle("a", 0.0)
    assert reservations.take("b") is Room.TAKEN


def test_unknown_price_counts_as_all_that_was_set_aside() -> None:
    reservations = CostReservations(limit=3.0, each=2.0, spent=0.5)
    reservations.take("a")
    reservations.settle("a", None)

    assert reservations.spent == 2.5


def test_what_instances_spent_before_the_batch_was_killed_counts_once() -> None:
    reservations = CostReservations(limit=10.0, each=3.0, spent=2.0, begun={"b": 2.0, "c": 2.5})

    assert reservations.spent == 6.5
    # The rest of its limit is set aside for each that was begun, and the whole of it for one that was not.
    assert [reservations.take(name) for name in ("b", "c")] == [Room.TAKEN, Room.TAKEN]
    reservations.settle("b", 3.0)
    reservations.settle("c", 2.5)
    assert reservations.spent == pytest.approx(7.5)
    assert reservations.take("d") is Room.NEVER


def test_batch_with_less_than_one_instances_limit_lowers_it() -> None:
    assert CostReservations(limit=0.5, each=3.0).each == 0.5


def test_reservations_without_a_limit_gives_always() -> None:
    reservations = CostReservations(None, 3.0)

    assert all(reservations.take(str(number)) is Room.TAKEN for number in range(100))
