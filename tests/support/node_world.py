"""A world for batches over nodes: clones, instances, a script that solves them, and what a driver is told."""

import json
import sys
from pathlib import Path
from typing import Any

from sweagent.batch.data.instances import Instance
from sweagent.batch.drive.batch_settings import BatchSettings
from sweagent.batch.drive.driver import Batch
from sweagent.batch.drive.ledger import Manifest
from sweagent.batch.drive.outcomes import InstanceResult, read_results
from sweagent.config import Settings
from sweagent.settings_sources import read_sources

sys.path.append(str(Path(__file__).parent))

import batch_world as world
from priced_provider import MODEL

KEY = "canary-key-of-the-driver-0123456789"
FILES = world.PLAIN | {"go.mod": "module shapes\n"}


def node_command(folder: Path, *options: str) -> str:
    """A node with its own folders, key and models, as another machine would have them."""
    own = {"XDG_STATE_HOME": folder / "node-state", "XDG_CACHE_HOME": folder / "node-cache", "OPENAI_API_KEY": "none"}
    words = [f"{name}={value}" for name, value in own.items()]
    clones = ("--repositories", str(folder / "clones"))
    return " ".join(["env", *words, sys.executable, "-I", "-m", "sweagent.batch.node", *clones, *options])


def instances(folder: Path, total: int) -> list[Instance]:
    """Instances of a repository of which nodes have a clone."""
    base = world.make_repository(folder / "clones" / "acme" / "shapes", FILES)
    records = (world.record(number, folder / "clones", base, repo="acme/shapes") for number in range(total))
    return [Instance.from_record(record) for record in records]


def script(folder: Path) -> str:
    """A policy that needs no model: look, edit, submit."""
    change = "sed -i 's/width + height$/width * height/' shapes.txt"
    steps = [{"bash": {"command": "cat shapes.txt"}}, {"bash": {"command": change}}, {"submit": {"summary": "done"}}]
    (folder / "script.json").write_text(json.dumps([{"thought": "on", "actions": [step]} for step in steps]))
    return str(folder / "script.json")


def settings(url: str, **changes: Any) -> Settings:
    """Of runs in the local sandbox."""
    values: dict[str, Any] = {
        "model": {"name": MODEL, "api_base": url, "retries": 1, "max_output_tokens": 1_500},
        "limits": {"cost": 1.0},
        "sandbox": {"kind": "local"},
        "verify": {"rounds": 0},
        "hints": False,
    }
    return read_sources(values | changes).settings()


def run(
    folder: Path,
    rows: list[Instance],
    using: Settings,
    executor: Any = None,
    notes: list[str] | None = None,
    **options: Any,
) -> dict[str, InstanceResult]:
    """Run a batch to its end."""
    Batch(
        rows,
        using,
        BatchSettings(**{"pause": 0.1, "silence": 2.0, "patience": 60.0, **options}),
        folder,
        manifest=Manifest(data="acme"),
        executor=executor,
        note=lambda name, text: None if notes is None else notes.append(f"{name}: {text}"),
    ).run()
    return read_results(folder)


def comparable(results: dict[str, InstanceResult]) -> list[dict[str, Any]]:
    """A ledger but for times."""
    times = {"ended", "seconds", "folder_bytes"}
    return [result.model_dump(mode="json", exclude=times) for result in results.values()]
