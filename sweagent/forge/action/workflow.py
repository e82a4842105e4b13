"""Event, outputs, summary and log of a workflow."""

import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sweagent.errors import UsageError

SUMMARY_LIMIT = 1_000_000
"""Bytes; GitHub drops a longer summary."""


class Workflow:
    """What the runner says about the job, and the ways to answer it.

    Args:
        environment: the variables of the process.
        write: prints a line to the log.
    """

    def __init__(
        self, environment: Mapping[str, str] | None = None, write: Callable[[str], object] | None = None
    ) -> None:
        self.environment = dict(os.environ if environment is None else environment)
        self._write = write or _log

    def get(self, name: str, default: str = "") -> str:
        """A variable, without the whitespace around it."""
        return self.environment.get(name, "").strip() or default

    @property
    def event_name(self) -> str:
        """The kind of event, such as `issues`."""
        return self.get("GITHUB_EVENT_NAME")

    def event(self) -> dict[str, Any]:
        """The event's payload.

        Raises:
            UsageError: there is none, which is so outside of a workflow.
        """
        path = self.get("GITHUB_EVENT_PATH")
        try:
            data = json.loads(Path(path).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot read the event {path!r}: {error}", "run this in a workflow") from error
        return data if isinstance(data, dict) else {}

    @property
    def run_url(self) -> str:
        """The page of this run of the workflow."""
        server, name, run = self.get("GITHUB_SERVER_URL"), self.get("GITHUB_REPOSITORY"), self.get("GITHUB_RUN_ID")
        return f"{server}/{name}/actions/runs/{run}" if server and name and run else ""

    def output(self, name: str, value: str) -> None:
        """Set an output. The delimiter is random, so that no value can end it and set another output."""
        path = self.get("GITHUB_OUTPUT")
        if not path:
            return
        delimiter = f"end-{secrets.token_hex(16)}"
        with open(path, "a", encoding="utf-8", errors="replace") as file:
            file.write(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")

    def summary(self, markdown: str) -> None:
        """Add to the job's summary."""
        path = self.get("GITHUB_STEP_SUMMARY")
        if path:
            with open(path, "a", encoding="utf-8", errors="replace") as file:
                file.write(markdown.encode()[:SUMMARY_LIMIT].decode("utf-8", "ignore") + "\n")

    def log(self, line: str) -> None:
        """Print a line to the log."""
        self._write(line)

    def error(self, message: str) -> None:
        """Show an error on the run's page."""
        self._write(f"::error title=fix-issue::{_data(message)}")

    def notice(self, message: str) -> None:
        """Show a notice on the run's page."""
        self._write(f"::notice title=fix-issue::{_data(message)}")

    @contextmanager
    def untrusted_output(self) -> Iterator[None]:
        """While this is open, nothing that is printed to the log is taken as a command of the workflow."""
        token = secrets.token_hex(16)
        self._write(f"::stop-commands::{token}")
        try:
            yield
        finally:
            self._write(f"::{token}::")


_ADVICE = "\n\nWhat to do: "


def failure_text(message: str, hint: str) -> str:
    """A cause of several lines and what to do about it, as one output for the next job."""
    return message.strip() + (_ADVICE + hint.strip() if hint.strip() else "")


def parted_failure(text: str) -> tuple[str, str]:
    """The cause and what to do about it."""
    message, found, hint = text.rpartition(_ADVICE)
    return (message.strip(), hint.strip()) if found else (text.strip(), "")


def _log(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def moment(text: str | None) -> datetime | None:
    """A time as the API writes it; None when there is none."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None


def _data(text: str) -> str:
    """Escape what follows a workflow command, as the runner's own toolkit does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
