"""What a sandbox that is made anew holds: the work tree of the last patch, or what was done again and compared."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweagent.agent.repeat import stays_in_files
from sweagent.agent.state import RunState
from sweagent.run_folder import RunFolder
from sweagent.solve import resume
from sweagent.tool_api import load_tools
from sweagent.trajectory import Action, ActionDone, FeedbackGiven, Observation, Reply, ReplyReceived

sys.path.append(str(Path(__file__).parents[1] / "support"))

from strategy_world import DONE, Killed, StrategyWorld, changes, reproduces, world_in

TOOLS = ("bash", "edit", "reproduce", "view", "submit")
TWICE = """
def run(run, parameters):
    attempt = run.attempt()
    attempt.work(steps=3)
    attempt.work(steps=1)
    forked = attempt.fork("another")
    forked.work(steps=1)
    return run.choose(best_verdict, unjudged([attempt.take()]))
"""


@pytest.fixture
def world(git_repository: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StrategyWorld:
    return world_in(tmp_path, git_repository, monkeypatch)


def bash(command: str) -> dict[str, Any]:
    return {"actions": [{"bash": {"command": command}}]}


def observations(world: StrategyWorld) -> list[Observation]:
    return [event.observation for event in world.events() if isinstance(event, ActionDone)]


def told(world: StrategyWorld) -> list[str]:
    events = world.events()
    return [event.text for event in events if isinstance(event, FeedbackGiven) and event.kind == "resumed"]


def test_the_work_tree_of_the_last_patch_is_put_back_with_what_the_shell_remembers(world: StrategyWorld) -> None:
    look = "cat ../stamp; cat ../area.sh ../one.sh; ls ..; echo $SEEN ${PWD##*/}"
    script = {
        "": [
            reproduces("one.sh"),
            changes("$1 + $2", "$1 * $2"),
            bash(
                "date +%s%N | tee stamp; rm keep.sh; mkdir sub; echo > sub/x; chmod +x sub/x; cd sub; export SEEN='a b'"
            ),
            bash(look),
        ],
        "another2": [bash(f"{look}; test -x x && echo may be run")],
    }
    world.run(world.settings(TWICE, script, tools=TOOLS))
    made, seen, forked = (item.text for item in observations(world)[2:])
    stamp = made.split()[0]
    # Had the command been run again, the stamp would be another one.
    for text in (seen, forked):
        assert text.split()[:2] == [stamp, "echo"], text
        assert "$1 * $2" in text
        assert "keep.sh" not in text
        assert "a b sub" in text
    assert "may be run" in forked
    assert not told(world)


def test_what_had_to_be_done_again_and_came_otherwise_is_told(world: StrategyWorld, tmp_path: Path) -> None:
    count = tmp_path / "count"
    script = {
        "": [
            changes("$1 + $2", "$1 * $2"),
            bash(f"echo >> {count}; wc -l < {count} > lines; exit $(cat lines)"),
            bash("true"),
            bash("cat lines"),
        ],
        "another2": [bash("cat lines")],
    }
    settings = world.settings(TWICE, script, tools=TOOLS)
    world.run(settings)
    first, second = told(world)
    assert "exit status 2; before with exit status 1" in first
    assert "the work tree differs from what it was: lines" in first
    assert "exit status 3; before with exit status 1" in second
    assert [item.text.split()[0] for item in observations(world)[3:]] == ["2", "3"]


def test_a_killed_attempt_repeats_only_what_it_did_after_its_last_patch(world: StrategyWorld) -> None:
    rounds = """
def run(run, parameters):
    attempt = run.attempt()
    attempt.work(steps=2)
    attempt.work(steps=3)
    return run.choose(best_verdict, unjudged([attempt.take()]))
"""
    script = {
        "": [
            changes("$1 + $2", "$1 * $2"),
            bash("date +%N > stamp"),
            bash("cat stamp; date +%N | tee later"),
            bash("cat stamp"),
            bash("cat stamp later"),
        ]
    }
    settings = world.settings(rounds, script, tools=TOOLS)
    world.run(settings, "whole")
    kinds = [event.type for event in world.events("whole")]
    third = [number for number, kind in enumerate(kinds) if kind == "action_done"][2]
    with pytest.raises(Killed):
        world.run(settings, "run", kill_at=third + 1)
    resume(RunFolder(world.folder / "run"))
    seen = [item.text.split() for item in observations(world)[2:]]
    assert seen[0][0] == seen[1][0] == seen[2][0]
    assert seen[2][1] != seen[0][1], "what was done after the patch is done again"


def test_a_verdict_before_a_kill_stands_whatever_caches_were_there(world: StrategyWorld) -> None:
    alone = """
def run(run, parameters):
    run.attempt().work()
    return run.choose(best_verdict, run.evidence)
"""
    caches = bash("mkdir __pycache__ && echo > __pycache__/area.cpython-311.pyc")
    script = {"": [reproduces("one.sh"), caches, changes("$1 + $2", "$1 * $2"), DONE]}
    settings = world.settings(alone, script, tools=TOOLS)
    world.run(settings, "whole")
    kinds = [event.type for event in world.events("whole")]
    with pytest.raises(Killed):
        world.run(settings, "run", kill_at=kinds.index("verdict_given") + 1)
    assert resume(RunFolder(world.folder / "run")).verdict == "verified"
    again = [event.type for event in world.events()]
    assert (again.count("patch_taken"), again.count("verdict_given")) == (1, 1)


@pytest.mark.parametrize(
    ("tool", "arguments", "stays"),
    [
        ("bash", {"command": "python -m pytest tests -q"}, True),
        ("bash", {"command": "grep -rn installer . | head"}, True),
        ("bash", {"command": "sed -i s/a/b/ x.py && git diff"}, True),
        ("bash", {"command": "pip install -e ."}, False),
        ("bash", {"command": "python setup.py build_ext --inplace"}, False),
        ("bash", {"command": "make -C src"}, False),
        ("bash", {"command": "cat > /tmp/try.py <<E\nE"}, False),
        ("bash", {"command": "python server.py &"}, False),
        ("bash", {"command": "cd ~/x"}, False),
        ("edit", {"command": "create", "path": "make.py", "text": "pip install /tmp"}, True),
        ("reproduce", {"path": "show.py", "content": "import os  # /tmp"}, True),
        ("reproduce", {"path": "show.py", "content": "", "command": "make show"}, False),
        ("view", {"path": "/tmp/x"}, True),
    ],
)
def test_commands_that_may_change_what_no_patch_has_are_done_again(
    tool: str, arguments: dict[str, Any], stays: bool
) -> None:
    state, action = RunState(), Action(id="a", tool=tool, arguments=arguments)
    state.apply(ReplyReceived(step=1, reply=Reply(actions=(action,))))
    state.apply(ActionDone(step=1, action_id="a", observation=Observation(text="")))
    assert stays_in_files(state, load_tools(TOOLS), 1) is stays
