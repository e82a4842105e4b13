"""Read instances from files, lists and Hugging Face's data sets."""

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sweagent.atomic_write import write_atomically
from sweagent.errors import StorageError, UsageError
from sweagent.repository.intake import default_cache_dir

_OFFICIAL = {
    "verified": "SWE-bench/SWE-bench_Verified",
    "lite": "SWE-bench/SWE-bench_Lite",
    "full": "SWE-bench/SWE-bench",
    "multilingual": "SWE-bench/SWE-bench_Multilingual",
    "multimodal": "SWE-bench/SWE-bench_Multimodal",
}
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_SECONDS = 120.0

_WORDS, _TAIL, _HASH = 6, 40, 6
"""Of an issue that is text: words and letters of its id, and digits that tell it from others."""
_FILE = re.compile(r"\S+\.(?:md|txt|json|yaml|yml|rst)")


def read_records(spec: str, split: str) -> Iterator[dict[str, Any]]:
    """The records of a data set, as they are.

    Args:
        spec: see `sweagent.batch.data.instances.load_instances`.
        split: of a data set at Hugging Face or of a folder.

    Raises:
        UsageError: it cannot be found or read.
    """
    path = Path(spec)
    if path.is_dir():
        yield from _read_folder(path, split)
    elif path.is_file():
        yield from _read_file(path)
    elif spec.lower() in _OFFICIAL or _HUB_NAME.fullmatch(spec):
        for file in _download(_OFFICIAL.get(spec.lower(), spec), split):
            yield from _read_parquet(file)
    else:
        raise UsageError(
            f"there is no data set {spec!r}",
            f"give a file, a name at Hugging Face (owner/name), or one of {', '.join(_OFFICIAL)}",
        )


def _read_folder(folder: Path, split: str) -> Iterator[dict[str, Any]]:
    files = sorted([*folder.glob(f"{split}*.parquet"), *folder.glob(f"data/{split}-*.parquet")])
    if not files:
        raise UsageError(f"{folder} contains no parquet file of the split {split}", "check --split")
    for file in files:
        yield from _read_parquet(file)


def _read_file(path: Path) -> Iterable[dict[str, Any]]:
    if path.suffix == ".parquet":
        return _read_parquet(path)
    if path.suffix == ".jsonl":
        return _read_lines(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        records = json.loads(text) if path.suffix == ".json" else None
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {path}: {error}", "it must be UTF-8, as its name's ending says") from error
    if records is None:
        return _read_pairs(path, text)
    if isinstance(records, dict):
        records = list(records.values())
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise UsageError(f"{path} is not a list of records", "give a JSON list of objects, or one object a line")
    return [_with_id(record) for record in records]


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """One record after the other: all together may not fit into memory."""
    try:
        # Iterating splits at newlines alone; JSON may hold separators that Unicode has besides.
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for line in file:
                if not line.strip():
                    continue
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise UsageError(f"{path} is not a list of records", "give one object a line")
                yield _with_id(record)
    except (OSError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"cannot read {path}: {error}", "it must be UTF-8, as its name's ending says") from error


def _read_pairs(path: Path, text: str) -> list[dict[str, Any]]:
    """Lines of a repository and an issue, with a tab, a comma or spaces between; `#` starts a comment line."""
    if path.suffix == ".csv":
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline="")) if row]
        rows = rows[1:] if rows and [cell.lower() for cell in rows[0][:2]] == ["repo", "issue"] else rows
    else:
        lines = [line.strip() for line in text.split("\n")]
        rows = [re.split(r"\t+|\s+", line, maxsplit=1) for line in lines if line and not line.startswith("#")]
    for number, row in enumerate(rows, 1):
        if len(row) != 2 or not all(row):
            raise UsageError(
                f"pair {number} of {path} is not a repository and an issue", "write `REPOSITORY ISSUE` a line"
            )
    return [_with_id({"repo": repo, "issue": issue}) for repo, issue in rows]


