"""Strategies end to end over HTTP: what they ask, cost and choose, also when they are killed at any event."""

import json
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sweagent.trajectory import read_events

TWO = ({"model": {"temperature": 0.0}}, {"model": {"temperature": 0.5}})
PRICE = (1_000 * 10 + 100 * 40) / 1e6
"""US dollars of each answer."""


def counted(folder: Path) -> Counter[tuple[str, str]]:
    return Counter((event.scope, event.type) for event in read_events(folder / "trajectory.jsonl"))


def test_single_asks_no_more_than_one_policy_does(world: Any) -> None:
    assert world.solve(world.settings("single"), "run") == 0, world.commands.said
    assert world.model.asked == {(0.0, step): 1 for step in range(3)}
    result = world.result("run")
    assert (result["attempts"], result["selection"], result["cost"]) == (1, "", pytest.approx(3 * PRICE))
    assert json.loads((world.folder / "run/proof.json").read_text())["selection"] is None


def test_best_of_stops_at_the_first_verified_candidate(world: Any) -> None:
    assert world.solve(world.settings("best-of", attempts=2, variants=TWO), "run") == 0, world.commands.said
    assert set(world.model.asked) == {(0.0, step) for step in range(3)}
    assert world.result("run")["attempts"] == 1


def test_best_of_begins_another_attempt_where_none_is_verified(world: Any) -> None:
    variants = ({"model": {"temperature": 1.0}}, {"model": {"temperature": 0.5}})
    assert world.solve(world.settings("best-of", attempts=3, variants=variants), "run") == 0, world.commands.said
    assert set(world.model.asked) == {(temperature, step) for temperature in (1.0, 0.5) for step in range(3)}
    result = world.result("run")
    assert (result["verdict"], result["attempts"], result["cost"]) == ("verified", 2, pytest.approx(6 * PRICE))
    assert "$1 * $2" in (world.folder / "run/patch.diff").read_text()


PARTS = 10
IN_CI = (2, 7)
"""The parts that are run each time; `make measure` runs the others."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=[] if part in IN_CI else [pytest.mark.slow]) for part in range(PARTS)]
)
def test_killed_at_every_event_best_of_ends_as_if_it_had_not_been(part: int, world: Any) -> None:
    settings = world.settings("best-of", attempts=2, until="all", variants=TWO)
    assert world.solve(settings, "whole") == 0, world.commands.said
    whole, events = world.result("whole"), counted(world.folder / "whole")
    # Both are verified by what their own author wrote; the pool tells which of them multiplies.
    assert "2 of 2 reproductions of the pool" in whole["selection"]
    patch = (world.folder / "whole/patch.diff").read_text()
    assert "$1 * $2" in patch
    proof = json.loads((world.folder / "whole/proof.json").read_text())
    assert proof["selection"]["pool"] == ["weak.sh (attempt 1)", "strong.sh (attempt 2)"]
    total = sum(events.values())
    assert total > 35
    for number in range(2 + part, total, PARTS):
        world.model.asked.clear()
        assert world.solve(settings, "run", kill_at=number) == -signal.SIGKILL
        assert world.resume("run") == 0, world.commands.said
        again, folder = world.result("run"), world.folder / "run"
        assert (folder / "patch.diff").read_text() == patch, number
        assert [again[name] for name in ("verdict", "selection", "attempts", "steps")] == [
            whole[name] for name in ("verdict", "selection", "attempts", "steps")
        ], number
        # No step twice: only what was begun and not ended is begun again.
        found = counted(folder)
        for kind in ("attempt_started", "reply_received", "action_done", "attempt_ended", "step_done", "run_ended"):
            assert {key: n for key, n in found.items() if key[1] == kind} == {
                key: n for key, n in events.items() if key[1] == kind
            }, (number, kind)
        # Answers that were paid for and lost with their process are all that is asked for, and paid, twice: one for
        # each of the two attempts, which are at work side by side.
        lost = sum(world.model.asked.values()) - 6
        assert lost in (0, 1, 2), number
        assert again["cost"] >= (6 + lost) * PRICE - 1e-9
        shutil.rmtree(folder)


def test_where_each_is_contradicted_by_the_other_nothing_is_verified(world: Any) -> None:
    variants = ({"model": {"temperature": 0.0}}, {"model": {"temperature": 1.5}})
    assert world.solve(world.settings("best-of", attempts=2, until="all", variants=variants), "run") == 3
    result = world.result("run")
    assert result["verdict"] == "unverified", world.commands.said
    proof = json.loads((world.folder / "run/proof.json").read_text())
    assert proof["selection"]["abstained"]


def test_attempts_share_what_the_run_has(world: Any) -> None:
    never = ({"model": {"temperature": 1.0}},)
    world.solve(world.settings("best-of", attempts=3, variants=never, cost=0.6), "run")
    started = [event for event in read_events(world.folder / "run/trajectory.jsonl") if event.type == "attempt_started"]
    # The last one has all that is left, which needs no limit of its own.
    assert [event.cost for event in started] == [pytest.approx(0.2), pytest.approx((0.6 - 3 * PRICE) / 2), None]


def test_a_setting_of_a_later_attempt_that_cannot_be_used_costs_nothing(world: Any) -> None:
    variants = ({}, {"model": {"name": "openai/priceless"}})
    assert world.solve(world.settings("best-of", attempts=2, variants=variants), "run") == 2
    assert not world.model.asked


OWN = """
from sweagent.run import Choice, Frozen, Run, best_verdict

