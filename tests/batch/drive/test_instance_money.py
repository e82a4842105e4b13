"""An instance's limit holds over all its runs, however often the infrastructure fails them."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.batch.data.instances import Instance
from sweagent.batch.drive.instance_run import MAX_RESUMES, BatchContext, InstanceRun
from sweagent.batch.drive.official_images import Images
from sweagent.batch.drive.outcomes import Outcome
from sweagent.batch.nodes.messages import Job
from sweagent.batch.nodes.service import Link
from sweagent.config import Settings
from sweagent.stop_token import StopToken

sys.path.append(str(Path(__file__).parents[2] / "support"))

from openai_server import Behaviour, OpenAIServer
from priced_provider import INPUT, MODEL, write_models


def test_runs_that_are_begun_afresh_have_only_what_is_left(
    git_repository: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIX_ISSUE_MODELS", str(write_models(tmp_path)))
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    charged: list[float] = []

    def drop(request: dict[str, object]) -> Behaviour:
        charged.append(2_000 * INPUT / 1e6)
        return Behaviour(drop=True)

    with OpenAIServer(drop) as server:
        settings = Settings(
            model={"name": MODEL, "api_base": server.url, "retries": 0, "max_output_tokens": 1_500},  # type: ignore[arg-type]
            limits={"cost": 0.7},  # type: ignore[arg-type]
            sandbox={"kind": "local"},  # type: ignore[arg-type]
            hints=False,
        )
        images = Images(tmp_path / "out", limit=0, policy="auto", note=print)
        around = BatchContext(settings, images, retries=20, pause=0.0)
        project = git_repository({"go.mod": "module shapes\n"}, name="shapes")
        instance = Instance(instance_id="acme__shapes-1", repo=str(project), problem_statement="area() adds")
        job, stop = Job(name="acme__shapes-1", payload={}), StopToken()
        link = Link(job, tmp_path / "out", shared=True, stop=stop, send=lambda report: None)
        result = InstanceRun(instance, around, link).run()
    assert len(charged) > MAX_RESUMES + 1, "it was begun afresh"
    assert result.cost is not None
    assert sum(charged) <= result.cost <= 0.7
    # The money is gone, and that is no fault of the settings nor one that a resumed batch would try again.
    assert (result.exit_status, result.outcome) == ("budget_limit", Outcome.LIMIT)
