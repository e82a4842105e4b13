"""The policy as the last step after a failed build."""

import sys
from pathlib import Path

import pytest

from sweagent.config import Settings
from sweagent.environment.build.model_advice import advised, adviser_of
from sweagent.environment.recipe import Recipe
from sweagent.errors import PolicyError
from sweagent.policy import Budget, Spending
from sweagent.policy.base import Message, View
from sweagent.policy.replay import ScriptedPolicy
from sweagent.trajectory import Action, AnyEvent, Reply

sys.path.append(str(Path(__file__).parents[2] / "support"))

from openai_server import OpenAIServer, answer, completion


@pytest.fixture
def recipe(recipe_of) -> Recipe:
    return recipe_of({"setup.py": "setup(install_requires=['lxml==4.1', 'six'])", "tests/test_a.py": ""})


def _answering(**arguments: object) -> ScriptedPolicy:
    return ScriptedPolicy([Reply(actions=(Action(id="1", tool="change_environment", arguments=arguments),))])


def _ask(recipe: Recipe, policy: ScriptedPolicy) -> Recipe | None:
    remedy = advised(policy, recipe, "error: no lxml", lambda line: None)
    return remedy.recipe if remedy else None


def test_the_answer_changes_the_recipe(recipe: Recipe) -> None:
    policy = _answering(
        why="old", system=["libxml2-dev", "git"], add=["lxml==4.9"], leave_out=["six"], install=["make"]
    )
    changed = _ask(recipe, policy)
    assert changed is not None
    wanted = [line.value for line in changed.requirements]
    assert "lxml==4.9" in wanted
    assert not {"lxml==4.1", "six"} & set(wanted)
    assert [package.value for package in changed.system].count("git") == 1
    assert changed.install[0].value == "make"
    assert changed.key() != recipe.key()


@pytest.mark.parametrize(
    "arguments",
    [
        {"system": ["x; rm -rf /"]},
        {"system": ["--allow-downgrades"]},
        {"install": ["true\nUSER root"]},
        {"toolchain": "3.9 AS x"},
        {"add": ["a\0b"]},
        {"system": ["a"] * 1000},
        {"system": "libxml2-dev"},
        {},
        {"why": "nothing to be done"},
    ],
)
def test_an_answer_that_no_recipe_can_hold_changes_nothing(recipe: Recipe, arguments: dict[str, object]) -> None:
    assert _ask(recipe, _answering(**arguments)) is None


def test_other_tools_and_words_are_no_advice(recipe: Recipe) -> None:
    reply = Reply(thought="do it", actions=(Action(id="1", tool="bash", arguments={"system": ["a"]}),))
    assert _ask(recipe, ScriptedPolicy([reply])) is None


def test_a_policy_that_fails_is_no_error_of_the_build(recipe: Recipe) -> None:
    def fail(view: object) -> Reply:
        raise PolicyError("no credit", "pay")

    told: list[str] = []
    assert advised(ScriptedPolicy([fail]), recipe, "error", told.append) is None
    assert "no credit" in told[0]


def test_the_policy_sees_the_recipe_and_a_bounded_end_of_the_output(recipe: Recipe) -> None:
    seen: list[str] = []

    def answer(view) -> Reply:
        seen.append(view.messages[-1].content)
        return Reply()

    advised(ScriptedPolicy([answer]), recipe, "x" * 1_000_000 + "the cause", lambda line: None)
    assert "lxml==4.1" in seen[0]
    assert seen[0].endswith("the cause")
    assert len(seen[0]) < 20_000


@pytest.mark.parametrize(
    "settings",
    [Settings(), Settings(model={"name": "openai/x"}), Settings(images={"advice_cost": 1})],  # type: ignore[arg-type]
)
def test_nobody_is_asked_unless_money_and_a_model_are_named(settings: Settings) -> None:
    told: list[str] = []
    assert adviser_of(settings, told.append) is None
    assert told == []


def test_a_model_that_cannot_be_asked_spoils_no_build() -> None:
    told: list[str] = []
    own = {"name": "openai/own", "api_base": "http://127.0.0.1:9"}
    assert adviser_of(Settings(model=own, images={"advice_cost": 1}), told.append) is None  # type: ignore[arg-type]
    assert "price" in told[0]


def test_what_advice_costs_counts_in_the_runs_budget_and_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "models.yaml"
    models.write_text("models: [{match: openai/adviser, prices: {input: 10, output: 10}}]")
    monkeypatch.setenv("FIX_ISSUE_MODELS", str(models))
    events: list[AnyEvent] = []
    run = Budget(cost=3.0, record=events.append)
    with OpenAIServer(lambda request: answer(completion("Add libxml2-dev."))) as server:
        model = {"name": "openai/adviser", "api_base": server.url, "max_output_tokens": 100}
        settings = Settings(model=model, images={"advice_cost": 0.5})  # type: ignore[arg-type]
        adviser = adviser_of(settings, print, run)
        assert adviser is not None
        adviser.respond(View(messages=(Message(role="user", content="It fails."),), step=1), [])
    assert [(line.purpose, line.calls) for line in run.lines] == [("advice", 1)]
    assert run.spent_cost == pytest.approx(110 * 10 / 1e6)
    assert Spending(events).lines == run.lines
