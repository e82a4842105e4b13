"""Ledger of a batch: ended instances, predictions, summary."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from sweagent.atomic_write import append_line, write_atomically
from sweagent.batch.data.predictions import FILE as PREDICTIONS
from sweagent.batch.data.predictions import Prediction
from sweagent.batch.drive.manifest import FILE as MANIFEST
from sweagent.batch.drive.manifest import Manifest, refuse_another
from sweagent.batch.drive.outcomes import FILE as RESULTS
from sweagent.batch.drive.outcomes import InstanceResult, Outcome, count, result_line, result_of
from sweagent.errors import StorageError
from sweagent.file_lock import locked
from sweagent.frozen import Frozen
from sweagent.run_folder import RunFolder
from sweagent.verdict import Verdict

__all__ = ["SUMMARY", "Entry", "Ledger", "Manifest", "Summary"]

SUMMARY = "summary.json"


class Summary(Frozen):
    """A batch in figures."""

    total: int
    outcomes: dict[Outcome, int]
    verdicts: dict[str, int] = {}
    """The product's own verdicts, the most frequent first; the official grading does not depend on them."""
    left: tuple[str, ...] = ()
    """Instances without a result: the batch was stopped before they ended."""
    cost: float | None = 0.0
    """US dollars; None when a price is unknown."""
    steps: int = 0
    seconds: float = 0.0
    """Wall time of all runs, added up."""
    image_bytes: int = 0
    """Sizes of the images that were used, each counted once, with what they share."""
    folder_bytes: int = 0
    faults: int = 0
    """Failures of the infrastructure, those included that a retry mended."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept in memory of a result: of very many, patches would take too much.

    Attributes:
        outcome: what the instance counts as.
        verdict: of the product's own proof.
        message: how its run ended, for people.
        cost: US dollars; None when a price is unknown.
        steps: of its runs.
        seconds: of its runs.
        image: that was used.
        image_bytes: its size.
        folder_bytes: of its folder.
        faults: failures of the infrastructure on the way.
        start: where its line begins in the file.
    """

    outcome: Outcome
    verdict: Verdict | None
    message: str
    cost: float | None
    steps: int
    seconds: float
    image: str
    image_bytes: int
    folder_bytes: int
    faults: int
    start: int

    @classmethod
    def of(cls, result: InstanceResult, start: int) -> "Entry":
        """What is kept of a result whose line begins there."""
        return cls(
            outcome=result.outcome,
            verdict=result.verdict,
            message=result.message,
            cost=result.cost,
            steps=result.steps,
            seconds=result.seconds,
            image=result.image,
            image_bytes=result.image_bytes,
            folder_bytes=result.folder_bytes,
            faults=len(result.faults),
            start=start,
        )


class Ledger:
    """Keeps the files of a batch's folder. One thread uses it; other processes may share the folder.

    Results are only ever added to the file: however many there are, one more costs the same.

    Args:
        output: the batch's folder.
        ids: the instances of the batch, in their order.

    Raises:
        StorageError: a result that is there already cannot be read.
    """

    def __init__(self, output: Path, ids: Iterable[str]) -> None:
        self._folder = RunFolder(output)
        self._file = self._folder.path / RESULTS
        self._ids = tuple(ids)
        self._entries: dict[str, Entry] = {}
        self._read = 0
        self._learn()

    def open(self, manifest: Manifest) -> None:
        """Claim the folder for a batch, or find that it is the same batch as before.

        Raises:
            UsageError: the folder holds another batch, or one with other settings.
            StorageError: it cannot be written.
        """
        path = self._folder.path / MANIFEST
        with self._locked():
            if not path.exists():
                self._folder.write(path, manifest.model_dump_json(indent=1))
                return
            refuse_another(path, manifest)

    @property
    def entries(self) -> dict[str, Entry]:
        """The results so far, in the batch's order."""
        return {name: self._entries[name] for name in self._ids if name in self._entries}

    def pending(self) -> tuple[str, ...]:
        """Instances that have to run: without a result, or with one that is not final."""
        entries = self._entries
        return tuple(name for name in self._ids if name not in entries or not entries[name].outcome.final)

    def ended(self, name: str) -> bool:
        """Whether an instance has a result, final or not."""
        return name in self._entries

    def enter(self, *results: InstanceResult) -> None:
        """Add results.

        Raises:
            StorageError: the disk refuses it; the ledger stays as it was.
        """
        with self._locked():
            self._learn()
            append_line(self._file, b"".join(map(result_line, results)))
            self._learn()

    def write_predictions(self) -> None:
        """Write `preds.json`: every patch, and every run that made none; not what the infrastructure prevented.

        Raises:
            StorageError: the disk refuses it.
        """
        with self._locked():
            self._learn()
            write_atomically(self._folder.path / PREDICTIONS, self._predictions())

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self._folder.path / ".ledger-lock")

    def _predictions(self) -> Iterator[bytes]:
        """An object by instance, bit by bit: all patches together may be large."""
        yield b"{"
        between = b"\n "
        for name in sorted(name for name, entry in self._entries.items() if entry.outcome.final):
            result = self._result(self._entries[name])
            item = Prediction(instance_id=name, model_name_or_path=result.model, model_patch=result.patch)
            yield between + json.dumps(name).encode() + b": " + json.dumps(item.model_dump()).encode()
            between = b",\n "
        yield b"\n}\n"

    def _result(self, entry: Entry) -> InstanceResult:
        with self._file.open("rb") as file:
            file.seek(entry.start)
            return result_of(file.readline(), self._file)

    def _learn(self) -> None:
        """Read what was added to the file since the last time, by another process too."""
        try:
            with self._file.open("rb") as file:
                file.seek(self._read)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    result = result_of(line, self._file)
                    self._entries[result.instance_id] = Entry.of(result, self._read)
                    self._read += len(line)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(f"cannot read {self._file}: {error}", "check the file's permissions") from error

    def summarise(self) -> Summary:
        """Add up the results and write `summary.json`.

        Raises:
            StorageError: the disk refuses it.
        """
        entries = self.entries
        costs = [entry.cost for entry in entries.values()]
        images = {entry.image: entry.image_bytes for entry in entries.values() if entry.image}
        summary = Summary(
            total=len(self._ids),
            outcomes=count(entry.outcome for entry in entries.values()),
            verdicts=dict(Counter(entry.verdict for entry in entries.values() if entry.verdict).most_common()),
            left=tuple(name for name in self._ids if name not in entries),
            cost=None if None in costs else sum(cost or 0.0 for cost in costs),
            steps=sum(entry.steps for entry in entries.values()),
            seconds=sum(entry.seconds for entry in entries.values()),
            image_bytes=sum(images.values()),
            folder_bytes=sum(entry.folder_bytes for entry in entries.values()),
            faults=sum(entry.faults for entry in entries.values()),
        )
        self._folder.write(self._folder.path / SUMMARY, summary.model_dump_json(indent=1))
        return summary
