"""A world for batches: a small repository, instances of it, and a model behind HTTP that solves each in two steps."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))

from openai_server import Behaviour, OpenAIServer, answer, call, completion

FILES = {
    "shapes.py": "def area(width, height):\n    return width + height\n",
    "test_shapes.py": "def test_nothing():\n    pass\n",
    "setup.py": "from setuptools import setup\nsetup(name='shapes', version='1.0', py_modules=['shapes'])\n",
}


PLAIN = {"shapes.txt": FILES["shapes.py"]}
"""The same in no language that is known, so that there is no environment to build and no test to run."""


def make_repository(folder: Path, files: Mapping[str, str] = FILES) -> str:
    """Make the repository and return its base commit. The fix is in the commit after it."""
    folder.mkdir(parents=True)
    _git(folder, "init", "-q", "-b", "main")
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", "base")
    base = _git(folder, "rev-parse", "HEAD")
    source = next(iter(files))
    (folder / source).write_text(files[source].replace("+", "*"), encoding="utf-8")
    _git(folder, "commit", "-q", "-a", "-m", "THE-FIX-OF-THE-FUTURE")
    return base


def record(number: int, repository: Path, base: str, **changes: Any) -> dict[str, Any]:
    """One instance; what the agent must not see is marked by the word SECRET."""
    return {
        "instance_id": f"acme__shapes-{number}",
        "repo": str(repository),
        "base_commit": base,
        "problem_statement": f"area() adds, report {number}.\n\narea(2, 3) gives 5 and should give 6.",
        "hints_text": "SECRET-HINT",
        "patch": "SECRET-GOLD",
        "test_patch": "SECRET-TEST-PATCH",
        "FAIL_TO_PASS": json.dumps(["SECRET-TEST"]),
        "PASS_TO_PASS": "[]",
        **changes,
    }


def write_data(path: Path, records: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in records), encoding="utf-8")
    return path


def report_of(request: dict[str, Any]) -> int:
    """The number of the report that a request to the model is about."""
    found = re.search(r"area\(\) adds, report (\d+)\.", json.dumps(request["messages"]))
    assert found, request
    return int(found[1])


def step_of(request: dict[str, Any]) -> int:
    """Which reply of the run is asked for, from 0."""
    return sum(message["role"] == "assistant" for message in request["messages"])


def solving(request: dict[str, Any]) -> Behaviour:
    """Edit until that is seen to be done, then submit; the edit bears the report's number, so that none is mixed up."""
    number, step = report_of(request), step_of(request)
    if "mended" not in str(request["messages"][-1]["content"]):
        change = {"command": f"sed -i 's/width + height$/width * height  # {number}/' shapes.* && echo mended"}
        return answer(completion("mend", [call("bash", change, f"call_{number}_{step}")]))
    return answer(completion("done", [call("submit", {"summary": "It multiplies."}, f"call_{number}_{step}")]))


def model() -> OpenAIServer:
    """The model's server, not started yet."""
    return OpenAIServer(default=solving)


def asked(server: OpenAIServer) -> Counter[tuple[int, int]]:
    """How often each step of each report was asked for."""
    return Counter((report_of(request), step_of(request)) for request in server.requests)


def batch_command(data: Path, output: Path, server: OpenAIServer, *options: str) -> list[str]:
    """The command line of a batch whose runs do not go back to the model after the verdict."""
    settings = output.parent / "settings.yaml"
    settings.write_text("verify: {rounds: 0, seconds: 60}\nhints: false\n", encoding="utf-8")
    fixed = ["--model", "openai/test", "--api-base", server.url, "--max-tokens", "1000000", "--config", str(settings)]
    return [sys.executable, "-m", "sweagent", "batch", str(data), "-o", str(output), *fixed, *options]


def batch_environment(**changes: str) -> dict[str, str]:
    """The environment of a batch's process: a key that opens nothing, and no prices from the network."""
    return {**os.environ, "OPENAI_API_KEY": "none", "LITELLM_LOCAL_MODEL_COST_MAP": "True", **changes}


def _git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "maintenance.auto=false")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()
