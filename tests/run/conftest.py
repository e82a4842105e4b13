"""A project that is ready at once, a model behind HTTP that makes two attempts, and commands that can be killed."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "support"))

from openai_server import Behaviour, OpenAIServer, answer, call, completion
from priced_provider import MODEL, Commands, commands_in

PROJECT = {"go.mod": "module shapes\n", "area.sh": "echo $(($1 + $2))\n"}
ISSUE = "area() adds\n\n`sh area.sh 2 3` gives 5 and should give 6."
WEAK = 'test "$(sh area.sh 2 3)" = 6\n'
STRONG = WEAK + 'test "$(sh area.sh 4 5)" = 20\n'
TRIES = {
    0.0: ("$1 + $2 + 1", "weak.sh", WEAK),
    0.5: ("$1 * $2", "strong.sh", "set -e\n" + STRONG),
    1.0: ("$1 - $2", "other.sh", WEAK),
    1.5: ("$1 + $2 + 2", "two.sh", 'test "$(sh area.sh 2 2)" = 6\n'),
}
"""By temperature: what the model makes of the sum, and how it shows the issue."""


@dataclass
class Model:
    """Answers by the temperature and the step; each answer is charged the same."""

    asked: Counter[tuple[float, int]] = field(default_factory=Counter)

    def respond(self, request: dict[str, Any]) -> Behaviour:
        step = sum(message["role"] == "assistant" for message in request["messages"])
        temperature = request.get("temperature", 0.0)
        self.asked[temperature, step] += 1
        new, name, shows = TRIES[temperature]
        steps: list[tuple[str, dict[str, Any]]] = [
            ("reproduce", {"path": name, "content": shows, "command": f"sh {name}"}),
            ("edit", {"command": "str_replace", "path": "area.sh", "old": "$1 + $2", "new": new}),
        ]
        tool, arguments = steps[step] if step < len(steps) else ("submit", {"summary": name})
        usage = {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100}
        return answer(completion(tool, [call(tool, arguments, f"call_{step}")], usage=usage))


@dataclass
class World:
    """Where runs are made."""

    folder: Path
    project: Path
    commands: Commands
    model: Model
    server: OpenAIServer

    def settings(self, name: str, **options: Any) -> Path:
        path = self.folder / "settings.yaml"
        model = {"name": MODEL, "max_output_tokens": 1_500, "temperature": 0.0}
        limits = {"cost": options.pop("cost", 3.0)}
        strategy = {"name": name, "folders": options.pop("folders", []), "options": options}
        said = {"model": model, "limits": limits, "strategy": strategy, "verify": {"rounds": 0}, "hints": False}
        path.write_text(json.dumps(said))
        return path

    def solve(self, settings: Path, run: str, *more: str, kill_at: int | None = None) -> int:
        fixed = [self.project, ISSUE, "--sandbox", "local", "--output", self.folder / run, "--config", settings]
        return self.commands.run([*fixed, "--api-base", self.server.url, *more], kill_at=kill_at)

    def resume(self, run: str, *more: str) -> int:
        return self.commands.run(["resume", self.folder / run, *more])

    def result(self, run: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / run / "result.json").read_text())
        return found


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands_in(tmp_path_factory.mktemp("strategies")) as running:
        yield running


@pytest.fixture
def world(commands: Commands, git_repository: Callable[..., Path], tmp_path: Path) -> Iterator[World]:
    model = Model()
    with OpenAIServer(model.respond) as server:
        yield World(tmp_path, git_repository(PROJECT, name="shapes"), commands, model, server)
