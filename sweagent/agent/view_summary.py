"""Summarise old steps by a model, in place of digests."""

from typing import Protocol

from sweagent.errors import PolicyError
from sweagent.policy.base import Message, View
from sweagent.trajectory import ViewCompacted

_REQUEST = """\
Your steps so far are about to be shortened to what you write now. In at most 200 words, for yourself: what the cause is
or may be, with files and lines; what you changed; what you tried that did not work; what is left to do. Facts only. Do
not call a tool."""


class Viewer(Protocol):
    """What makes the view without summaries."""

    def build(self) -> View:
        """The view of all events so far."""

    def plan_compaction(self, *, refused: bool = False) -> ViewCompacted | None:
        """What should be forgotten before the next call, if anything."""


class Writer(Protocol):
    """A policy that can write a text instead of acting."""

    def write(self, view: View, purpose: str) -> str:
        """Let the model write.

        Raises:
            PolicyError: it cannot.
        """


class SummarisingViewer:
    """Lets the model sum up what is about to be forgotten; the event stores it, so a resumed run sees it.

    A view that the provider has just refused as too large is shortened without asking, and so is one that the model
    does not sum up.

    Args:
        viewer: makes the view and decides when it is shortened.
        writer: sums up.
    """

    def __init__(self, viewer: Viewer, writer: Writer) -> None:
        self._viewer = viewer
        self._writer = writer

    def build(self) -> View:
        """The view of all events so far."""
        return self._viewer.build()

    def plan_compaction(self, *, refused: bool = False) -> ViewCompacted | None:
        """What should be forgotten before the next call, with the model's summary of it.

        A summary that the budget has no room for is left out; the next reply then meets the limit itself.
        """
        planned = self._viewer.plan_compaction(refused=refused)
        if planned is None or refused:
            return planned
        view = self._viewer.build()
        asked = Message(role="user", content=_REQUEST)
        try:
            summary = self._writer.write(View(messages=(*view.messages, asked), step=view.step), "summary")
        except PolicyError:
            return planned
        return planned.model_copy(update={"summary": summary})
