"""Group candidates whose patches are the same but for blanks and comments."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sweagent.patch.normal_form import normal_forms
from sweagent.patch_store import Candidate

if TYPE_CHECKING:
    from sweagent.run.run import Run


def alike(run: "Run", candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Candidates with the same code, the largest group first; those without a patch are left out.

    Args:
        run: whose base they are for.
        candidates: in the order in which they were made.
    """
    made = [item for item in candidates if item.patch]
    groups: dict[str, list[Candidate]] = {}
    for item, form in zip(made, normal_forms(run.task.repository, [item.patch for item in made]), strict=True):
        groups.setdefault(form, []).append(item)
    return sorted(groups.values(), key=lambda group: -len(group))


def is_repeated(run: "Run", candidate: Candidate, earlier: Iterable[Candidate]) -> bool:
    """Whether a candidate has the code of an earlier one."""
    others = [item for item in earlier if item.number != candidate.number]
    return any(candidate in group and len(group) > 1 for group in alike(run, [candidate, *others]))
