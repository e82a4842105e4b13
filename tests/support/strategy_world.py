"""Strategies of a test's own, played with scripts, whose process can be killed at any event."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweagent.config import Settings
from sweagent.repository import open_repository
from sweagent.run_folder import Result, RunFolder
from sweagent.solve import resume, solve
from sweagent.task import Issue, Task
from sweagent.trajectory import AnyEvent
from sweagent.trajectory_file import TrajectoryWriter, read_events

PROJECT = {"go.mod": "module shapes\n", "area.sh": "echo $(($1 + $2))\n", "keep.sh": "echo kept\n"}
SHOWS = 'test "$(sh area.sh 2 3)" = 6\n'


def edits(new: str) -> str:
    return f"area.sh\n<<<<<<< SEARCH\necho $(($1 + $2))\n=======\necho $(({new}))\n>>>>>>> REPLACE\n"


def says(**answer: Any) -> dict[str, Any]:
    return {"actions": [{"answer": answer}]}


HEAD = """
from sweagent.run import CandidateEvidence, Choice, Evidence, Frozen, Message, Run, agreement, best_verdict

class Parameters(Frozen):
    pass

class Edits(Frozen):
    text: str

def asked(text):
    return [Message(role="user", content=text)]

def unjudged(candidates):
    return Evidence(items=tuple(CandidateEvidence(candidate=item) for item in candidates))
"""


class Killed(BaseException):
    """Stands for SIGKILL: nothing is written after it."""


class StrategyWorld:
    """Runs strategies of one's own with scripted policies."""

    def __init__(self, folder: Path, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.task = folder, task
        self._left: int | None = None
        self._asked = folder / "asked"
        plain = TrajectoryWriter.append

        def append(log: TrajectoryWriter, event: AnyEvent) -> None:
            if self._left is not None:
                if self._left <= 0:
                    raise Killed
                self._left -= 1
            plain(log, event)

        monkeypatch.setattr(TrajectoryWriter, "append", append)

    def settings(self, strategy: str, script: Any, **more: Any) -> Settings:
        own, played = self.folder / "own", self.folder / "script.json"
        own.mkdir(exist_ok=True)
        (own / "mine.py").write_text(HEAD + strategy)
        played.write_text(json.dumps(script))
        values = {"hints": False, "verify": {"rounds": 0}, "sandbox": {"kind": "local"}, **more}
        return Settings(policy=str(played), strategy={"name": "mine", "folders": [own]}, **values)  # type: ignore[arg-type]

    def run(self, settings: Settings, name: str = "run", kill_at: int | None = None) -> Result:
        self._left = kill_at
        try:
            return solve(self.task, settings, RunFolder(self.folder / name), run_id="r")
        finally:
            self._left = None

    def events(self, name: str = "run") -> list[AnyEvent]:
        return list(read_events(self.folder / name / "trajectory.jsonl"))

    def killed_everywhere(self, settings: Settings, every: int = 1, first: int = 1) -> Result:
        """Kill at each event, or at some, and resume; each run has to end as the whole one."""
        whole = self.run(settings, "whole")
        events = self.events("whole")
        for number in range(first, len(events), every):
            with pytest.raises(Killed):
                self.run(settings, kill_at=number)
            again = resume(RunFolder(self.folder / "run"))
            assert outcome(again) == outcome(whole), number
            assert patch_of(again) == patch_of(whole), number
            assert steps(self.events()) == steps(events), number
            shutil.rmtree(self.folder / "run")
        return whole


def outcome(result: Result) -> tuple[Any, ...]:
    return result.verdict, result.exit_status, result.attempts, result.steps, result.selection, result.cost


def patch_of(result: Result) -> str:
    return Path(result.patch_file).read_text() if result.patch_file else ""


def steps(events: list[AnyEvent]) -> list[tuple[str, str, str]]:
    """What must not be done twice, by scope."""
    once = ("answer_received", "step_done", "attempt_started", "attempt_ended", "reply_received", "action_done")
    return sorted((event.scope, event.type, getattr(event, "digest", "")) for event in events if event.type in once)


def world_in(folder: Path, git_repository: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> StrategyWorld:
    """A world with a project that is ready at once."""
    project = git_repository(PROJECT, name="shapes")
    issue = Issue(title="area() adds", body="`sh area.sh 2 3` gives 5 and should give 6.")
    return StrategyWorld(folder, Task(id="t", repository=open_repository(str(project)), issue=issue), monkeypatch)


def reproduces(name: str) -> dict[str, Any]:
    return {"actions": [{"reproduce": {"path": name, "content": SHOWS, "command": f"sh {name}"}}]}


def changes(old: str, new: str) -> dict[str, Any]:
    return {"actions": [{"edit": {"command": "str_replace", "path": "area.sh", "old": old, "new": new}}]}


DONE = {"actions": [{"submit": {"summary": "done"}}]}
