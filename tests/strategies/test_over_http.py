"""The strategies end to end over HTTP: calls and money as predicted, also when they are killed."""

import json
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openai_server import Behaviour, OpenAIServer, answer, call, completion
from priced_provider import MODEL, Commands, commands_in
from strategy_world import PROJECT, SHOWS, edits

from sweagent.trajectory_file import read_events

ISSUE = "area() adds\n\n`sh area.sh 2 3` gives 5 and should give 6."
PRICE = (1_000 * 10 + 100 * 40) / 1e6
"""US dollars of each answer."""
CANARY = "zq7canary"
STRONG = 'set -e\ntest "$(sh area.sh 2 3)" = 6\ntest "$(sh area.sh 4 5)" = 20\n'

Call = tuple[str, dict[str, Any]]


def reproduces(name: str, shows: str = SHOWS) -> Call:
    return "reproduce", {"path": name, "content": shows, "command": f"sh {name}"}


def changes(old: str, new: str) -> Call:
    return "edit", {"command": "str_replace", "path": "area.sh", "old": old, "new": new}


def says(**fields: Any) -> Call:
    return "answer", fields


DONE: Call = ("submit", {"summary": "done"})
LOOKS: Call = ("bash", {"command": "cat area.sh"})
CLAIM = {"path": "area.sh", "line": 1, "fault": "4 by 5", "test": {"path": "claim.sh", "content": STRONG}}
DESIGNED = [{"path": "one_designed.sh", "content": STRONG}, {"path": "two_designed.sh", "content": SHOWS}]
WRONG = [reproduces("one.sh"), changes("$1 + $2", "$1 - $2"), DONE]
RIGHT = [reproduces("two.sh"), changes("$1 + $2", "$1 * $2"), DONE]

PLAYS: dict[str, tuple[dict[str, Any], dict[str, list[Call]], int]] = {
    "reflexion": (
        {"attempts": 3},
        {"": WRONG, "ask1": [says(explanation="It subtracts.", lesson="Multiply.")], "coder2": RIGHT},
        7,
    ),
    "pipeline": (
        {"samples": 3, "tests": 2},
        {
            "ask1": [says(paths=["area.sh"])],
            "ask2": [says(names=["area"])],
            "1.1/ask1.1": [says(cause="it adds", edits=edits("$1 - $2"))],
            "1.1/ask1.2": [says(cause="it adds", edits=edits("$1 * $2"))],
            "1.1/ask1.3": [says(cause="it adds", edits=edits("$1 * $2"))],
            "1.2/ask1.1": [says(tests=DESIGNED[:1])],
            "1.2/ask1.2": [says(tests=DESIGNED[1:])],
        },
        2 + 3 + 2,
    ),
    "roles": (
        {},
        {
            "ask1": [says(cause="it adds", edits=[{"path": "area.sh", "change": "multiply"}])],
            "ask2": [says(tests=DESIGNED)],
            "": [
                reproduces("weak.sh"),
                changes("echo $(($1 + $2))", f"# {CANARY}\necho $(($1 + $2 + 1))"),
                DONE,
                changes("$1 + $2 + 1", "$1 * $2"),
                DONE,
            ],
            "ask3": [says(behaviour="It adds one.", claims=[CLAIM])],
        },
        5 + 3,
    ),
    "tree": (
        {"nodes": 5, "steps": 1, "exploration": 0.3, "model_value": 1.0},
        {
            "": RIGHT[:1],
            "ask1": [says(reasons="so", percent=50)],
            "coder2": [changes("$1 + $2", "$1 - $2")],
            "ask2": [says(reasons="so", percent=0)],
            "coder3": [LOOKS],
            "ask3": [says(reasons="so", percent=90)],
            "coder4": [changes("$1 + $2", "$1 / $2")],
            "ask4": [says(reasons="so", percent=10)],
            "coder5": [changes("$1 + $2", "$1 * $2")],
        },
        5 + 4,
    ),
}
"""Of each strategy: options, what the model says by scope, and how many calls that takes."""
INHERITED = {"coder2": 1, "coder3": 1, "coder4": 2, "coder5": 2}
"""Replies that a fork of `tree` has from others."""


