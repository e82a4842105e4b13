"""Folders outside of the default place in which this user started runs.

The settings of a run are in its log, and `resume` takes them from there. A log may as well come from a stranger, in a
clone or an archive: what it says of this machine counts only where this user started the run on it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sweagent.errors import UsageError
from sweagent.home import state_folder
from sweagent.run_folder import runs_folder

_FILE = "folders.txt"
_REACHES_OUT = {
    "tool_folders": "imports tools from",
    "strategy.folders": "imports strategies from",
    "strategy.scorer": "imports a scorer from",
    "model.api_base": "sends the model's key to",
    "model.extra": "gives the model's provider",
    "sandbox.network": "opens the network",
    "sandbox.allow_hosts": "lets commands reach",
}
"""Settings by which a log could reach this machine, its keys or its network."""


def remember(folder: Path) -> None:
    """Remember a folder as this user's own, with all folders in it.

    Raises:
        StorageError: the user has no folder for it.
    """
    place = folder.absolute()
    if _is_own(place):
        return
    file = state_folder() / _FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8", errors="surrogateescape") as log:
        log.write(f"{place}\n")


def check_started_here(folder: Path, settings: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> None:
    """Refuse a log of somebody else whose settings reach this machine, its keys or its network.

    Args:
        folder: of a run.
        settings: as its log has them.
        given: those that the user gives now, as for a batch that is gone on with; what both say is the user's word.

    Raises:
        UsageError: there are such settings, and this user did not start the run here.
    """
    if _is_own(folder.absolute()):
        return
    own = {line for part in _settings_in(given or {}) for line in _reaching_out(part)}
    found = [line for part in _settings_in(settings) for line in _reaching_out(part) if line not in own]
    if found:
        raise UsageError(
            f"{folder} was not started here by you, and its log {'; '.join(found)}",
            f"if you trust it, move it into {runs_folder()}, where your own runs are",
        )


def _settings_in(value: Any) -> Iterator[Mapping[str, Any]]:
    """The settings, and whatever within them may be settings too: those of a strategy's attempts and roles."""
    if isinstance(value, Mapping):
        yield value
        value = value.values()
    elif not isinstance(value, list | tuple):
        return
    for item in value:
        yield from _settings_in(item)


def _reaching_out(settings: Mapping[str, Any]) -> list[str]:
    found = [f"{words} {_shown(value)}" for key, words in _REACHES_OUT.items() if (value := _at(settings, key))]
    if _at(settings, "sandbox.kind") == "local":
        found.append("runs its commands on this machine without isolation")
    return found


def _is_own(folder: Path) -> bool:
    file = state_folder() / _FILE
    lines = file.read_text(encoding="utf-8", errors="surrogateescape").splitlines() if file.is_file() else []
    return any(folder.is_relative_to(place) for place in (runs_folder(), *map(Path, filter(None, lines))))


def _at(settings: Mapping[str, Any], key: str) -> Any:
    group, _, name = key.partition(".")
    value = settings.get(group)
    return value if not name else value.get(name) if isinstance(value, Mapping) else None


def _shown(value: Any) -> str:
    if value is True:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple | dict) else str(value)
