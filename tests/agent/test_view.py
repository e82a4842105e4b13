"""The context view: stable for the cache, complete where it must be, the same for the same events."""

import random
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweagent.agent.view import ViewBuilder, ViewLimits
from sweagent.config import ModelSettings
from sweagent.policy.base import View
from sweagent.resources import resource
from sweagent.tool_api import load_tools
from sweagent.trajectory import (
    Action,
    ActionDone,
    AnyEvent,
    FeedbackGiven,
    Observation,
    PromptWritten,
    Reply,
    ReplyReceived,
    Usage,
    ViewCompacted,
)

SHIPPED = load_tools(file.stem for file in sorted(resource("tools").glob("[a-z]*.py"))).values()
HEAD = PromptWritten(system="the rules", task="the issue")


def step(
    number: int,
    output: str = "fine",
    *,
    thought: str = "",
    tool: str = "bash",
    exit_code: int | None = 0,
    usage: int = 0,
    **arguments: object,
) -> list[AnyEvent]:
    action = Action(id=f"s{number}", tool=tool, arguments=arguments or {"command": f"cat m{number}.py"})
    reply = Reply(thought=thought, actions=(action,), usage=Usage(prompt_tokens=usage))
    observation = Observation(text=output, exit_code=exit_code)
    return [
        ReplyReceived(step=number, reply=reply),
        ActionDone(step=number, action_id=action.id, observation=observation),
    ]


def play(builder: ViewBuilder, events: Iterable[AnyEvent]) -> Iterator[tuple[View, ViewCompacted | None]]:
    """What each call would be shown, and the compaction before it."""
    for event in events:
        if isinstance(event, ReplyReceived):
            compaction = builder.plan_compaction()
            if compaction:
                builder.add(compaction)
            yield builder.build(), compaction
        builder.add(event)