class Play:
    """A model that plays a script by the scope of each request."""

    def __init__(self, strategy: str) -> None:
        self.strategy = strategy
        self.options, self.script, self.calls = PLAYS[strategy]
        self.asked: Counter[str] = Counter()
        self.texts: dict[str, str] = {}

    def respond(self, request: dict[str, Any]) -> Behaviour:
        scope = request["scope"]
        self.asked[scope] += 1
        self.texts[scope] = json.dumps(request["messages"])
        step = sum(message["role"] == "assistant" for message in request["messages"])
        step -= INHERITED.get(scope, 0) if self.strategy == "tree" else 0
        tool, arguments = self.script[scope][step]
        usage = {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100}
        return answer(completion("so", [call(tool, arguments, f"{scope}_{step}".replace("/", "_"))], usage=usage))


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands_in(tmp_path_factory.mktemp("strategies")) as running:
        yield running


@pytest.fixture(params=sorted(PLAYS))
def play(request: pytest.FixtureRequest) -> Play:
    return Play(request.param)


def once(folder: Path) -> dict[tuple[str, str], int]:
    """What must not be done twice."""
    kinds = ("attempt_started", "reply_received", "action_done", "attempt_ended", "answer_received", "step_done")
    events = read_events(folder / "trajectory.jsonl")
    return Counter((event.scope, event.type) for event in events if event.type in kinds)


@pytest.mark.timeout(900)
def test_calls_and_money_are_as_predicted_also_of_a_killed_run(
    play: Play, killed: bool, commands: Commands, git_repository: Callable[..., Path], tmp_path: Path
) -> None:
    project = git_repository(PROJECT, name="shapes")
    settings = tmp_path / "settings.yaml"
    strategy = {"name": play.strategy, "options": play.options}
    said = {"model": {"name": MODEL, "max_output_tokens": 1_500}, "strategy": strategy, "verify": {"rounds": 0}}
    settings.write_text(json.dumps({**said, "hints": False, "limits": {"cost": 20.0}}))
    with OpenAIServer(play.respond) as server:
        fixed = [project, ISSUE, "--sandbox", "local", "--config", settings, "--api-base", server.url]
        assert commands.run([*fixed, "--output", tmp_path / "whole"]) == 0, commands.said
        assert sum(play.asked.values()) == play.calls, play.asked
        whole = json.loads((tmp_path / "whole/result.json").read_text())
        assert (whole["verdict"], whole["cost"]) == ("verified", pytest.approx(play.calls * PRICE))
        patch = (tmp_path / "whole/patch.diff").read_text()
        assert "$1 * $2" in patch
        if play.strategy == "roles":
            assert CANARY in patch
            assert CANARY in play.texts["ask3"]
            assert CANARY not in play.texts["ask2"], "the designer of the tests never sees a patch"
        events, number = once(tmp_path / "whole"), sum(1 for _ in read_events(tmp_path / "whole/trajectory.jsonl"))
        for at in range(2, number) if killed else (number // 2,):
            play.asked.clear()
            run = tmp_path / "run"
            assert commands.run([*fixed, "--output", run], kill_at=at) == -signal.SIGKILL
            assert commands.run(["resume", run]) == 0, commands.said
            again = json.loads((run / "result.json").read_text())
            assert (run / "patch.diff").read_text() == patch, at
            assert [again[name] for name in ("verdict", "selection", "attempts", "steps")] == [
                whole[name] for name in ("verdict", "selection", "attempts", "steps")
            ], at
            assert once(run) == events, at
            # Answers that were paid for and lost with their process are asked for, and paid, twice; no others.
            lost = sum(play.asked.values()) - play.calls
            assert 0 <= lost <= (3 if play.strategy == "pipeline" else 1), at
            assert again["cost"] >= (play.calls + lost) * PRICE - 1e-9
            shutil.rmtree(run)
