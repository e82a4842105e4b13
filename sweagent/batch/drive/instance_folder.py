"""Folder of an instance: lock, runs, and what survives a kill."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sweagent.atomic_write import write_atomically
from sweagent.config import Settings
from sweagent.errors import StorageError
from sweagent.exit_status import ExitStatus
from sweagent.file_lock import LockedElsewhereError, locked
from sweagent.frozen import Frozen
from sweagent.own_folders import check_started_here
from sweagent.policy import Spending
from sweagent.run_folder import Result, RunFolder
from sweagent.settings_record import without_secrets
from sweagent.trajectory import AttemptEnded, PromptWritten, RunStarted, SandboxStarted
from sweagent.trajectory_file import read_events, read_first_event

STATE = ".state.json"
"""How often an instance was started, in its folder."""
_LOCK = ".instance-lock"


class ElsewhereError(Exception):
    """Another batch works on the instance."""


class State(Frozen):
    """Count of an instance's starts, and what failed."""

    starts: int = 0
    runs: int = 0
    """How many were begun; each has a folder of its own."""
    resumes: int = 0
    """Of the latest run."""
    faults: tuple[str, ...] = ()


def check_unfinished(output: Path, settings: Settings) -> None:
    """Refuse to go on with runs of somebody else whose logs say more of this machine than the user says now.

    Args:
        output: a batch's folder; it need not exist yet.
        settings: as the user gives them.

    Raises:
        UsageError: there is such a run.
    """
    given = without_secrets(settings)
    for log in sorted(output.glob("*/run-*/trajectory.jsonl")):
        with suppress(StorageError):  # what cannot be read is not gone on with
            first = read_first_event(log)
            if isinstance(first, RunStarted):
                check_started_here(log.parent, first.settings, given)


class InstanceFolder:
    """The folder of one instance in a batch's folder.

    Args:
        path: the folder; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other batches out; the system lets go of the lock when the process dies.

        Raises:
            ElsewhereError: another process works on the instance.
            StorageError: the folder cannot be made.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self.path / _LOCK, wait=0))
            except LockedElsewhereError:
                raise ElsewhereError from None
            yield

    def run(self, number: int) -> RunFolder:
        """The folder of a run, counted from 1."""
        return RunFolder(self.path / f"run-{number}")

    def read_state(self) -> State:
        """What was kept, or the state of an instance that was never started."""
        try:
            return State.model_validate_json((self.path / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return State()

    def keep(self, state: State) -> None:
        """Keep the state.

        Raises:
            StorageError: the disk refuses it.
        """
        write_atomically(self.path / STATE, state.model_dump_json())

    def resumable(self, number: int) -> bool:
        """Whether a run has something to go on with: it got as far as its prompt."""
        try:
            return any(isinstance(event, PromptWritten) for event in read_events(self.run(number).trajectory))
        except StorageError:
            return False

    def run_id(self, number: int) -> str:
        """The name under which a run's sandboxes are known; empty when its log does not tell.

        Raises:
            StorageError: the log cannot be read.
        """
        first = next(iter(read_events(self.run(number).trajectory)), None)
        return first.run_id if isinstance(first, RunStarted) else ""

    def at_home(self, number: int) -> bool:
        """Whether a run's log says where its repository is on this machine; one that was made elsewhere does not.

        Raises:
            StorageError: the log cannot be read.
        """
        first = read_first_event(self.run(number).trajectory)
        return isinstance(first, RunStarted) and bool(first.task.repository.git_dir)

    def finished(self, number: int) -> Result | None:
        """The result of a run that came to its end, perhaps just before the batch was killed."""
        try:
            result = Result.model_validate_json(self.run(number).result.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return None if result.exit_status.unfinished or self.never_asked(result, number) else result

    def never_asked(self, result: Result, number: int) -> bool:
        """Whether the limits left no room for a single call: a fault of the settings, or of an unknown price.

        Where runs before it, or calls without an answer, spent the instance's money, it is no fault.
        """
        nothing_done = result.exit_status is ExitStatus.BUDGET_LIMIT and result.steps == 0
        return nothing_done and not self.spent(number).tokens

    def patch(self, number: int) -> str:
        """The patch of a run, empty when it made none; bytes that are not UTF-8 are half surrogate pairs."""
        try:
            return self.run(number).patch.read_bytes().decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            return ""

    def spent(self, runs: int) -> Spending:
        """What the first so many runs spent, as their logs tell; what was in flight at a kill counts as spent."""
        whole = Spending()
        for number in range(1, runs + 1):
            run = Spending()
            # Of a log that cannot be read to its end, what can be read counts.
            with suppress(StorageError):
                for event in read_events(self.run(number).trajectory):
                    run.apply(event)
            whole.merge(run)
        return whole

    def contacts(self, runs: int) -> tuple[str, ...]:
        """The hosts that the first so many runs reached or were refused, one a line, as their logs tell."""
        found: dict[str, None] = {}
        for number in range(1, runs + 1):
            last: tuple[str, ...] = ()
            with suppress(StorageError):
                for event in read_events(self.run(number).trajectory):
                    if isinstance(event, SandboxStarted | AttemptEnded):
                        last = event.contacts or last
            found.update(dict.fromkeys(last))
        return tuple(found)

    def size(self) -> int:
        """Bytes of all files in it."""
        total = 0
        for path in self.path.rglob("*"):
            with suppress(OSError):
                total += path.lstat().st_size
        return total