def run(sizes: Iterable[int]) -> list[AnyEvent]:
    chance = random.Random(3)
    events: list[AnyEvent] = [HEAD]
    for number, size in enumerate(sizes, 1):
        lines = [f"{number}:{chance.randrange(10**9)}" for _ in range(size // 10)]
        events += step(number, "\n".join(lines), thought=f"step {number} it is")
    return events


def texts(view: View) -> list[str]:
    return [f"{message.role}:{message.content}:{message.actions}" for message in view.messages]


def whole(view: View) -> str:
    return "\n".join(message.content for message in view.messages)


def test_small_runs_are_shown_in_full() -> None:
    builder = ViewBuilder(tools=SHIPPED)
    views = list(play(builder, run([300] * 15)))
    assert all(compaction is None for _, compaction in views)
    last = builder.build()
    assert [message.role for message in last.messages[:4]] == ["system", "user", "assistant", "tool"]
    assert len(last.messages) == 2 + 2 * 15
    assert last.step == 16


@given(st.lists(st.integers(0, 12_000), min_size=2, max_size=40))
def test_what_was_sent_stays_byte_for_byte_until_a_compaction(sizes: list[int]) -> None:
    shown = list(play(ViewBuilder(tools=SHIPPED), run(sizes)))
    for (earlier, _), (later, compaction) in pairwise(shown):
        if compaction is None:
            assert texts(later)[: len(earlier.messages)] == texts(earlier)
        else:
            assert texts(later)[:2] == texts(earlier)[:2]


@given(st.lists(st.integers(0, 12_000), min_size=2, max_size=40))
def test_the_end_is_marked_for_the_cache_only_if_the_next_call_reads_it(sizes: list[int]) -> None:
    shown = list(play(ViewBuilder(tools=SHIPPED), run(sizes)))
    for (earlier, _), (_, compaction) in pairwise(shown):
        assert earlier.messages[-1].cache_boundary == (compaction is None)


def test_observations_are_forgotten_in_blocks_and_the_newest_is_whole() -> None:
    events = run([4_000] * 30)
    blocks = 0
    for view, compaction in play(ViewBuilder(tools=SHIPPED), events):
        if compaction:
            blocks += 1
            number = view.step - 1
            newest = next(e for e in events if isinstance(e, ActionDone) and e.step == number)
            assert compaction.up_to_step == number - 1
            assert newest.observation.text in whole(view)
            assert sum(message.role == "tool" for message in view.messages) == 1
    assert 2 <= blocks <= 30 // 3


@pytest.mark.parametrize(
    ("tool", "arguments", "named"),
    [
        ("edit", {"command": "str_replace", "path": "a.py"}, "Edit made in step 2 in a.py:"),
        ("write", {"path": "a.py", "content": "…"}, "Edit made in step 2 in a.py:"),
        ("edit_blocks", {"blocks": "…"}, "Edit made in step 2:"),
        ("apply_diff", {"diff": "…"}, "Edit made in step 2:"),
        ("apply_patch", {"patch": "…"}, "Edit made in step 2:"),
    ],
)
def test_issue_edits_and_the_last_failure_survive_compaction(tool: str, arguments: dict[str, str], named: str) -> None:
    events: list[AnyEvent] = [HEAD]
    events += step(1, "x" * 6_000)
    events += step(2, "edited\n-    return 1\n+    return 2", tool=tool, **arguments)  # type: ignore[arg-type]
    events += step(3, "y" * 2_000 + "\nFAILED tests/test_a.py::test_one - assert 2 == 3\n1 failed", exit_code=1)
    for number in range(4, 30):
        events += step(number, "z" * 5_000)
    builder = ViewBuilder(tools=SHIPPED)
    compactions = [compaction for _, compaction in play(builder, events) if compaction]
    assert len(compactions) >= 3
    shown = whole(builder.build())
    for kept in ("the rules", "the issue", named, "+    return 2", "tests/test_a.py::test_one"):
        assert kept in shown


@pytest.mark.parametrize("place", ["first line", "last line", "error line", "thought"])
def test_a_planted_fact_is_recalled_after_three_compactions(place: str) -> None:
    fact = "listens on 48213"
    noise = "\n".join(f"line {number} of noise" for number in range(200))
    output = {
        "first line": f"{fact}\n{noise}",
        "last line": f"{noise}\n{fact}",
        "error line": f"{noise}\nError: {fact}\n{noise}",
        "thought": noise,
    }[place]
    events: list[AnyEvent] = [HEAD]
    said = f"It {fact}." if place == "thought" else ""
    events += step(1, output, thought=said, exit_code=1 if place == "error line" else 0)
    for number in range(2, 30):
        events += step(number, noise * 2)
    builder = ViewBuilder(tools=SHIPPED)
    seen = 0
    for view, compaction in play(builder, events):
        seen += compaction is not None
        if seen == 3:
            assert fact in whole(view)
            return
    pytest.fail("the run was not compacted three times")


@pytest.mark.parametrize("window", [4_000, 8_000, 32_000])
@given(sizes=st.lists(st.integers(0, 9_000), min_size=1, max_size=25))
def test_no_call_is_above_the_window(window: int, sizes: list[int]) -> None:
    model = ModelSettings(name="openai/x", context_window=window, max_output_tokens=500)
    for view, _ in play(ViewBuilder(model, ViewLimits(overhead=500), SHIPPED), run(sizes)):
        assert sum(len(message.content) for message in view.messages) / 3.0 <= window - 500


def test_the_providers_own_count_corrects_the_estimate() -> None:
    model = ModelSettings(name="openai/x", context_window=40_000, max_output_tokens=1_000)
    builder = ViewBuilder(model, tools=SHIPPED)
    dense = ViewBuilder(model, tools=SHIPPED)
    for event in [HEAD, *step(1, "a" * 3_000)]:
        builder.add(event)
        dense.add(event)
    for event in step(2, "b" * 30_000):
        builder.add(event)
    for event in step(2, "b" * 30_000, usage=dense.size):
        dense.add(event)
    assert builder.plan_compaction() is None
    assert dense.plan_compaction() is not None


def test_after_a_refusal_everything_is_forgotten_once_and_then_nothing_is_left() -> None:
    builder = ViewBuilder(tools=SHIPPED)
    for event in [HEAD, *step(1, "a" * 9_000), *step(2, "b" * 9_000)]:
        builder.add(event)
    before = builder.size
    compaction = builder.plan_compaction(refused=True)
    assert compaction is not None
    assert compaction.reason == "refused"
    assert compaction.up_to_step == 2
    builder.add(compaction)
    assert builder.size < before / 1.5
    assert builder.plan_compaction(refused=True) is None


@given(st.lists(st.integers(0, 12_000), min_size=1, max_size=30), st.integers(0, 200))
def test_a_resumed_run_sees_exactly_the_same_view(sizes: list[int], cut: int) -> None:
    log: list[AnyEvent] = []
    builder = ViewBuilder(tools=SHIPPED)
    for event in run(sizes):
        if isinstance(event, ReplyReceived):
            compaction = builder.plan_compaction()
            if compaction:
                builder.add(compaction)
                log.append(compaction)
        builder.add(event)
        log.append(event)
    cut = min(cut, len(log))
    resumed, straight = ViewBuilder(tools=SHIPPED), ViewBuilder(tools=SHIPPED)
    for event in log[:cut]:
        straight.add(event)
    for event in log[:cut]:
        resumed.add(event)
        resumed.build()
    assert resumed.build() == straight.build()
    plans = [builder.plan_compaction() for builder in (resumed, straight)]
    assert len({plan and (plan.up_to_step, plan.reason) for plan in plans}) == 1


def test_a_models_summary_takes_the_place_of_the_lines_but_not_of_the_edits() -> None:
    builder = ViewBuilder(tools=SHIPPED)
    edit = step(1, "edited\n+new line", tool="edit", command="create", path="b.py")
    for event in [HEAD, *edit, *step(2, "secret noise")]:
        builder.add(event)
    builder.add(ViewCompacted(up_to_step=2, summary="The cause is in b.py."))
    shown = whole(builder.build())
    assert "The cause is in b.py." in shown
    assert "+new line" in shown
    assert "cat m2.py" not in shown


def test_replies_that_could_not_be_read_and_calls_that_were_not_run_keep_the_order_of_roles() -> None:
    builder = ViewBuilder(tools=SHIPPED)
    bad = Reply(thought="hm", problem="no tool call")
    two = Reply(actions=(Action(id="a", tool="submit"), Action(id="b", tool="bash")))
    for event in (
        HEAD,
        ReplyReceived(step=1, reply=bad),
        FeedbackGiven(step=1, kind="malformed", text="call a tool"),
        ReplyReceived(step=2, reply=two),
        ActionDone(step=2, action_id="a", observation=Observation(text="done", submitted=True)),
        FeedbackGiven(step=2, kind="verifier", text="not yet"),
    ):
        builder.add(event)
    roles = [(message.role, message.content, message.action_id) for message in builder.build().messages[2:]]
    assert roles == [
        ("assistant", "hm", None),
        ("user", "call a tool", None),
        ("assistant", "", None),
        ("tool", "done", "a"),
        ("tool", "(not run)", "b"),
        ("user", "not yet", None),
    ]


def test_feedback_on_a_step_that_is_in_a_digest_is_shown_after_it() -> None:
    builder = ViewBuilder(tools=SHIPPED)
    for event in [HEAD, *step(1, "a" * 100), ViewCompacted(up_to_step=1)]:
        builder.add(event)
    before = builder.build()
    builder.add(FeedbackGiven(step=1, kind="nudge", text="do something else"))
    after = builder.build()
    assert texts(after)[: len(before.messages)] == texts(before)
    assert after.messages[-1].content == "do something else"


def test_digests_of_digests_stay_bounded_and_name_the_edited_files() -> None:
    builder = ViewBuilder(tools=SHIPPED)
    events: list[AnyEvent] = [HEAD]
    for number in range(1, 600):
        if number % 20 == 0:
            events += step(number, "edited\n" + "+line\n" * 200, tool="edit", command="create", path=f"f{number}.py")
        else:
            events += step(number, "n" * 3_000, thought="t" * 200)
    largest = max(builder.size for _ in play(builder, events))
    assert largest < 150_000
    assert "f20.py" in whole(builder.build())


def test_the_newest_plan_stays_in_view_and_changes_only_at_a_compaction() -> None:
    def planned(number: int, what: str) -> list[AnyEvent]:
        return step(number, f"1. [ ] {what}", tool="plan", items=[{"what": what}])

    builder = ViewBuilder(limits=ViewLimits(block_steps=3, least=1), tools=SHIPPED)
    fillers = (event for number in range(4, 8) for event in step(number))
    events = [HEAD, *planned(1, "mend a"), *planned(2, "mend b"), *step(3), *fillers, *planned(8, "mend c")]
    events += [event for number in range(9, 16) for event in step(number)]
    plans, compactions = [], 0
    for view, compaction in play(builder, events):
        pinned = [message.content for message in view.messages if message.content.startswith("Your plan")]
        assert bool(compaction) or plans[-1:] in ([], [pinned]), "it changes only when the view changes anyway"
        compactions += bool(compaction)
        plans.append(pinned)
        assert len(pinned) <= 1
    assert compactions >= 3
    assert plans[6] == ["Your plan as of step 2:\n1. [ ] mend b"]
    assert plans[-1] == ["Your plan as of step 8:\n1. [ ] mend c"]
