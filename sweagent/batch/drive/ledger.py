"""Ledger of a batch: ended instances, predictions, summary."""

import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from sweagent.batch.data.predictions import FILE as PREDICTIONS
from sweagent.batch.data.predictions import Prediction, write_predictions
from sweagent.batch.drive.manifest import FILE as MANIFEST
from sweagent.batch.drive.manifest import Manifest, refuse_another
from sweagent.batch.drive.outcomes import FILE as RESULT
from sweagent.batch.drive.outcomes import InstanceResult, Outcome, count, read_result, read_results
from sweagent.file_lock import locked
from sweagent.frozen import Frozen
from sweagent.run_folder import RunFolder

__all__ = ["SUMMARY", "Ledger", "Manifest", "Summary"]

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


class Ledger:
    """Keeps the files of a batch's folder. All methods may be called from any thread.

    Args:
        output: the batch's folder.
        ids: the instances of the batch, in their order.

    Raises:
        StorageError: a result that is there already cannot be read.
    """

    def __init__(self, output: Path, ids: Iterable[str]) -> None:
        self._folder = RunFolder(output)
        self._ids = tuple(ids)
        self._lock = threading.Lock()
        self._results = read_results(output)

    def open(self, manifest: Manifest) -> None:
        """Claim the folder for a batch, or find that it is the same batch as before.

        Raises:
            UsageError: the folder holds another batch, or one with other settings.
            StorageError: it cannot be written.
        """
        path = self._folder.path / MANIFEST
        with locked(self._folder.path / ".ledger-lock"):
            if not path.exists():
                self._folder.write(path, manifest.model_dump_json(indent=1))
                return
            refuse_another(path, manifest)

    @property
    def results(self) -> dict[str, InstanceResult]:
        """The results so far, in the batch's order."""
        with self._lock:
            return {name: self._results[name] for name in self._ids if name in self._results}

    def pending(self) -> tuple[str, ...]:
        """Instances that have to run: without a result, or with one that is not final."""
        results = self.results
        return tuple(name for name in self._ids if name not in results or not results[name].outcome.final)

    def enter(self, result: InstanceResult) -> None:
        """Note a final result, and bring the predictions up to date.

        Raises:
            StorageError: the disk refuses it; the predictions stay as they were.
        """
        with self._lock:
            self._results[result.instance_id] = result
        self.write_predictions()

    def write_predictions(self) -> None:
        """Write `preds.json`: every patch, and every run that made none; not what the infrastructure prevented.

        Raises:
            StorageError: the disk refuses it.
        """
        with locked(self._folder.path / ".ledger-lock"):
            self._learn()
            with self._lock:
                known = sorted(self._results.items())
            write_predictions(
                self._folder.path / PREDICTIONS,
                (
                    Prediction(instance_id=name, model_name_or_path=item.model, model_patch=item.patch)
                    for name, item in known
                    if item.outcome.final
                ),
            )

    def _learn(self) -> None:
        """Read the results that another process, sharing the folder, has written meanwhile."""
        for file in self._folder.path.glob(f"*/{RESULT}"):
            if file.parent.name not in self._results:
                result = read_result(file.parent)
                if result is not None:
                    with self._lock:
                        self._results.setdefault(result.instance_id, result)

    def summarise(self) -> Summary:
        """Add up the results and write `summary.json`.

        Raises:
            StorageError: the disk refuses it.
        """
        results = self.results
        costs = [result.cost for result in results.values()]
        images = {result.image: result.image_bytes for result in results.values() if result.image}
        summary = Summary(
            total=len(self._ids),
            outcomes=count(result.outcome for result in results.values()),
            verdicts=dict(Counter(item.verdict for item in results.values() if item.verdict).most_common()),
            left=tuple(name for name in self._ids if name not in results),
            cost=None if None in costs else sum(cost or 0.0 for cost in costs),
            steps=sum(result.steps for result in results.values()),
            seconds=sum(result.seconds for result in results.values()),
            image_bytes=sum(images.values()),
            folder_bytes=sum(result.folder_bytes for result in results.values()),
            faults=sum(len(result.faults) for result in results.values()),
        )
        self._folder.write(self._folder.path / SUMMARY, summary.model_dump_json(indent=1))
        return summary
