"""Try the environments of many repositories."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from sweagent.batch.nodes.executor import Executor
from sweagent.batch.nodes.farm import run_all, setup_for
from sweagent.batch.nodes.local import LocalExecutor
from sweagent.batch.nodes.messages import Work
from sweagent.batch.trial.environment_service import EnvironmentService, Trial
from sweagent.config import Settings
from sweagent.settings_record import without_secrets

_LOCAL_WORKERS = 2


def try_environments(
    repositories: Sequence[tuple[str, str]],
    settings: Settings,
    *,
    seconds: float,
    workers: int | None = None,
    executor: Executor | None = None,
    done: Callable[[Trial], None] = lambda trial: None,
    note: Callable[[str], None] = lambda text: None,
) -> tuple[Trial, ...]:
    """Build the environment of each repository and run its tests.

    Args:
        repositories: each with a commit, or with nothing for its HEAD.
        settings: of what is built.
        seconds: limit of a run of tests.
        workers: at a time, at each node.
        executor: reaches the nodes; None has one in this process.
        done: receives what came of each as it ends.
        note: receives lines for people.

    Raises:
        ExecutorError: no node can be reached any more.
    """
    wanted = {f"environment-{number}": item for number, item in enumerate(repositories)}
    found: dict[str, Trial] = {}

    def payload(name: str) -> dict[str, str]:
        repository, commit = wanted[name]
        return {"repository": repository, "commit": commit}

    def ended(name: str, result: dict[str, object]) -> None:
        found[name] = Trial.model_validate(result)
        done(found[name])

    with tempfile.TemporaryDirectory(prefix="fix-issue-trials-") as folder:
        service = EnvironmentService(settings, seconds)
        reach = executor or LocalExecutor(service, Path(folder), workers or _LOCAL_WORKERS)
        said = {"settings": without_secrets(settings), "seconds": seconds}
        run_all(
            reach,
            setup_for(Work.ENVIRONMENT, said, slots=workers),
            wanted,
            payload,
            ended,
            near=lambda name: wanted[name][0],
            note=note,
        )
    return tuple(found[name] for name in wanted)
