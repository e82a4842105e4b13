"""Manifest of a batch: which settings its results belong to."""

from pathlib import Path
from typing import Any

from sweagent.config import Settings
from sweagent.errors import UsageError
from sweagent.frozen import Frozen

FILE = "batch.json"

_BEARING: dict[str, Any] = {
    "model": {"temperature", "max_output_tokens", "context_window", "action_format", "summaries"},
    "limits": True,
    "sandbox": {"network", "allow_hosts", "packages"},
    "verify": {"enabled", "rounds", "allow_tests", "allow_protected", "allow_binaries", "tester"},
    "strategy": {"name", "options", "scorer"},
    "review": True,
    "tools": True,
    "hints": True,
    "context_files": True,
}
"""Settings on which results depend. Others, such as a server's address or the memory of a sandbox, may be mended
before a batch is gone on with."""


class Manifest(Frozen):
    """What a batch runs; a folder holds the results of one only."""

    data: str
    """The data set, as the user named it."""
    split: str = ""
    model: str = ""
    profile: str = ""
    policy: str = ""
    settings: dict[str, Any] = {}
    """Those on which results depend, by their names with dots."""


def bearing_settings(settings: Settings) -> dict[str, Any]:
    """The settings on which results depend, by their names with dots."""
    return dict(_flat(settings.model_dump(mode="json", include=_BEARING)))


def refuse_another(path: Path, manifest: Manifest) -> None:
    """Check that a folder's manifest is of the same batch.

    Args:
        path: the manifest's file.
        manifest: of the batch that wants the folder.

    Raises:
        UsageError: it is of another one; the message says what differs.
    """
    try:
        before = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except ValueError:
        before = None
    bare: dict[str, Any] = {"settings": {}}
    if before is None or before.model_copy(update=bare) != manifest.model_copy(update=bare):
        said = f" ({before.data}, {before.model or before.policy})" if before else ""
        raise UsageError(
            f"{path.parent} contains another batch{said}", "choose another --output, or give the same arguments"
        )
    now = manifest.settings
    other = [
        f"{name} was {value!r} and is {now[name]!r}"
        for name, value in before.settings.items()
        if name in now and now[name] != value
    ]
    if other:
        raise UsageError(
            f"{path.parent} contains results of other settings: {'; '.join(other)}",
            "give the same settings, or choose another --output",
        )


def _flat(settings: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    pairs = []
    for name, value in settings.items():
        pairs += _flat(value, f"{before}{name}.") if isinstance(value, dict) else [(before + name, value)]
    return pairs
