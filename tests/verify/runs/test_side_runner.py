import threading
from contextlib import contextmanager

import pytest

from sweagent.errors import SandboxError
from sweagent.sandbox.base import Completed, SandboxInfo
from sweagent.verify.proof import Side
from sweagent.verify.runs.side_runner import Command, SideRunner, SideTree

BASE, PATCHED = SideTree(Side.BASE), SideTree(Side.PATCHED)
PATIENCE = 30
"""Seconds after which a test gives up waiting for another thread."""


class Place:
    """A sandbox that does what it is told when the job's command comes."""

    workdir = "/work"

    def __init__(self, act, *, isolated=True):
        self.act = act
        self.closed = threading.Event()
        self.info = SandboxInfo(kind="docker" if isolated else "local", name="place", isolated=isolated)

    def run(self, command, *, timeout=None, output_limit=None, env=None, fresh=False, background=False):
        if command in ("base", "patched"):
            self.act(command, self)
        return Completed(output=command, exit_code=0)

    def write_many(self, files):
        pass

    def close(self):
        self.closed.set()


def bench(act, *, isolated=True):
    @contextmanager
    def opened():
        place = Place(act, isolated=isolated)
        yield place
        place.close()

    return SideRunner(opened, 100)


def jobs():
    return (BASE, Command("tests", "base", 10)), (PATCHED, Command("tests", "patched", 10))


def test_isolated_jobs_run_side_by_side_and_are_noted_in_their_order():
    both = threading.Barrier(2, timeout=PATIENCE)
    patched_is_done = threading.Event()

    def act(command, _):
        both.wait()
        if command == "base":
            assert patched_is_done.wait(PATIENCE)
        else:
            patched_is_done.set()

    made = bench(act)
    assert [run.completed.output for run in made.together(*jobs())] == ["base", "patched"]
    assert [run.side for run in made.commands] == ["base", "patched"]


def test_jobs_that_could_get_at_each_other_run_one_after_the_other():
    going, seen = [], []

    def act(command, _):
        going.append(command)
        seen.append(tuple(going))
        going.remove(command)

    made = bench(act, isolated=False)
    made.together(*jobs())
    assert seen == [("base",), ("patched",)]


@pytest.mark.parametrize("error", [SandboxError("the engine is away"), OSError("the disk is full")])
def test_a_sandbox_that_fails_ends_the_job_beside_it(error):
    both = threading.Barrier(2, timeout=PATIENCE)
    ended = []

    def act(command, place):
        both.wait()
        if command == "base":
            raise error
        ended.append(place.closed.wait(PATIENCE))

    made = bench(act)
    with pytest.raises(SandboxError, match=str(error)):
        made.together(*jobs())
    assert ended == [True]
