"""Store each taken patch of a run with its proof."""

import threading
from collections.abc import Iterable

from sweagent.frozen import Frozen
from sweagent.patch import Patch
from sweagent.run_folder import RunFolder
from sweagent.trajectory import Reproduction
from sweagent.verify import Proof, Verdict


class Candidate(Frozen):
    """A patch that was taken, with its proof when it was judged."""

    number: int
    attempt: str = ""
    """The scope of the attempt that made it."""
    patch: Patch
    proof: Proof | None = None
    reproduction: Reproduction | None = None
    """What its attempt had registered when it was taken."""
    named_tests: tuple[str, ...] = ()
    """Tests that its attempt had run or named."""

    @property
    def unjudged(self) -> "Candidate":
        """The same as it was before it was judged."""
        return self.model_copy(update={"proof": None})

    @property
    def verdict(self) -> Verdict:
        """The proof's verdict; without a proof, what can be said of the patch alone."""
        if self.proof:
            return self.proof.verdict
        return Verdict.UNVERIFIED if self.patch else Verdict.NO_PATCH


def best_of(candidates: Iterable[Candidate]) -> Candidate:
    """The candidate with the best verdict, the latest of equals; there must be one."""
    return min(candidates, key=lambda item: (item.verdict.rank, -item.number))


class Candidates:
    """All candidates of a run, those of an earlier process included.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        files = folder.patches.glob("*.json")
        found = (Candidate.model_validate_json(file.read_text(encoding="utf-8")) for file in files)
        self._all = {candidate.number: candidate for candidate in found}

    def add(
        self,
        patch: Patch,
        attempt: str = "",
        reproduction: Reproduction | None = None,
        named_tests: tuple[str, ...] = (),
    ) -> Candidate:
        """Keep a patch that was just taken from an attempt's work tree. Threads may share the store.

        Args:
            patch: what was taken.
            attempt: its scope.
            reproduction: what the attempt has registered.
            named_tests: that it ran or named.

        Raises:
            StorageError: the disk refuses it.
        """
        with self._lock:
            number = 1 + max(self._all, default=0)
            return self._keep(
                Candidate(
                    number=number, attempt=attempt, patch=patch, reproduction=reproduction, named_tests=named_tests
                )
            )

    def judged(self, candidate: Candidate, proof: Proof) -> Candidate:
        """Keep the proof of a candidate.

        Raises:
            StorageError: the disk refuses it.
        """
        return self._keep(candidate.model_copy(update={"proof": proof}))

    def file(self, candidate: Candidate) -> str:
        """Return a candidate's path, relative to the run's folder."""
        return f"{self._folder.patches.name}/{candidate.number}.json"

    def best(self, attempt: str | None = None) -> Candidate | None:
        """The candidate with the best verdict, the latest of equals.

        Args:
            attempt: only those of this one; None takes all.
        """
        found = [item for item in list(self._all.values()) if attempt is None or item.attempt == attempt]
        return best_of(found) if found else None

    def latest(self, attempt: str) -> Candidate | None:
        """The candidate that was last taken from an attempt."""
        found = [item for item in list(self._all.values()) if item.attempt == attempt]
        return max(found, key=lambda item: item.number, default=None)

    def get(self, number: int) -> Candidate | None:
        """The candidate of a number."""
        return self._all.get(number)

    def _keep(self, candidate: Candidate) -> Candidate:
        self._all[candidate.number] = candidate
        self._folder.write(self._folder.path / self.file(candidate), candidate.model_dump_json())
        return candidate
