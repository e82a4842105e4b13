"""Whole batches by the command line, in containers, against a model behind HTTP."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sweagent.batch.data.predictions import read_predictions
from sweagent.batch.drive.outcomes import Outcome, read_results
from sweagent.trajectory import ActionDone
from sweagent.trajectory_file import read_events

sys.path.append(str(Path(__file__).parents[1] / "support"))

import batch_world as world
from engine_proxy import EngineProxy
from openai_server import Behaviour, OpenAIServer

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


@dataclass
class World:
    """A repository with its instances, a model's server, and batches in one folder."""

    folder: Path
    server: OpenAIServer
    image: str
    base: str
    engine: str = ""
    pids: list[int] = field(default_factory=list)

    @property
    def output(self) -> Path:
        return self.folder / "out"

    def write(self, total: int, **changes: Any) -> Path:
        records = [world.record(number, self.folder / "shapes", self.base, **changes) for number in range(total)]
        return world.write_data(self.folder / "data.jsonl", records)

    def start(self, *options: str, image: bool = True) -> subprocess.Popen[str]:
        chosen = ("--image", self.image) if image else ()
        command = world.batch_command(self.folder / "data.jsonl", self.output, self.server, *chosen, *options)
        variables = {"DOCKER_HOST": self.engine} if self.engine else {}
        process = subprocess.Popen(
            command,
            env=world.batch_environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        )
        self.pids.append(process.pid)
        return process

    def run(self, *options: str, image: bool = True) -> tuple[int, str]:
        process = self.start(*options, image=image)
        out, err = process.communicate(timeout=400)
        return process.returncode, out + err

    def containers(self) -> list[str]:
        """Containers that any of the batches left behind."""
        listed = [
            subprocess.run(
                ["docker", "ps", "-a", "-q", "--filter", f"label=fix-issue.pid={pid}"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
            for pid in self.pids
        ]
        return [name for names in listed for name in names]


@pytest.fixture
def acme(tmp_path: Path, offline_image: str) -> Iterator[World]:
    base = world.make_repository(tmp_path / "shapes")
    with world.model() as server:
        yield World(tmp_path, server, offline_image, base)


def when(
    server: OpenAIServer, moments: dict[int, Callable[[], None]], then: Callable[[dict[str, Any]], Behaviour]
) -> None:
    """Do something when the model is asked for the n-th time, before it answers."""
    lock = threading.Lock()
    count = 0

    def respond(request: dict[str, Any]) -> Behaviour:
        nonlocal count
        with lock:
            count += 1
            act = moments.get(count)
        if act:
            act()
        return then(request)

    server.default = respond


def json_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.json") if path.is_file()]


def test_every_instance_runs_once_and_the_agent_learns_no_secret(acme: World) -> None:
    acme.write(3)

    code, said = acme.run("-w", "2")
    again, _ = acme.run("-w", "2")

    assert (code, again) == (0, 0), said
    assert set(world.asked(acme.server).values()) == {1}
    assert len(acme.server.requests) == 6
    predictions = read_predictions(acme.output)
    assert sorted(predictions) == [f"acme__shapes-{number}" for number in range(3)]
    for number in range(3):
        assert f"+    return width * height  # {number}" in predictions[f"acme__shapes-{number}"].model_patch
    assert {result.outcome for result in read_results(acme.output).values()} == {Outcome.UNGRADED}
    assert json.loads((acme.output / "summary.json").read_text())["left"] == []
    told = json.dumps(acme.server.requests)
    assert "SECRET" not in told
    assert "FUTURE" not in told
    assert acme.containers() == []


def test_kills_and_a_restarted_engine_change_nothing_but_the_time(acme: World, tmp_path: Path) -> None:
    acme.write(4)
    processes: list[subprocess.Popen[str]] = []

    def kill() -> None:
        processes[-1].send_signal(signal.SIGKILL)

    with EngineProxy(tmp_path / "engine.sock") as engine:
        acme.engine = engine.url
        when(acme.server, {2: kill, 4: lambda: engine.cut(1.0), 6: kill}, world.solving)
        codes = []
        while not codes or codes[-1] < 0:
            finished = set(read_results(acme.output))
            asked_before = world.asked(acme.server)
            processes.append(acme.start("-w", "2"))
            said = "".join(processes[-1].communicate(timeout=400))
            codes.append(processes[-1].returncode)
            asked_now = world.asked(acme.server)
            # What had ended was not run again.
            for name in finished:
                number = int(name.rpartition("-")[2])
                assert all(asked_now[number, step] == asked_before[number, step] for step in range(2))
            for file in json_files(acme.output):
                json.loads(file.read_text(encoding="utf-8"))
            assert acme.containers() == []

    assert codes == [-signal.SIGKILL, -signal.SIGKILL, 0], said
    results = read_results(acme.output)
    assert [result.outcome for result in results.values()] == [Outcome.UNGRADED] * 4
    predictions = read_predictions(acme.output)
    for number in range(4):
        name = f"acme__shapes-{number}"
        assert f"+    return width * height  # {number}\n" in predictions[name].model_patch
        ends = [json.loads(file.read_text()) for file in (acme.output / name).glob("run-*/result.json")]
        assert [end["exit_status"] for end in ends].count("submitted") == 1


def test_first_interrupt_keeps_the_patches_and_the_next_start_goes_on(acme: World) -> None:
    acme.write(3)
    processes: list[subprocess.Popen[str]] = []
    when(acme.server, {3: lambda: processes[-1].send_signal(signal.SIGINT)}, world.solving)

    processes.append(acme.start("-w", "2"))
    said = "".join(processes[-1].communicate(timeout=400))

    assert processes[-1].returncode == 130, said
    assert "go on with the same command" in said
    assert acme.containers() == []
    started = sorted(path.parent.parent.name for path in acme.output.glob("*/run-1/trajectory.jsonl"))
    assert 0 < len(started) < 3
    for name in started:
        result = json.loads((acme.output / name / "run-1" / "result.json").read_text())
        assert result["exit_status"] == "interrupted"
        assert "return width * height" in (acme.output / name / "run-1" / "patch.diff").read_text()

    code, said = acme.run("-w", "2")

    assert code == 0, said
    assert len(read_predictions(acme.output)) == 3
    assert set(world.asked(acme.server).values()) == {1}


def test_second_interrupt_ends_at_once_and_leaves_no_container(acme: World) -> None:
    acme.write(2)
    processes: list[subprocess.Popen[str]] = []
    # The second reply never comes, so that only the second signal can end the batch soon.
    when(
        acme.server,
        {2: lambda: processes[-1].send_signal(signal.SIGINT)},
        lambda request: Behaviour(hang=True) if world.step_of(request) else world.solving(request),
    )

    processes.append(acme.start("-w", "1"))
    said = processes[-1].stderr
    assert said is not None
    assert any("stopping" in line for line in said), "the first signal is acknowledged"
    processes[-1].send_signal(signal.SIGINT)
    processes[-1].communicate(timeout=400)

    assert processes[-1].returncode == 130
    assert acme.containers() == []


def test_provider_that_refuses_is_infrastructure_and_is_run_again(acme: World) -> None:
    acme.write(2)
    solving = acme.server.default
    acme.server.default = lambda _: Behaviour(status=401, body=b'{"error": {"message": "bad key"}}')

    code, said = acme.run("-w", "1", "--retries", "0")

    assert code == 10, said
    results = read_results(acme.output)
    assert {result.outcome for result in results.values()} == {Outcome.INFRASTRUCTURE}
    assert read_predictions(acme.output) == {}

    acme.server.default = solving
    code, said = acme.run("-w", "1")

    assert code == 0, said
    assert {result.outcome for result in read_results(acme.output).values()} == {Outcome.UNGRADED}
    assert len(read_predictions(acme.output)) == 2


def test_work_tree_from_an_official_image_has_no_future(acme: World) -> None:
    acme.write(1, version="1.0")
    official = "sweb.eval.x86_64.acme__shapes-0:latest"
    commands = "git log --all --oneline; git fsck --unreachable; git rev-list --all --count; git tag; ls .git; cat *.py"

    script = [
        {"thought": "look", "actions": [{"bash": {"command": commands}}]},
        {"thought": "done", "actions": [{"submit": {"summary": "x"}}]},
    ]
    (acme.folder / "script.json").write_text(json.dumps(script))
    with tagged(official, acme.image, acme.folder / "shapes"):
        code, said = acme.run("--policy", str(acme.folder / "script.json"), image=False)

    assert code == 0, said
    result = read_results(acme.output)["acme__shapes-0"]
    assert result.image == official
    assert result.image_bytes > 0
    log = acme.output / "acme__shapes-0" / "run-1" / "trajectory.jsonl"
    (seen,) = [
        event.observation.text
        for event in read_events(log)
        if isinstance(event, ActionDone) and "base" in event.observation.text
    ]
    assert "return width + height" in seen
    assert "FUTURE" not in seen
    assert "width * height" not in seen


class tagged:  # noqa: N801 - reads as a context manager
    """An image of a name that holds a repository at /testbed, with all of its history."""

    def __init__(self, name: str, base: str, repository: Path) -> None:
        self._name, self._base, self._repository = name, base, repository

    def __enter__(self) -> None:
        made = docker("create", self._base, "true")
        try:
            docker("cp", f"{self._repository}/.", f"{made}:/testbed")
            docker("commit", "--change", "WORKDIR /testbed", made, self._name)
        finally:
            docker("rm", "-f", made)

    def __exit__(self, *_: object) -> None:
        docker("rmi", "-f", self._name)


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.strip()
