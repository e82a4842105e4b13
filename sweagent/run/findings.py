"""What verifications have found of a run's candidates."""

from collections.abc import Iterable, Mapping, Sequence

from sweagent.patch_store import Candidate
from sweagent.run.attempt import Attempt
from sweagent.run.evidence import CandidateEvidence, Evidence
from sweagent.run.judging import Passes
from sweagent.trajectory import Reproduction

Named = Mapping[str, Reproduction]
"""Reproductions by unique names."""


class Findings:
    """Adds up what a run, and what it gathered, has found."""

    def __init__(self) -> None:
        self.candidates: dict[int, Candidate] = {}
        """Those that were verified, with their proofs, by their numbers."""
        self._pool: dict[str, Reproduction] = {}
        self._weakening: dict[str, Reproduction] = {}
        self._weakened_by = 1
        self._passes: dict[int, dict[str, bool | None]] = {}

    def ask(self, pool: Named, weakening: Named, weakened_by: int) -> None:
        """Take reproductions that candidates are run on.

        Args:
            pool: those that rank.
            weakening: those that may only weaken.
            weakened_by: so many of these take a verdict.
        """
        self._pool |= pool
        self._weakening |= weakening
        self._weakened_by = weakened_by if weakening else self._weakened_by

    def free_name(self, name: str, item: Reproduction, taken: Named) -> str:
        """A name for a reproduction that no other one has.

        Args:
            name: as it would be called.
            item: it gets the same name each time.
            taken: further names.
        """
        known = {**self._pool, **self._weakening, **taken}
        names = (name, *(f"{name} ({number})" for number in range(2, len(known) + 3)))
        return next(free for free in names if known.get(free, item) == item)

    def named(
        self, reproductions: Sequence[Reproduction], attempts: Sequence[Attempt], path: str
    ) -> dict[str, Reproduction]:
        """Reproductions by unique names, without those that are there twice.

        Args:
            reproductions: of whoever made them.
            attempts: of the run, which may have made them.
            path: of the run.
        """
        named: dict[str, Reproduction] = {}
        for item in reproductions:
            if item in named.values():
                continue
            owner = next((n for n, attempt in enumerate(attempts, 1) if item in attempt.reproductions), None)
            # What gathered items call alike is not the same.
            whose = [f"attempt {owner}"] if owner else []
            whose += [f"of {path.rstrip('/')}"] if path else []
            name = f"{item.path} ({' '.join(whose)})" if whose else item.path
            named[self.free_name(name, item, named)] = item
        return named

    def add(self, candidate: Candidate, names: Iterable[str], passes: Passes) -> None:
        """Take what a candidate does with some reproductions."""
        self.candidates[candidate.number] = candidate
        self._passes.setdefault(candidate.number, {}).update(zip(names, passes, strict=False))

    def absorb(self, other: "Findings") -> None:
        """Take all that another one has."""
        self.ask(other._pool, other._weakening, other._weakened_by)
        self.candidates |= other.candidates
        for number, row in other._passes.items():
            self._passes.setdefault(number, {}).update(row)

    def best_known(self, candidate: Candidate) -> Candidate:
        """A candidate with its proof, where a verification gave it one."""
        known = self.candidates.get(candidate.number)
        return known if known and known.proof else candidate

    def evidence(
        self, candidates: Sequence[Candidate], pool: Named | None = None, weakening: Named | None = None
    ) -> Evidence:
        """What is known of some candidates.

        Args:
            candidates: in this order.
            pool: the reproductions that rank; None for all.
            weakening: those that weaken; None for all.
        """
        pool, weakening = self._pool if pool is None else pool, self._weakening if weakening is None else weakening
        items = (
            CandidateEvidence(
                candidate=candidate,
                passes=self._row(candidate, pool),
                weakening=self._row(candidate, weakening),
                weakened_by=self._weakened_by,
            )
            for candidate in candidates
        )
        return Evidence(items=tuple(items), pool=tuple(pool), weakening=tuple(weakening))

    def _row(self, candidate: Candidate, asked: Named) -> Passes:
        known = self._passes.get(candidate.number, {})
        return tuple(known.get(name) for name in asked) if any(name in known for name in asked) else ()
