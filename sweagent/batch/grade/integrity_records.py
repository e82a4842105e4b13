"""Find the records of the runs that made predictions."""

import json
from collections.abc import Callable
from pathlib import Path

_PATTERNS = ("run-*/trajectory.jsonl", "trajectory.jsonl", "*.traj.json", "*.traj")
_LIMIT = 64 << 20


def record_reader(predictions: Path) -> Callable[[str], str]:
    """How to read what a run's agent saw and did, by instance.

    Args:
        predictions: a batch's folder, or the file of predictions in it; of this program, mini-swe-agent or SWE-agent.

    Returns:
        A function from an instance's id to the text, empty when there is no record.
    """
    folder = predictions if predictions.is_dir() else predictions.parent

    def read(instance_id: str) -> str:
        place = folder / instance_id
        files = next((found for pattern in _PATTERNS if (found := sorted(place.glob(pattern)))), [])
        return "\n".join(_text(file) for file in files)

    return read


def _text(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            text = opened.read(_LIMIT)
    except OSError:
        return ""
    if file.suffix != ".jsonl":
        return text
    # The first event names the task with all that is known of it, and not only what the agent was told.
    return "\n".join(line for line in text.splitlines() if not _is_start(line))


def _is_start(line: str) -> bool:
    try:
        event = json.loads(line)
    except ValueError:
        return False
    return isinstance(event, dict) and "task" in event
