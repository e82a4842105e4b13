"""A run's files without paths of the machine that made them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweagent.batch.drive.user_code import UserCode
from sweagent.run_folder import Result
from sweagent.task import Repository
from sweagent.trajectory import AnyEvent, AttemptStarted, RunStarted
from sweagent.trajectory_file import event_from_line, event_line

TRAJECTORY = "trajectory.jsonl"
RESULT = "result.json"
_FILES = ("patch_file", "proof_file", "withheld_file")
_NAMING = ('"type":"run_started"', '"type":"attempt_started"')
"""Only these events name paths; to read all others too would take long."""


@dataclass(frozen=True)
class Home:
    """A machine's own paths, which portable files get when they arrive there.

    Attributes:
        code: where the user's files are; None says only how many folders there are.
        repository: of the run; None leaves open where it is.
        files: the user's files that the settings were read from.
    """

    code: UserCode | None = None
    repository: Repository | None = None
    files: tuple[str, ...] = ()

    def event(self, event: AnyEvent) -> AnyEvent:
        """An event with the paths of this machine."""
        if isinstance(event, AttemptStarted) and event.settings is not None:
            return event.model_copy(update={"settings": self._settings(event.settings)})
        if not isinstance(event, RunStarted):
            return event
        task = event.task.model_copy(update={"repository": self._moved(event.task.repository)})
        origin = event.origin.model_copy(update={"files": self.files})
        return event.model_copy(update={"task": task, "settings": self._settings(event.settings), "origin": origin})

    def line(self, line: str) -> str:
        """A line of a log with the paths of this machine."""
        if not any(mark in line for mark in _NAMING):
            return line
        return event_line(self.event(event_from_line(line.encode("utf-8", "surrogateescape")))).decode()[:-1]

    def result(self, text: str, folder: str = "") -> str:
        """A run's `result.json` with the paths of this machine.

        Args:
            text: the file.
            folder: where it lies here; empty says only the names of files.
        """
        result = Result.model_validate_json(text)
        said = {name: path for name in _FILES if (path := getattr(result, name)) is not None}
        names = {name: str(Path(folder, Path(path).name)) for name, path in said.items()}
        origin = result.origin.model_copy(update={"files": self.files})
        return result.model_copy(update={"folder": folder, "origin": origin, **names}).model_dump_json(indent=2)

    def file(self, path: str, text: str, folder: Path | None = None) -> str:
        """Any file of an instance's folder with the paths of this machine.

        Args:
            path: in the instance's folder.
            text: the file.
            folder: the instance's, here; None for no machine.
        """
        if path.endswith(RESULT):
            return self.result(text, str((folder / path).parent) if folder else "")
        return "\n".join(map(self.line, text.split("\n"))) if path.endswith(TRAJECTORY) else text

    def _moved(self, repository: Repository) -> Repository:
        if self.repository is not None:
            update = {"git_dir": self.repository.git_dir, "source": self.repository.source}
            return repository.model_copy(update=update)
        is_path = repository.source.startswith(("/", ".", "~", "file:"))
        source = repository.name if is_path else repository.source
        return repository.model_copy(update={"git_dir": "", "source": source})

    def _settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        if self.code is not None:
            return self.code.put_into(settings)
        tools, strategies = settings.get("tool_folders", ()), settings.get("strategy", {}).get("folders", ())
        blank = UserCode(tool_folders=("-",) * len(tools), strategy_folders=("-",) * len(strategies))
        return blank.put_into(settings)


NOWHERE = Home()
"""The form in which files travel."""


def portable_files(files: Mapping[str, str]) -> dict[str, str]:
    """The files of an instance's folder, by path, as they may travel."""
    return {path: NOWHERE.file(path, text) for path, text in files.items()}
