r"""How often each selector picks a right patch from pools of known mixes, without a model.

    python benchmarks/selection/pools.py FOLDER          # of what facts.py has found out

A pool is drawn, with a seed, from the attempts at one instance, with replacement: so many right ones and so many wrong
ones. A selector sees the patches, their proofs, and what each does by the reproductions of this pool; never what is
right. `distinguishable` pools have a right patch that passes a visible test which each wrong one fails, or the other
way round for a regression; of the others nobody can tell, and they are counted apart.
"""

import argparse
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweagent.patch import Patch
from sweagent.patch_store import Candidate
from sweagent.run import CandidateEvidence, Choice, Evidence
from sweagent.run.selectors import agreement, best_verdict, majority
from sweagent.verdict import Verdict
from sweagent.verify import Proof

_SOUND = (Verdict.VERIFIED, Verdict.NEEDS_REVIEW)


@dataclass(frozen=True)
class Attempt:
    """A candidate with the reproduction that it came with."""

    name: str
    reproduction: int
    patch: Patch
    proof: Proof
    cells: tuple[bool | None, ...]
    right: bool

    @property
    def form(self) -> str:
        """The patch without what changes nothing, as Agentless compares patches: here, blank lines and comments."""
        lines = (line.strip() for line in self.patch.text.splitlines() if line[:1] in ("+", "-"))
        return "\n".join(line for line in lines if line.lstrip("+-").strip() and not line.lstrip("+- ").startswith("#"))

    def seen(self, shown: frozenset[int]) -> tuple[frozenset[int], bool]:
        """By which of these reproductions it passes, and whether its proof names no regression."""
        return frozenset(n for n in shown if self.cells[n]), self.proof.verdict is not Verdict.REGRESSED


Pool = tuple[Attempt, ...]


def main() -> int:
    """Draw the pools and print what was picked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--each", type=int, default=50, help="pools of each mix and instance")
    options = parser.parse_args()
    facts = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(options.folder.glob("*.json"))]
    whole = [item for item in facts if item.get("matrix")]
    random_source = random.Random(24)
    pools = [pool for item in whole for pool in _pools(_attempts(item), options.each, random_source)]
    print(json.dumps(_ground(facts), indent=2))
    print(json.dumps(_report(pools), indent=2))
    return 0


def _attempts(facts: dict[str, Any]) -> list[Attempt]:
    found = []
    for item in facts["attempts"]:
        name = item["candidate"]
        found.append(
            Attempt(
                name,
                facts["reproductions"].index(item["reproduction"]),
                Patch(base_commit="base", text=facts["patches"][name]),
                Proof.model_validate(item["proof"]),
                tuple(facts["matrix"][name]),
                facts["right"][name],
            )
        )
    return found


def _pools(attempts: list[Attempt], each: int, source: random.Random) -> Iterator[Pool]:
    right, wrong = ([item for item in attempts if item.right is is_right] for is_right in (True, False))
    for size in (2, 4, 8):
        for good in sorted({0, 1, size // 4, size // 2, size - 1}):
            if (good and not right) or (size - good and not wrong):
                continue
            for _ in range(each):
                drawn = source.choices(right, k=good) if good else []
                drawn += source.choices(wrong, k=size - good)
                source.shuffle(drawn)
                yield tuple(drawn)


def _is_distinguishable(pool: Pool) -> bool:
    shown = frozenset(item.reproduction for item in pool)
    right, wrong = ({item.seen(shown) for item in pool if item.right is good} for good in (True, False))
    return any(
        all(passed - other or (sound and not other_sound) for other, other_sound in wrong) for passed, sound in right
    )


def _evidence(pool: Pool) -> Evidence:
    """What a run would know: the reproductions that attempts came with and that were seen to show the issue."""
    shown = sorted({i.reproduction for i in pool if any(r.shows_issue for r in i.proof.reproductions)})
    items = []
    for number, attempt in enumerate(pool):
        candidate = Candidate(number=number, attempt=f"attempt {number}", patch=attempt.patch, proof=attempt.proof)
        passes = tuple(attempt.cells[column] for column in shown)
        items.append(CandidateEvidence(candidate=candidate, passes=passes, normal_form=attempt.form))
    return Evidence(items=tuple(items), pool=tuple(map(str, shown)))


def _agentless(evidence: Evidence) -> Choice:
    """The patch that most have, whatever was seen of it; the earliest of equals."""
    votes = Counter(item.form for item in evidence.items)
    best = max(evidence.items, key=lambda item: votes[item.form])
    return Choice(selector="votes", candidate=best.candidate)


_SELECTORS: dict[str, Callable[[Evidence], Choice]] = {
    "first": lambda evidence: Choice(selector="first", candidate=evidence.items[0].candidate),
    "votes (Agentless)": _agentless,
    "best verdict": best_verdict,
    "majority": majority,
    "agreement": agreement,
}


def _report(pools: list[Pool]) -> dict[str, Any]:
    """Of each kind of pool: how often a right patch is picked, how often a wrong one is sold as verified."""
    groups: defaultdict[str, list[Pool]] = defaultdict(list)
    for pool in pools:
        if not any(item.right for item in pool):
            groups["none is right"].append(pool)
        else:
            groups["distinguishable" if _is_distinguishable(pool) else "indistinguishable"].append(pool)
    return {name: _of_group(found) for name, found in groups.items()}


def _of_group(pools: list[Pool]) -> dict[str, Any]:
    by_chance = sum(sum(item.right for item in pool) / len(pool) for pool in pools) / len(pools)
    told: dict[str, Any] = {
        "pools": len(pools),
        "oracle": float(any(item.right for item in pools[0])),
        "random": by_chance,
    }
    for name, selector in _SELECTORS.items():
        counts: Counter[str] = Counter()
        for pool in pools:
            choice = selector(_evidence(pool))
            picked = pool[choice.candidate.number] if choice.candidate else None
            sold = picked is not None and picked.proof.verdict in _SOUND and not choice.abstained
            counts["right"] += picked is not None and picked.right
            counts["right and verified"] += picked is not None and picked.right and sold
            counts["wrong and verified"] += picked is not None and not picked.right and sold
            counts["abstained or unverified"] += not sold
        told[name] = {key: round(value / len(pools), 3) for key, value in counts.items()}
    told["random"] = round(by_chance, 3)
    return told


def _ground(facts: list[dict[str, Any]]) -> dict[str, Any]:
    """What the pools are drawn from."""
    told: dict[str, Any] = {}
    for item in facts:
        if not item.get("matrix"):
            told[item.get("instance", "?")] = item.get("left_out", "not finished")
            continue
        verdicts = {f"{a['candidate']} ({a['reproduction']})": a["verdict"] for a in item["attempts"]}
        seconds = [a["seconds"] for a in item["attempts"]]
        told[item["instance"]] = {
            "right": [name for name, right in item["right"].items() if right],
            "verdicts": verdicts,
            "matrix": {name: [str(cell)[0] for cell in row] for name, row in item["matrix"].items()},
            "seconds": {"first": seconds[0], "others": round(sum(seconds[1:]) / len(seconds[1:]), 1)}
            | {"matrix": item["matrix_seconds"]},
        }
    return told


if __name__ == "__main__":
    sys.exit(main())
