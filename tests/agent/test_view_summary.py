"""Summaries by a model."""

import pytest

from sweagent.agent.view_summary import SummarisingViewer
from sweagent.errors import PolicyError
from sweagent.policy.base import Message, View
from sweagent.trajectory import ViewCompacted


class Planned:
    """A viewer that wants to forget step 3."""

    def __init__(self, planned: ViewCompacted | None) -> None:
        self.planned = planned

    def build(self) -> View:
        return View(messages=(Message(role="user", content="the issue"),), step=4)

    def plan_compaction(self, *, refused: bool = False) -> ViewCompacted | None:
        return self.planned


class Writer:
    def __init__(self, answer: str | PolicyError) -> None:
        self.answer = answer
        self.asked: list[View] = []

    def write(self, view: View, purpose: str) -> str:
        self.asked.append(view)
        if isinstance(self.answer, PolicyError):
            raise self.answer
        return self.answer


def test_the_summary_is_stored_in_the_event() -> None:
    writer = Writer("The cause is in a.py.")
    planned = SummarisingViewer(Planned(ViewCompacted(up_to_step=3)), writer).plan_compaction()
    assert planned is not None
    assert (planned.up_to_step, planned.summary) == (3, "The cause is in a.py.")
    assert [message.content for message in writer.asked[0].messages][:1] == ["the issue"]


@pytest.mark.parametrize("refused", [True, False])
def test_without_a_summary_the_view_is_shortened_all_the_same(refused: bool) -> None:
    event = ViewCompacted(up_to_step=3)
    writer = Writer(PolicyError("down"))
    assert SummarisingViewer(Planned(event), writer).plan_compaction(refused=refused) == event
    assert len(writer.asked) == (0 if refused else 1)


def test_nobody_is_asked_when_nothing_is_forgotten() -> None:
    writer = Writer("x")
    viewer = SummarisingViewer(Planned(None), writer)
    assert viewer.plan_compaction() is None
    assert writer.asked == []
    assert viewer.build().step == 4
