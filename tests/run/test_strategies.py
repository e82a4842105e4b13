"""Strategies end to end over HTTP: what they ask, cost and choose, also when they are killed at any event."""

import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sweagent.trajectory_file import read_events

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
    settings = world.settings("best-of", attempts=3, variants=NOT_AT_ONCE)
    assert world.solve(settings, "run") == 0, world.commands.said
    assert set(world.model.asked) == {(temperature, step) for temperature in (1.0, 0.5) for step in range(3)}
    result = world.result("run")
    assert (result["verdict"], result["attempts"], result["cost"]) == ("verified", 2, pytest.approx(6 * PRICE))
    assert "$1 * $2" in (world.folder / "run/patch.diff").read_text()


NOT_AT_ONCE = ({"model": {"temperature": 1.0}}, {"model": {"temperature": 0.5}})
"""The first attempt is not verified, the second one is."""


@dataclass(frozen=True)
class Shape:
    """A strategy that is killed at every event.

    Attributes:
        name: of the strategy.
        options: its own.
        replies: that the whole run asks for.
        side_by_side: attempts that can each lose an answer with their process.
        mends: what the delivered patch says.
        parts: in which the kills are run, so that they can go on beside each other.
        in_ci: those of them that are run each time; `make measure` runs the others.
    """

    name: str
    options: dict[str, Any]
    replies: int
    side_by_side: int
    mends: str
    parts: int
    in_ci: tuple[int, ...]


SHAPES = (
    Shape("single", {}, 3, 1, "$1 + $2 + 1", 3, ()),
    Shape("best-of", {"attempts": 3, "variants": NOT_AT_ONCE}, 6, 1, "$1 * $2", 24, (11,)),
    Shape("best-of", {"attempts": 2, "until": "all", "variants": TWO}, 6, 2, "$1 * $2", 30, (17,)),
)


def parts_of(shape: Shape) -> Iterator[Any]:
    for part in range(shape.parts):
        name = f"{shape.name}-{shape.options.get('until', 'verified')}-{part}"
        yield pytest.param(shape, part, id=name, marks=[] if part in shape.in_ci else [pytest.mark.slow])


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("shape", "part"), [item for shape in SHAPES for item in parts_of(shape)])
def test_killed_at_every_event_a_strategy_ends_as_if_it_had_not_been(shape: Shape, part: int, world: Any) -> None:
    settings = world.settings(shape.name, **shape.options)
    assert world.solve(settings, "whole") == 0, world.commands.said
    whole, events = world.result("whole"), counted(world.folder / "whole")
    patch = (world.folder / "whole/patch.diff").read_text()
    assert shape.mends in patch
    assert whole["cost"] == pytest.approx(shape.replies * PRICE)
    told = [whole[name] for name in ("verdict", "exit_status", "selection", "attempts", "steps")]
    for number in range(2 + part, sum(events.values()), shape.parts):
        world.model.asked.clear()
        assert world.solve(settings, "run", kill_at=number) == -signal.SIGKILL
        assert world.resume("run") == 0, world.commands.said
        again, folder = world.result("run"), world.folder / "run"
        assert (folder / "patch.diff").read_text() == patch, number
        names = ("verdict", "exit_status", "selection", "attempts", "steps")
        assert [again[name] for name in names] == told, number
        # No step twice: only what was begun and not ended is begun again.
        found = counted(folder)
        for kind in ("attempt_started", "reply_received", "action_done", "attempt_ended", "step_done", "run_ended"):
            assert {key: n for key, n in found.items() if key[1] == kind} == {
                key: n for key, n in events.items() if key[1] == kind
            }, (number, kind)
        # Answers that were paid for and lost with their process are all that is asked for, and paid, twice.
        lost = sum(world.model.asked.values()) - shape.replies
        assert 0 <= lost <= shape.side_by_side, number
        assert again["cost"] >= (shape.replies + lost) * PRICE - 1e-9
        shutil.rmtree(folder)


def test_the_pool_tells_two_verified_candidates_apart_and_show_says_so(world: Any) -> None:
    settings = world.settings("best-of", attempts=2, until="all", variants=TWO)
    assert world.solve(settings, "whole") == 0, world.commands.said
    # Both are verified by what their own author wrote; the pool tells which of them multiplies.
    assert "2 of 2 reproductions of the pool" in world.result("whole")["selection"]
    proof = json.loads((world.folder / "whole/proof.json").read_text())
    assert proof["selection"]["pool"] == ["weak.sh (attempt 1)", "strong.sh (attempt 2)"]
    assert (proof["selection"]["selector"], proof["selection"]["tests_compared"]) == ("agreement", [0, 0])
    assert "$1 * $2" in (world.folder / "whole/patch.diff").read_text()
    assert world.commands.run(["show", world.folder / "whole"]) == 0
    said = world.commands.said
    assert "  1 coder 1.1 (openai/priced): verified, submitted, 3 steps, $0.04" in said
    assert "* 2 coder 1.2 (openai/priced): verified, submitted, 3 steps, $0.04" in said
    assert "agreement: 2 of 2 candidates are verified; it passes 2 of 2 reproductions of the pool" in said


def test_stopped_by_a_person_attempts_side_by_side_end_at_their_next_step_and_go_on_later(world: Any) -> None:
    def stop(request: dict[str, Any]) -> Any:
        answer = world.model.respond(request)
        if sum(world.model.asked.values()) == 3:
            os.kill(world.commands.pid, signal.SIGINT)
        return answer

    world.server.default = stop
    settings = world.settings("best-of", attempts=2, until="all", variants=TWO)
    assert world.solve(settings, "run") == 130, world.commands.said
    assert world.result("run")["exit_status"] == "interrupted"
    assert sum(world.model.asked.values()) < 6
    assert world.resume("run") == 0, world.commands.said
    result = world.result("run")
    assert (result["attempts"], result["steps"], "$1 * $2" in (world.folder / "run/patch.diff").read_text()) == (
        2,
        6,
        True,
    )
    # An answer that came while the run was being stopped is not lost.
    assert sum(world.model.asked.values()) in (6, 7)


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
        ("none-such", {}, "the strategies are: best-of, pipeline, reflexion, roles, single, tree"),
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
