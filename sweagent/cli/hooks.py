"""Run the user's hooks and notifications at points of a run."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sweagent.cli.console import safe
from sweagent.config import HookSettings
from sweagent.run_folder import Result, RunFolder
from sweagent.trajectory import ActionDone, AnyEvent, RunStarted

if TYPE_CHECKING:
    from sweagent.batch.drive.outcomes import Outcome

_SECONDS = 60.0
_LOG = "hooks.log"


class Hooks:
    """Follows a run or a batch and runs the commands that the user's own settings name.

    A hook is a shell command of the user's on this machine. It is told of the run by variables; what it prints goes to
    `hooks.log` in the run's folder. One that fails is told and changes nothing.

    Args:
        settings: the user's own; never those of a repository or a log.
        notify: `bell`, `osc9`, a shell command, or nothing.
        folder: of the run or the batch.
        note: told of a hook that failed.
    """

    def __init__(self, settings: HookSettings, notify: str, folder: RunFolder, note: Callable[[str], None]) -> None:
        self._settings, self._notify, self._folder, self._note = settings, notify, folder, note
        self._run_id = folder.path.name

    def __call__(self, event: AnyEvent) -> None:
        """Follow one event."""
        if isinstance(event, RunStarted):
            self._run_id = event.run_id
            self._start(self._settings.on_start, "start")
        elif isinstance(event, ActionDone) and event.observation.submitted:
            self._start(self._settings.on_submit, "submit")

    def ended(self, result: Result) -> None:
        """Say how the run ended."""
        told = {"VERDICT": result.verdict, "EXIT_CODE": str(result.exit_code), "PATCH": result.patch_file or ""}
        self._end(told, f"fix-issue: {result.verdict} ({result.run_id})")

    def batch_started(self) -> None:
        """Say that a batch starts: a batch is one thing to its user, so its instances start no hooks."""
        self._start(self._settings.on_start, "start")

    def batch_ended(self, exit_code: int, outcomes: "Mapping[Outcome, int]") -> None:
        """Say how a batch ended."""
        said = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
        self._end({"EXIT_CODE": str(exit_code), "OUTCOMES": said}, f"fix-issue: {said} ({self._run_id})")

    def _end(self, told: dict[str, str], text: str) -> None:
        self._start(self._settings.on_end, "end", told)
        if self._notify in ("bell", "osc9"):
            self._tell_terminal(text)
        else:
            self._start(self._notify, "notify", told)

    def _tell_terminal(self, text: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\a" if self._notify == "bell" else f"\x1b]9;{safe(text)}\a")
            sys.stderr.flush()

    def _start(self, command: str, event: str, told: dict[str, str] | None = None) -> None:
        if not command:
            return
        variables = {"EVENT": event, "RUN": self._run_id, "FOLDER": str(self._folder.path), **(told or {})}
        environment = os.environ | {f"FIX_ISSUE_{name}": value for name, value in variables.items()}
        try:
            with Path(self._folder.path, _LOG).open("ab") as log:
                done = subprocess.run(
                    ["/bin/sh", "-c", command],
                    cwd=self._folder.path,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    timeout=_SECONDS,
                    check=False,
                    start_new_session=True,
                )
        except (OSError, subprocess.TimeoutExpired) as error:
            self._note(f"the hook on {event} failed: {error}")
            return
        if done.returncode:
            self._note(f"the hook on {event} ended with status {done.returncode}; see {self._folder.path / _LOG}")
