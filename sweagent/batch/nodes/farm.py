"""Run many jobs to their ends, whatever the nodes."""

import re
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sweagent import __version__
from sweagent.atomic_write import write_atomically
from sweagent.batch.nodes.dispatcher import SILENCE, Dispatcher, Lost
from sweagent.batch.nodes.executor import Executor
from sweagent.batch.nodes.messages import Ended, Noted, Setup, Work, Written
from sweagent.errors import RunInterruptedError, StorageError

_TICK = 0.25
_SAFE = re.compile(r"[A-Za-z0-9_][\w.+-]*(?:/[A-Za-z0-9_][\w.+-]*){0,3}")


def setup_for(work: Work, payload: dict[str, Any], *, slots: int | None = None, silence: float = SILENCE) -> Setup:
    """What nodes are told first.

    Args:
        work: what they are to do.
        payload: what all jobs share.
        slots: jobs at a time; None leaves it to each node.
        silence: seconds without a word after which a node counts as lost.
    """
    return Setup(work=work, version=__version__, silence=silence, slots=slots, payload=payload)


def run_all(
    executor: Executor,
    setup: Setup,
    names: Iterable[str],
    payload: Callable[[str], dict[str, Any]],
    ended: Callable[[str, dict[str, Any]], None],
    *,
    store: Path | None = None,
    near: Callable[[str], str] = lambda name: "",
    note: Callable[[str], None] = lambda text: None,
) -> None:
    """Give out jobs until each has ended; one whose node was lost begins again elsewhere.

    Args:
        executor: reaches the nodes.
        setup: what they are told first.
        names: of the jobs.
        payload: makes a job's, when it is given out.
        ended: receives what came of a job.
        store: keeps files that jobs send, in a folder for each.
        near: what a job uses, such as its image.
        note: receives lines for people.

    Raises:
        ExecutorError: no node can be reached any more.
        FixIssueError: a job cannot be done, or no node can do such jobs.
    """
    queue = deque(names)
    with Dispatcher(executor, setup, note=note) as nodes:
        while queue or nodes.running or nodes.lost:
            while queue and (node := nodes.node_for(1, None, near(queue[0]))):
                name = queue.popleft()
                nodes.submit(node, name, payload(name), near=near(name))
            for report in nodes.poll(_TICK):
                match report:
                    case Noted():
                        note(f"{report.name}: {report.text}" if report.name else report.text)
                    case Written() if store is not None:
                        _keep(store, report)
                    case Lost():
                        note(f"{report.name}: its node was lost; it begins again elsewhere")
                        queue.appendleft(report.name)
                    case Ended(error=error) if error is not None:
                        raise error.error()
                    case Ended(payload=None):
                        raise RunInterruptedError("a node stopped its work")
                    case Ended():
                        ended(report.name, report.payload or {})


def _keep(store: Path, report: Written) -> None:
    if not _SAFE.fullmatch(report.path):
        raise StorageError(f"a node wants to write {report.path[:80]!r}", "it may run another program")
    write_atomically(store / report.name / report.path, report.text)
