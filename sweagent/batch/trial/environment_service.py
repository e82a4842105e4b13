"""Node's work of trying environments: build, run the tests."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from sweagent.batch.data.tasks import local_clone
from sweagent.batch.nodes.messages import Job
from sweagent.batch.nodes.service import Link
from sweagent.config import Settings
from sweagent.errors import FixIssueError
from sweagent.forge.api.address import remote_options
from sweagent.frozen import Frozen
from sweagent.sandbox import remove_leftovers


class Trial(Frozen):
    """What came of one environment."""

    repository: str
    """As it was named."""
    commit: str = ""
    image: str = ""
    ran: bool = False
    """Whether any test ran."""
    text: str = ""
    """The counts of the tests for people, or what kept them from being run."""
    lacks: tuple[str, ...] = ()


class EnvironmentService:
    """Tries environments; see `Service`.

    Args:
        settings: of what is built.
        seconds: limit of a run of tests.
        repositories: a folder with clones of this machine.
    """

    def __init__(self, settings: Settings, seconds: float, repositories: Path | None = None) -> None:
        self._settings = settings
        self._seconds = seconds
        self._repositories = repositories

    @classmethod
    def on_node(cls, payload: dict[str, Any], repositories: Path | None) -> Self:
        """The service at a node of its own, from what the driver said."""
        return cls(Settings.model_validate(payload["settings"]), payload["seconds"], repositories)

    @contextmanager
    def opened(self, note: Callable[[str], None]) -> Iterator[None]:
        """See `Service`."""
        remove_leftovers()
        yield

    def run(self, job: Job, link: Link) -> dict[str, Any]:
        """See `Service`."""
        named = str(job.payload["repository"])
        try:
            return self._try(named, str(job.payload["commit"]), link).model_dump(mode="json")
        except FixIssueError as error:
            return Trial(repository=named, text=error.with_hint).model_dump(mode="json")

    def _try(self, named: str, commit: str, link: Link) -> Trial:
        from sweagent.environment import discover, ensure_image
        from sweagent.environment.build.smoke import smoke_test
        from sweagent.repository import open_repository

        source = local_clone(named, self._repositories) or named
        repository = open_repository(source, base=commit or None, **remote_options(source))
        link.stop.check()
        recipe = discover(
            repository.git_dir,
            repository.base_commit,
            name=repository.name,
            overrides=self._settings.environment,
        )
        image = ensure_image(recipe, repository, self._settings, log=link.note)
        link.stop.check()
        smoke = smoke_test(image, seconds=self._seconds)
        return Trial(
            repository=named,
            commit=repository.base_commit,
            image=image.name,
            ran=smoke.ran,
            text=smoke.text(),
            lacks=tuple(map(str, image.lacks)),
        )

    def expect(self, payloads: Sequence[dict[str, Any]]) -> None:
        """See `Service`: nothing can be got ready."""

    def stop(self) -> None:
        """See `Service`: jobs look at their own token."""
