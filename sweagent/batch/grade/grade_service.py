"""What a node does to grade predictions."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

from sweagent.batch.data.instances import Instance
from sweagent.batch.data.predictions import Prediction
from sweagent.batch.drive.official_images import Images
from sweagent.batch.grade import grading
from sweagent.batch.grade.grader import EvaluationOptions, Grader
from sweagent.batch.nodes.messages import Job
from sweagent.batch.nodes.service import Link
from sweagent.errors import SandboxError
from sweagent.sandbox import remove_leftovers

_MOST_BYTES = 32 << 20
"""Of a log that is sent to the driver, from its end."""


class GradeService:
    """Grades predictions; see `Service`.

    Args:
        options: how.
        memory: where it is remembered which images were pulled.

    Raises:
        UsageError: the official package is missing.
    """

    def __init__(self, options: EvaluationOptions, memory: Path) -> None:
        self._options = options
        self._version = grading.swebench_version()
        self._stop = Event()
        self._tell: Callable[[str], None] = lambda text: None
        self._images = Images(memory, limit=options.disk, policy="official", note=lambda text: self._tell(text))

    @contextmanager
    def opened(self, note: Callable[[str], None]) -> Iterator[None]:
        """See `Service`."""
        self._tell = note
        remove_leftovers()
        yield

    def run(self, job: Job, link: Link) -> dict[str, Any]:
        """See `Service`."""
        grader = Grader(
            instance=Instance.model_validate(job.payload["instance"]),
            prediction=Prediction.model_validate(job.payload["prediction"]),
            folder=link.folder,
            options=self._options,
            version=self._version,
            images=self._images,
            record=job.payload["record"],
            stop=self._stop,
        )
        try:
            return grader.grade().model_dump(mode="json")
        finally:
            if not link.shared:
                _send(link)
                shutil.rmtree(link.folder, ignore_errors=True)

    def expect(self, payloads: Sequence[dict[str, Any]]) -> None:
        """See `Service`: the images of the next ones are pulled when they are needed."""

    def stop(self) -> None:
        """See `Service`."""
        self._stop.set()
        self._images.stop()


def _send(link: Link) -> None:
    for path in sorted(link.folder.rglob("*")):
        with suppress(OSError, SandboxError):
            if path.is_file() and not path.name.startswith("."):
                text = path.read_bytes()[-_MOST_BYTES:].decode("utf-8", "surrogateescape")
                link.write(path.relative_to(link.folder).as_posix(), text)
