"""The face of a run: typed answers, composed candidates, gathered items, words, forks; killed at every event."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.errors import UsageError
from sweagent.run.fork import fork
from sweagent.run_folder import RunFolder
from sweagent.solve import resume
from sweagent.trajectory import AnswerReceived

sys.path.append(str(Path(__file__).parents[1] / "support"))

from strategy_world import DONE, Killed, StrategyWorld, changes, edits, outcome, patch_of, reproduces, says, world_in


@pytest.fixture
def world(git_repository: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StrategyWorld:
    return world_in(tmp_path, git_repository, monkeypatch)


KILLED = pytest.mark.parametrize(
    ("every", "first"), [(16, 5), *(pytest.param(4, first, marks=pytest.mark.slow) for first in range(1, 5))]
)
"""At some events each time, at all of them by `make measure`."""

PIPELINE = """
def run(run, parameters):
    samples = run.ask(asked("mend it"), Edits, n=3, role="repairer")
    candidates = [run.compose(sample.text) for sample in samples]
    assert candidates[0].patch.blocked, candidates[0]
    shows = run.reproduction('test "$(sh area.sh 2 3)" = 6\\n', path="shows.sh")
    return run.choose(agreement, run.verify(candidates, [shows]))
"""
SAMPLES = {
    "ask1.1": [says(text="nothing that can be read")],
    "ask1.2": [says(text=edits("$1 * $2"))],
    "ask1.3": [says(text=edits("$1 - $2"))],
}


def test_a_pipeline_makes_its_candidates_without_a_sandbox_and_judges_them_in_one_go(world: StrategyWorld) -> None:
    settings = world.settings(PIPELINE, SAMPLES)
    result = world.run(settings, "whole")
    assert "$1 * $2" in patch_of(result)
    assert (result.verdict, result.steps, result.attempts) == ("verified", 0, 1)
    assert {event.purpose for event in world.events("whole") if isinstance(event, AnswerReceived)} == {"repairer"}
    # Killed between the first proof and the end of the verification: what was proved is not proved again.
    kinds = [event.type for event in world.events("whole")]
    with pytest.raises(Killed):
        world.run(settings, kill_at=kinds.index("verdict_given") + 1)
    assert outcome(resume(RunFolder(world.folder / "run"))) == outcome(result)
    assert [event.type for event in world.events()].count("verdict_given") == 2


def test_an_answer_that_cannot_be_used_is_asked_for_again(world: StrategyWorld) -> None:
    strategy = """
class Number(Frozen):
    '''A number.'''
    value: int

def run(run, parameters):
    first, = run.ask(asked("one"), Number)
    none = run.ask(asked("two"), Number)
    assert (first.value, none) == (7, ()), (first, none)
    return run.choose(best_verdict, run.evidence)
"""
    wrong, silent = says(value="seven"), {"actions": [{"submit": {}}]}
    script = {"ask1": [wrong, silent, says(value=7)], "ask2": [wrong, wrong, wrong, says(value=1)]}
    settings = world.settings(strategy, script)
    world.killed_everywhere(settings)
    answers = [event for event in world.events("whole") if isinstance(event, AnswerReceived)]
    assert [bool(event.problem) for event in answers] == [True, True, False, True, True, True]
    assert "value: Input should be a valid integer" in answers[0].problem


GATHER = """
def one(run, number):
    hint, = run.ask(asked(f"hint {number}"), Edits)
    chance = run.random.randrange(1000)
    inner = run.gather(lambda child, item: child.random.randrange(1000), [1, 2])
    run.ask(asked(f"{hint.text} {chance} {inner}"), Edits)
    return run.compose(hint.text), chance, inner, run.left

def run(run, parameters):
    found = run.gather(one, range(3))
    chances = [chance for _, chance, inner, _ in found for chance in (chance, *inner)]
    assert len(set(chances)) == 9, chances
    assert {left.dollars for *_, left in found} == {1.0}, found
    run.ask(asked(str(chances)), Edits, role="judge")
    again, = run.gather(one, ["alone"])
    return run.choose(agreement, unjudged([candidate for candidate, *_ in (*found, again)]))
"""


@KILLED
def test_gathered_items_have_paths_chance_and_shares_of_their_own_killed_at_every_event(
    every: int, first: int, world: StrategyWorld
) -> None:
    script = {
        "1.1/ask1": [says(text=edits("$1 * $2"))],
        "1.2/ask1": [says(text=edits("$1 * $2 "))],
        "1.3/ask1": [says(text=edits("$1 - $2"))],
        "2.1/ask1": [says(text=edits("$2 * $1"))],
        "*": [says(text="so")],
    }
    result = world.killed_everywhere(world.settings(GATHER, script), every, first)
    assert (result.verdict, result.exit_status) == ("unverified", "submitted")


ATTEMPTS = """
def one(run, number):
    attempt = run.attempt("coder")
    attempt.work(steps=1)
    assert attempt.ending.status == "paused"
    assert attempt.steps == 1
    assert [item.path for item in attempt.reproductions] == [f"{number}.sh"], attempt.reproductions
    assert not attempt.take().patch, "the reproduction is no part of it"
    attempt.say(f"hurry up, number {number}")
    attempt.work(steps=1)
    return attempt