def _with_id(record: dict[str, Any]) -> dict[str, Any]:
    """A pair gets an id that people can read and that depends on nothing but the pair."""
    if "instance_id" in record or not isinstance(record.get("repo"), str) or "issue" not in record:
        return record
    repo, issue = record["repo"], str(record["issue"])
    parts = [part for part in re.split(r"[/:\\]+", repo.removesuffix(".git")) if part]
    local = repo.startswith(("/", ".", "~")) or len(parts) < 2
    name = _slug("__".join(parts[-1:] if local else parts[-2:])) or "repository"
    number = re.search(r"(?:^#?|/issues/)(\d+)$", issue)
    # Folders of one name, and issues that begin alike, are told apart by what they are in whole.
    whole = hashlib.sha256(f"{repo}\n{issue}".encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    if number:
        tail = f"{number[1]}-{whole}" if local else number[1]
    else:
        text = Path(issue).stem if _FILE.fullmatch(issue) else issue
        tail = "-".join(filter(None, (_slug(" ".join(text.split()[:_WORDS])).lower()[:_TAIL].strip("-._"), whole)))
    return {**record, "issue": issue, "instance_id": f"{name[-60:]}-{tail}"}


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-._")


def _read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise UsageError(
            "parquet files need the package pyarrow", "install it with: pip install 'fix-issue[parquet]'"
        ) from error
    try:
        with ParquetFile(path) as file:
            for part in file.iter_batches(batch_size=1000):
                yield from part.to_pylist()
    except (OSError, ArrowException) as error:
        raise UsageError(f"cannot read {path}: {error}", "it must be a parquet file") from error


def _download(name: str, split: str) -> list[Path]:
    """The parquet files of a split, brought into the cache; without a network those that are there already.

    The addresses come from the hub's list of each data set's parquet files (https://huggingface.co/docs/hub/api).
    HF_ENDPOINT names another hub, HF_TOKEN opens what is not public.
    """
    import httpx

    folder = default_cache_dir() / "datasets" / name.replace("/", "__")
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    token = os.environ.get("HF_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        # httpx does not pass the header on when it is sent to another host.
        with httpx.Client(follow_redirects=True, timeout=_SECONDS, headers=headers) as client:
            listed = client.get(f"{endpoint}/api/datasets/{name}/parquet")
            if listed.status_code in (401, 403, 404):
                raise UsageError(
                    f"Hugging Face has no data set {name} that may be read",
                    "check its name; a gated one needs HF_TOKEN",
                )
            listed.raise_for_status()
            urls = _urls(listed.json(), name, split)
            return [_fetch(client, url, folder / f"{split}-{number}") for number, url in enumerate(urls)]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        cached = sorted(folder.glob(f"{split}-*.parquet"))
        if cached:
            return cached
        raise UsageError(
            f"the data set {name} cannot be had from Hugging Face: {error}",
            "check the network, or give a local .jsonl or .parquet file",
        ) from error
    except OSError as error:
        raise StorageError(f"the data set {name} cannot be kept: {error}", "free some disk space") from error


def _urls(listed: dict[str, dict[str, list[str]]], name: str, split: str) -> list[str]:
    configs = listed.get("default") or next(iter(listed.values()), {})
    if split not in configs:
        raise UsageError(f"{name} has no split {split}", f"its splits are: {', '.join(configs)}")
    return configs[split]


def _fetch(client: Any, url: str, stem: Path) -> Path:
    """Download a file unless the one in the cache is still the same."""
    file, mark = stem.with_suffix(".parquet"), stem.with_suffix(".etag")
    headers = {"If-None-Match": mark.read_text("utf-8")} if file.is_file() and mark.is_file() else {}
    answer = client.get(url, headers=headers)
    if answer.status_code == 304:
        return file
    answer.raise_for_status()
    mark.unlink(missing_ok=True)
    write_atomically(file, answer.content)
    if "etag" in answer.headers:
        write_atomically(mark, answer.headers["etag"])
    return file
