"""Keep results of base and control for later verifications of a run.

All verifications of a run share one environment, and nothing that they judge is in the base. So what a command comes to
there need not be found out again for the next round or candidate. Kept is only what ran to its end, said something,
and took place in a sandbox that no patched code could get at. What is asked for twice on purpose, because a test may be
flaky or a sign by chance, is never answered from here.
"""

import hashlib
import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sweagent.verify.runs.command_result import Command, CommandResult
from sweagent.verify.runs.side_tree import SideTree

_ROOM = 32_000_000
"""Characters of output and messages that are kept; what comes after that is run each time."""


@dataclass(frozen=True)
class KeptResult:
    """A result on an unpatched side.

    Attributes:
        result: of the command.
        seconds: that it took, with its sandbox.
        workdir: where the work tree was.
        origins: the watched modules that were loaded, each with its file.
        watched: the modules that were watched.
    """

    result: CommandResult
    seconds: float
    workdir: str
    origins: frozenset[tuple[str, str]]
    watched: frozenset[str]


class KeptResults:
    """What unpatched sides came to in one environment. Any thread may ask.

    Args:
        hash_seed: of hashes in all commands, so that sets have one order on all sides; made at random unless given.
    """

    def __init__(self, hash_seed: int | None = None) -> None:
        self.hash_seed = hash_seed or secrets.randbelow(2**32 - 1) + 1
        self._results: dict[str, KeptResult] = {}
        self._batches: dict[tuple[str, ...], float] = {}
        self._room = _ROOM
        self._lock = threading.Lock()

    def find(self, key: str, watched: Iterable[str]) -> KeptResult | None:
        """The result of the same command on the same side, if all of these modules were watched there too."""
        with self._lock:
            found = self._results.get(key)
        return found if found and found.watched.issuperset(watched) else None

    def keep(self, key: str, kept: KeptResult) -> None:
        """Keep a result that says something, in place of one that watched less."""
        size = len(kept.result.completed.output) + sum(len(item.message) + 100 for item in kept.result.report.results)
        with self._lock:
            if size <= self._room:
                self._room -= size
                self._results[key] = kept

    def add_batch(self, files: tuple[str, ...], seconds: float) -> None:
        """Note test files that were compared together, and how long the base took."""
        with self._lock:
            self._batches.setdefault(files, seconds)

    @property
    def batches(self) -> tuple[tuple[tuple[str, ...], float], ...]:
        """The batches of earlier comparisons, in their order."""
        with self._lock:
            return tuple(self._batches.items())


def says_something(result: CommandResult) -> bool:
    """Whether a result can stand for another run: it came to its end by itself, and nothing of it is missing."""
    done, job = result.completed, result.job
    if done.timed_out or done.exit_code is None or result.ours or not result.whole:
        return False
    if job.runner is None:
        return True
    return bool(result.report.results) and (job.canary is None or result.canary_failed)


def key_of(side: SideTree, job: Command, *more: object) -> str:
    """A digest of what is run, without what is made anew each time: the planted test's name, the deadline.

    Args:
        side: where; never a patched one.
        job: what.
        more: what else decides about the result.

    Raises:
        ValueError: the side may hold something of a patch.
    """
    if side.patched:
        raise ValueError("nothing of a patched tree is kept")
    token, canary = (job.canary.token, job.canary.files) if job.canary else ("", {})

    def plain(text: str) -> str:
        return text.replace(token, "<planted>") if token else text

    def files(contents: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
        return sorted((plain(path), data.replace(token.encode(), b"<planted>")) for path, data in contents.items())

    parts = (
        *(side.name, sorted(side.files.items()), plain(job.command), sorted(job.files.items()), files(canary)),
        *(sorted((name, plain(value)) for name, value in job.env.items()), sorted(job.own.items())),
        *(job.runner, job.report, job.record, job.unseen, job.plain, *more),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()
