"""Predictions in the official form and in other tools' layouts."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from sweagent.atomic_write import write_atomically
from sweagent.batch.data.instances import SAFE_ID
from sweagent.errors import StorageError, UsageError
from sweagent.frozen import Frozen

FILE = "preds.json"
"""The name of the predictions in a batch's folder; mini-swe-agent and SWE-agent use the same."""

LEDGER = "results.jsonl"
"""The results in a folder of a batch of this program."""

_NOT_FINAL = ("infrastructure", "usage")

Layout = Literal["official", "mini-swe-agent", "swe-agent"]


class Prediction(Frozen):
    """One patch. Its fields have the official names."""

    instance_id: str
    model_name_or_path: str = ""
    model_patch: str = ""
    """Empty when the run made none."""


def read_predictions(path: Path) -> dict[str, Prediction]:
    """Read predictions, by instance.

    Args:
        path: a .json file (a list, or an object by instance as mini-swe-agent and SWE-agent write it), a .jsonl file,
            or the folder of a batch of this program, of mini-swe-agent, or of SWE-agent (whose `.pred` files are read
            when it has no `preds.json`).

    Raises:
        UsageError: there are none, they are not predictions, or an instance is there twice.
    """
    records = _read_folder(path) if path.is_dir() else _read_file(path)
    predictions: dict[str, Prediction] = {}
    for record in records:
        prediction = _prediction(record, path)
        if prediction.instance_id in predictions:
            raise UsageError(f"{path} has two predictions for {prediction.instance_id}", "keep one of them")
        predictions[prediction.instance_id] = prediction
    return predictions


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write predictions so that the file is there as a whole or not at all.

    Args:
        path: a .jsonl file gets one object a line, any other an object by instance.
        predictions: in the order in which they are written.

    Raises:
        StorageError: the disk refuses it; what was there before is whole.
    """
    records = [prediction.model_dump() for prediction in predictions]
    if path.suffix == ".jsonl":
        text = "".join(json.dumps(record) + "\n" for record in records)
    else:
        text = json.dumps({record["instance_id"]: record for record in records}, indent=1) + "\n"
    write_atomically(path, text)


def write_layout(folder: Path, predictions: Mapping[str, Prediction], layout: Layout) -> None:
    """Write predictions as a tool would find them in the folder of its own batch.

    Args:
        folder: made when it is missing.
        predictions: by instance.
        layout: `official` writes `preds.jsonl`; `mini-swe-agent` writes `preds.json`; `swe-agent` writes that and
            `<instance>/<instance>.pred` for each. Trajectories are not converted.

    Raises:
        StorageError: the disk refuses it.
    """
    if layout == "official":
        write_predictions(folder / "preds.jsonl", predictions.values())
        return
    write_predictions(folder / FILE, predictions.values())
    if layout == "swe-agent":
        for name, prediction in predictions.items():
            write_atomically(folder / name / f"{name}.pred", json.dumps(prediction.model_dump()))


def _read_folder(folder: Path) -> list[Any]:
    if (folder / LEDGER).is_file():
        # `preds.json` is as old as the last time that the batch had leisure for it.
        # A last line that a kill tore off is no record yet.
        lines = _text(folder / LEDGER).split("\n")[:-1]
        latest = {record["instance_id"]: record for record in map(json.loads, lines)}
        final = [record for record in latest.values() if record.get("exit_status") not in _NOT_FINAL]
        return [
            {
                "instance_id": record["instance_id"],
                "model_name_or_path": record["model"],
                "model_patch": record["patch"],
            }
            for record in sorted(final, key=lambda record: str(record["instance_id"]))
        ]
    if (folder / FILE).is_file():
        return _read_file(folder / FILE)
    files = sorted(folder.glob("*/*.pred"))
    if not files:
        raise UsageError(f"{folder} contains no predictions", f"it needs {FILE}, or SWE-agent's .pred files")
    return [record for file in files for record in _read_file(file)]


def _read_file(path: Path) -> list[Any]:
    text = _text(path)
    try:
        if path.suffix == ".jsonl":
            # Not by `splitlines`: a patch may hold separators that Unicode has besides the newline.
            return [json.loads(line) for line in text.split("\n") if line.strip()]
        data = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}", "give a .json or a .jsonl file of predictions") from error
    if isinstance(data, dict):
        data = [data] if isinstance(data.get("instance_id"), str) else list(_by_name(data))
    if not isinstance(data, list):
        raise UsageError(f"{path} contains no predictions", "give a list, or an object by instance")
    return data


def _by_name(data: Mapping[str, Any]) -> Iterator[Any]:
    """The values of an object by instance, which need not repeat the instance's name."""
    for name, value in data.items():
        yield {"instance_id": name, **value} if isinstance(value, dict) else value


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}", "give predictions, or the folder of a batch") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8", "give a .json or a .jsonl file of predictions") from error
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error}", "check the file's permissions") from error


def _prediction(record: Any, path: Path) -> Prediction:
    if not isinstance(record, dict) or not isinstance(record.get("instance_id"), str):
        raise UsageError(f"{path} contains something that is not a prediction", "each needs an instance_id")
    if not SAFE_ID.fullmatch(record["instance_id"]):
        # It names a folder in other tools' layouts, and nothing may be written outside of theirs.
        raise UsageError(f"{record['instance_id'][:80]!r} in {path} cannot be an instance_id", "correct the file")
    patch = record.get("model_patch")
    if patch is not None and not isinstance(patch, str):
        raise UsageError(f"the patch of {record['instance_id']} in {path} is not text", "give a diff, or null")
    return Prediction(
        instance_id=record["instance_id"],
        model_name_or_path=str(record.get("model_name_or_path") or ""),
        model_patch=patch or "",
    )