def run(run, parameters):
    first, second = run.gather(one, [1, 2])
    child = run.fork(second, "brave")
    assert child.take() == second.take()
    child.say("try again")
    child.work(steps=1)
    grandchild = child.fork("timid")
    assert grandchild.take() == child.take() != second.take()
    assert [attempt.steps for attempt in run.attempts] == [2, 2, 1, 0]
    return run.choose(best_verdict, unjudged([attempt.take() for attempt in (first, second, child)]))
"""


@KILLED
def test_attempts_are_paused_spoken_to_taken_and_forked_killed_at_every_event(
    every: int, first: int, world: StrategyWorld
) -> None:
    script = {
        "1.1/coder1": [reproduces("1.sh"), changes("$1 + $2", "$1 - $2"), DONE],
        "1.2/coder1": [reproduces("2.sh"), changes("$1 + $2", "$1 / $2"), DONE],
        "brave1": [changes("$1 / $2", "$1 * $2"), DONE],
        "": [DONE, DONE, DONE, DONE],
    }
    settings = world.settings(ATTEMPTS, script, tools=("reproduce", "edit", "submit"))
    result = world.killed_everywhere(settings, every, first)
    assert "$1 * $2" in patch_of(result)
    assert (result.exit_status, result.attempts, result.steps) == ("submitted", 4, 5)
    # Nothing was done twice between a pause and the next work, also where a reproduction is all that was made.
    noted = (world.folder / "whole/run.log").read_text()
    assert (noted.count("the work tree was put back"), noted.count("replaying")) == (3, 0)
    # A run of its own begins from a step of the chosen attempt, which was a fork itself.
    fork(RunFolder(world.folder / "whole"), RunFolder(world.folder / "fork"), run_id="f", step=3, say="Be brief.")
    forked = resume(RunFolder(world.folder / "fork"))
    assert (forked.exit_status, forked.steps, "$1 * $2" in patch_of(forked)) == ("submitted", 4, True)
    said = [event.text for event in world.events("fork") if event.type == "feedback_given"]
    assert said == ["hurry up, number 2", "try again", "Be brief."]
    said = [event.text for event in world.events("whole") if event.type == "feedback_given"]
    assert sorted(said) == ["hurry up, number 1", "hurry up, number 2", "try again"]


def test_a_weakening_reproduction_takes_a_verdict(world: StrategyWorld) -> None:
    strategy = """
def run(run, parameters):
    shows = run.reproduction('test "$(sh area.sh 2 3)" = 6\\n', path="shows.sh")
    wrong = run.reproduction('test "$(sh area.sh 2 3)" = 7\\n', path="wrong.sh")
    always = run.reproduction('test 1 = 1\\n', path="always.sh")
    text = run.ask(asked("mend"), Edits)[0].text
    bad, one = run.compose(text.replace("*", "-")), run.compose(text)
    evidence = run.verify([bad, one], [shows], weakening=[always, wrong], weakened_by=NEEDED)
    assert [item.weakening for item in evidence.items] == [(), (None, False)], evidence.items
    return run.choose(best_verdict, evidence)
"""
    script = {"ask*": [says(text=edits("$1 * $2"))]}
    once = world.run(world.settings(strategy.replace("NEEDED", "1"), script))
    assert once.verdict == "unverified", once.reason
    assert "$1 * $2" in patch_of(once)


def test_a_strategy_that_asks_for_something_else_is_told_so(world: StrategyWorld) -> None:
    strategy = """
from pathlib import Path

def run(run, parameters):
    run.ask(asked("the same"), Edits)
    run.ask(asked(Path(__file__).with_name("word").read_text()), Edits)
    return run.choose(best_verdict, run.evidence)
"""
    settings = world.settings(strategy, {"ask*": [says(text="")]})
    word = world.folder / "own" / "word"
    word.write_text("one")
    with pytest.raises(Killed):
        world.run(settings, kill_at=5)
    word.write_text("another")
    with pytest.raises(UsageError, match="step 2 of the run is now to ask for Edits"):
        resume(RunFolder(world.folder / "run"))
    word.write_text("one")
    assert resume(RunFolder(world.folder / "run")).exit_status == "submitted"
