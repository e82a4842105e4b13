"""Settings of the roles that a strategy has."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sweagent.errors import UsageError

if TYPE_CHECKING:
    from sweagent.run.run import Run

Changes = dict[str, Any]
"""Settings that differ from the run's, nested as the settings are."""


def role_settings(
    run: "Run", roles: Iterable[str], given: Mapping[str, Changes], usual: Mapping[str, Changes] | None = None
) -> dict[str, Changes]:
    """The settings of each role, checked before anything is spent.

    Args:
        run: whose settings they change.
        roles: all that there are.
        given: the user's, for some of them.
        usual: the strategy's own, which the user's win over.

    Raises:
        UsageError: some cannot be used, or they are of a role that there is not.
    """
    names = tuple(roles)
    if unknown := [role for role in given if role not in names]:
        raise UsageError(f"there is no role {unknown[0]!r}", f"the roles are: {', '.join(names)}")
    found = {role: _merged((usual or {}).get(role, {}), given.get(role, {})) for role in names}
    for changes in found.values():
        run.check(**changes)
    return found


def _merged(low: Changes, high: Changes) -> Changes:
    both = {name: {**low[name], **high[name]} for name in low.keys() & high.keys() if isinstance(high[name], dict)}
    return {**low, **high, **both}