class Parameters(Frozen):
    temperature: float = 0.0

def run(run: Run, parameters: Parameters) -> Choice:
    run.attempt(model={"temperature": parameters.temperature}).work()
    return run.choose(best_verdict, run.evidence)
"""


def test_a_strategy_of_ones_own_runs_and_one_that_changed_is_not_resumed(world: Any) -> None:
    own = world.folder / "strategies"
    own.mkdir()
    (own / "mine.py").write_text(OWN)
    settings = world.settings("mine", folders=[str(own)], temperature=0.5)
    assert world.solve(settings, "run", kill_at=8) == -signal.SIGKILL
    (own / "mine.py").write_text(OWN.replace("0.0", "0.1"))
    assert world.resume("run") == 2
    assert "something else than when the run was started: the file of mine is another one" in world.commands.said
    (own / "mine.py").write_text(OWN)
    assert world.resume("run") == 0
    assert set(world.model.asked) == {(0.5, step) for step in range(3)}


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("none-such", {}, "the strategies are: best-of, single"),
        ("single", {"attempts": 3}, "--strategy best-of makes several attempts"),
        ("best-of", {"attempts": 0}, "cannot use its option attempts"),
    ],
)
def test_what_cannot_be_used_is_told_with_what_can(name: str, options: Any, said: str, world: Any) -> None:
    assert world.solve(world.settings(name, **options), "run") == 2
    assert said in world.commands.said


def test_a_word_opens_another_round_of_a_run_at_its_end(world: Any) -> None:
    settings = world.settings("best-of", attempts=2, until="all", variants=TWO)
    assert world.solve(settings, "run") == 0
    before = counted(world.folder / "run")
    assert world.resume("run") == 0
    assert counted(world.folder / "run") == before, "nothing is done again without a word"
    assert world.resume("run", "--say", "Mind negative numbers.") == 0, world.commands.said
    # The attempt that was chosen went on: the same conversation, with the word as its last message.
    assert world.model.asked[0.5, 3] == 1
    assert world.server.requests[-1]["messages"][-1]["content"] == "The user says: Mind negative numbers."
    found = counted(world.folder / "run")
    assert found["1.2/coder1", "attempt_ended"] == 2
    assert found["1.1/coder1", "attempt_ended"] == 1
    assert world.result("run")["steps"] == 7


def test_a_fork_goes_on_from_a_step_of_the_chosen_attempt(world: Any) -> None:
    settings = world.settings("best-of", attempts=2, until="all", variants=TWO)
    assert world.solve(settings, "run") == 0
    world.model.asked.clear()
    fork = ["fork", world.folder / "run", "--output", world.folder / "fork"]
    assert world.commands.run([*fork, "--at", "9"]) == 2
    assert world.commands.run([*fork, "--at", "1", "--say", "Be brief."]) == 0, world.commands.said
    # With the settings of that attempt, and without asking for its first step again.
    assert world.model.asked == {(0.5, 1): 1, (0.5, 2): 1}
    assert "$1 * $2" in (world.folder / "fork/patch.diff").read_text()
    assert world.result("fork")["cost"] == pytest.approx(3 * PRICE)


def test_show_tells_the_attempts_and_why_one_was_chosen(world: Any) -> None:
    settings = world.settings("best-of", attempts=2, until="all", variants=TWO)
    world.solve(settings, "run")
    assert world.commands.run(["show", world.folder / "run"]) == 0
    said = world.commands.said
    assert "  1 coder 1.1 (openai/priced): verified, submitted, 3 steps, $0.04" in said
    assert "* 2 coder 1.2 (openai/priced): verified, submitted, 3 steps, $0.04" in said
    assert "agreement: 2 of 2 candidates are verified; it passes 2 of 2 reproductions of the pool" in said
