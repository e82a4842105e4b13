"""Sandboxes are opened ahead and used once each; none is left behind. Progress is told while commands run."""

import threading
from contextlib import contextmanager

import pytest

from sweagent.errors import SandboxError
from sweagent.sandbox.base import Completed, SandboxInfo
from sweagent.verify import Ticker, VerifyProgress
from sweagent.verify.proof import Side
from sweagent.verify.runs.side_runner import Command, SideRunner, SideTree
from sweagent.verify.runs.standby_sandboxes import Standby

PATIENCE = 30
"""Seconds after which a test gives up waiting for another thread."""


class Place:
    """A sandbox that knows whether it is open."""

    workdir = "/work"

    def __init__(self, *, isolated: bool = True) -> None:
        self.info = SandboxInfo(kind="docker", name="place", isolated=isolated)
        self.commands: list[str] = []

    def run(self, command, *, timeout=None, output_limit=None, env=None, fresh=False, background=False):
        self.commands.append(command)
        return Completed(output="", exit_code=0)

    def write_many(self, files):
        pass


class House:
    """Opens sandboxes and counts them."""

    def __init__(self, *, isolated: bool = True) -> None:
        self.isolated = isolated
        self.opened: list[Place] = []
        self.open_now: set[Place] = set()

    @contextmanager
    def open(self):
        place = Place(isolated=self.isolated)
        self.opened.append(place)
        self.open_now.add(place)
        yield place
        self.open_now.discard(place)


def test_every_sandbox_is_used_once_and_none_is_left():
    house = House()
    standby = Standby(house.open)
    standby.prepare(2)
    seen = []
    for _ in range(3):
        with standby.take() as place:
            seen.append(place)
    standby.prepare(1)
    standby.close()
    assert len(set(seen)) == 3
    assert not house.open_now


def test_while_commands_run_the_next_sandboxes_are_opened_but_not_behind_the_last():
    house = House()
    bench = SideRunner(house.open, 100)
    order = (SideTree(Side.BASE), Command("tests", "true", 10))
    bench.together(order, order)
    bench.ahead = 0
    bench.together(order, order)
    bench.close()
    assert len(house.opened) == 4
    assert [sum(command == "true" for command in place.commands) for place in house.opened] == [1, 1, 1, 1]
    assert not house.open_now


def test_sandboxes_that_could_get_at_each_other_are_not_opened_ahead():
    house = House(isolated=False)
    bench = SideRunner(house.open, 100)
    bench.run(SideTree(Side.BASE), Command("tests", "true", 10))
    assert not house.open_now
    bench.close()
    assert len(house.opened) == 1


def test_a_sandbox_that_cannot_be_opened_ahead_is_told_when_it_is_needed():
    def fails():
        raise SandboxError("the engine is away")

    standby = Standby(fails)
    standby.prepare(1)
    with pytest.raises(SandboxError, match="the engine is away"), standby.take():
        pass
    standby.prepare(2)
    standby.close()


def test_progress_names_the_side_the_files_and_what_is_left():
    house, events = House(), []
    bench = SideRunner(house.open, 100, clock=lambda: 0.0, progress=events.append)
    bench.run(SideTree(Side.PATCHED), Command("tests", "true", 10, test_files=7))
    bench.close()
    assert [(event.side, event.files, event.ended, event.seconds_left) for event in events] == [
        ("patched", 7, False, 100.0),
        ("patched", 7, True, 100.0),
    ]


def test_the_ticker_speaks_as_long_as_the_verification_lasts():
    lines, spoken = [], threading.Event()

    def note(text: str) -> None:
        lines.append(text)
        spoken.set()

    with Ticker(note, every=0.001) as progress:
        progress(VerifyProgress(Side.BASE, "tests", 3, 12, 90.0, ended=False))
        assert spoken.wait(PATIENCE)
    assert lines[0].startswith(
        "verifying: existing tests, without the patch, 3 test files, 12 results so far; at most 1:"
    )
