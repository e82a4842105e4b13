"""Beginning and end of sandboxes: what is refused, what is bounded, what is cleaned up after whom."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sweagent.config import SandboxSettings
from sweagent.errors import SandboxError
from sweagent.sandbox import choose_kind, find_leftovers, open_sandbox, probe, remove_leftovers
from sweagent.sandbox._channel import Ended, Request, Transport, exchange
from sweagent.sandbox._shell import FILE_SECONDS

CONTROLLER = """
import sys
from sweagent.config import SandboxSettings
from sweagent.sandbox import open_sandbox
settings = SandboxSettings(kind=sys.argv[1], image=sys.argv[2] or None)
with open_sandbox(settings, run_id="dies") as sandbox:
    print(sandbox.info.name, flush=True)
    sandbox.run("echo started >&2; sleep 600", timeout=600)
"""


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.docker), "bubblewrap", "local"])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "bubblewrap" and not probe("bubblewrap").works:
        pytest.skip(probe("bubblewrap").problem)
    return str(request.param)


@pytest.fixture
def image(request: pytest.FixtureRequest, kind: str) -> str | None:
    return request.getfixturevalue("offline_image") if kind == "docker" else None


def processes_with(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in entry.read_bytes():
                found.append(entry.parent.name)
        except OSError:
            continue
    return found


def test_leftovers_of_a_killed_controller_are_removed_and_live_ones_are_not(kind: str, image: str | None) -> None:
    with open_sandbox(SandboxSettings(kind=kind, image=image), run_id="lives") as live:  # type: ignore[arg-type]
        controller = subprocess.Popen(
            [sys.executable, "-c", CONTROLLER, kind, image or ""], stdout=subprocess.PIPE, text=True
        )
        assert controller.stdout is not None
        name = controller.stdout.readline().strip()
        assert name
        assert name not in {leftover.name for leftover in find_leftovers()}
        controller.kill()
        controller.wait()
        controller.stdout.close()
        found = find_leftovers()
        assert live.info.name not in {leftover.name for leftover in found}
        mine = [leftover for leftover in found if leftover.name == name]
        assert [leftover.run_id for leftover in mine] == ["dies"]
        assert [name in line for line in remove_leftovers(mine)] == [True]
        assert name not in {leftover.name for leftover in find_leftovers()}
        assert live.run("echo alive").output == "alive\n"


def test_closing_in_mid_command_ends_it_and_leaves_nothing(kind: str, image: str | None) -> None:
    sandbox = open_sandbox(SandboxSettings(kind=kind, image=image), run_id="closes", env={"MARK_OF_CLOSE": "71c3"})  # type: ignore[arg-type]
    sandbox.run("(setsid sleep 600 &)", background=True)
    raised: list[SandboxError] = []

    def wait() -> None:
        try:
            sandbox.run("touch begun; sleep 600", timeout=600)
        except SandboxError as error:
            raised.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    sandbox.close()
    sandbox.close()
    thread.join(30)
    assert not thread.is_alive()
    assert raised
    assert processes_with("MARK_OF_CLOSE=71c3") == []
    assert sandbox.info.name not in {leftover.name for leftover in find_leftovers()}
    assert kind == "docker" or not Path(sandbox.info.name).exists()
    with pytest.raises(SandboxError, match="closed"):
        sandbox.run("true")


def test_a_tree_is_given_as_a_folder_and_the_folder_is_not_touched(
    kind: str, image: str | None, tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("first")
    (tmp_path / "link").symlink_to("sub/a.txt")
    with open_sandbox(SandboxSettings(kind=kind, image=image), tree=tmp_path) as sandbox:  # type: ignore[arg-type]
        assert sandbox.run("cat link; echo second > link; rm -r sub").output == "first"
    assert (tmp_path / "sub" / "a.txt").read_text() == "first"


@pytest.mark.docker
def test_a_missing_image_and_a_missing_engine_are_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SandboxError, match="there is no image no/such:image") as raised:
        open_sandbox(SandboxSettings(kind="docker", image="no/such:image"))
    assert "docker pull" in raised.value.hint
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    with pytest.raises(SandboxError, match="no Docker engine answers") as raised:
        open_sandbox(SandboxSettings(kind="docker", image="no/such:image"))
    assert "\n" not in str(raised.value)
    assert raised.value.hint
    assert not probe("docker").works
    assert all(leftover.kind != "docker" for leftover in find_leftovers())


def test_auto_takes_what_works_and_never_local_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SandboxError, match=r"no Docker engine answers.*; bwrap is not installed"):
        choose_kind("auto")
    assert choose_kind("auto", allow_local=True) == "local"
    assert choose_kind("docker") == "docker"


def test_an_engine_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "s"))
        mute.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 's'}")
        assert "no Docker engine answers" in probe("docker").problem


@pytest.mark.docker
def test_a_container_has_no_rights_and_bounds_on_everything(offline_image: str) -> None:
    settings = SandboxSettings(kind="docker", image=offline_image, memory="200m", pids=50, cpus=0.5)
    with open_sandbox(settings, run_id="hardened") as sandbox:
        status = sandbox.run("grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status; ls /sys/class/net").output
        assert re.findall(r"Cap\w+:\s+(\w+)", status) == ["0" * 16] * 2
        assert re.search(r"NoNewPrivs:\s+1", status)
        assert status.split("\n")[-2] == "lo"
        inspected = json.loads(
            subprocess.run(["docker", "inspect", sandbox.info.name], capture_output=True, check=True).stdout
        )[0]
        host = inspected["HostConfig"]
        assert (host["Memory"], host["MemorySwap"], host["PidsLimit"], host["NanoCpus"]) == (
            200 << 20,
            200 << 20,
            50,
            500_000_000,
        )
        assert host["NetworkMode"] == "none"
        assert not host["Binds"]
        assert not host["Privileged"]
        assert inspected["Config"]["Labels"]["fix-issue.run"] == "hardened"
    packages = settings.model_copy(update={"packages": True})
    with open_sandbox(packages) as sandbox:
        assert sandbox.run("touch f && chown nobody f && stat -c %U f").output == "nobody\n"


@pytest.mark.docker
def test_files_survive_the_end_of_the_container(offline_image: str) -> None:
    with open_sandbox(SandboxSettings(kind="docker", image=offline_image)) as sandbox:
        sandbox.run("echo kept > file; cd /tmp; export X=1")
        subprocess.run(["docker", "kill", sandbox.info.name], check=True, stdout=subprocess.DEVNULL)
        done = sandbox.run("cat file; pwd; echo $X")
        assert done.output == "kept\n/testbed\n\n"
        assert any("started again" in note for note in done.notes)
        killer = threading.Timer(1.0, os.system, [f"docker kill {sandbox.info.name} >/dev/null"])
        killer.start()
        done = sandbox.run("echo begun; sleep 60", timeout=60)
        assert (done.output, done.exit_code, done.timed_out) == ("begun\n", None, False)
        assert "files are kept" in " ".join(done.notes)
        assert sandbox.run("cat file").output == "kept\n"
        subprocess.run(["docker", "rm", "-f", sandbox.info.name], check=True, stdout=subprocess.DEVNULL)
        with pytest.raises(SandboxError, match="gone"):
            sandbox.run("cat file")


@pytest.mark.docker
def test_no_file_is_lost_when_the_container_ends_while_it_is_read_or_written(
    offline_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_sandbox(SandboxSettings(kind="docker", image=offline_image)) as sandbox:
        kill = ["docker", "kill", sandbox.info.name]
        kills = iter([True, False, True, True, False])

        def cut_off(transport: Transport, request: Request, *others: Any, **named: Any) -> Ended:
            if request.timeout >= FILE_SECONDS and next(kills):
                subprocess.run(kill, check=True, stdout=subprocess.DEVNULL)
            return exchange(transport, request, *others, **named)

        monkeypatch.setattr("sweagent.sandbox._shell.exchange", cut_off)
        sandbox.write("kept", b"x" * 100_000)
        assert sandbox.read("kept") == b"x" * 100_000
        assert next(kills, None) is None


@pytest.mark.docker
def test_a_container_ends_itself_when_its_time_is_over(offline_image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweagent.sandbox.docker.LIFETIME", 3)
    with open_sandbox(SandboxSettings(kind="docker", image=offline_image)) as sandbox:
        done = sandbox.run("trap '' TERM HUP; sleep 600", timeout=600)
        assert (done.exit_code, done.timed_out) == (None, False)
        assert sandbox.run("echo alive").output == "alive\n"


@pytest.fixture
def image_without_bash(offline_image: str) -> Iterator[str]:
    name = f"fix-issue-test-sh-{os.getpid()}"
    for command in (
        ["docker", "run", "--name", name, "--network", "none", offline_image, "rm", "/usr/bin/bash"],
        ["docker", "commit", name, name],
        ["docker", "rm", "-f", name],
    ):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    yield name
    subprocess.run(["docker", "rmi", "-f", name], check=True, stdout=subprocess.DEVNULL, timeout=60)


@pytest.mark.docker
def test_a_posix_shell_is_enough(image_without_bash: str) -> None:
    with open_sandbox(SandboxSettings(kind="docker", image=image_without_bash, pids=128)) as sandbox:
        assert sandbox.run("cd /tmp; export A='x\ny'; echo $0").output == "sh\n"
        assert sandbox.run('pwd; echo "$A"').output == "/tmp\nx\ny\n"
        assert sandbox.run("echo 'unclosed").exit_code == 2
        assert sandbox.run("exec false").exit_code == 1
        assert sandbox.run("trap '' TERM; setsid sleep 600 & sleep 600", timeout=1).timed_out
        sandbox.run("b() { b | b & }; b; sleep 600", timeout=1)
        assert sandbox.run("kill -9 -1; echo alive").exit_code is not None
        sandbox.write("file", b"a\0b")
        assert sandbox.read("file") == b"a\0b"
        job = sandbox.run("echo begun; sleep 600", background=True)
        assert sandbox.run(f"until [ -s {job.full_output} ]; do :; done; cat {job.full_output}").output == "begun\n"
        assert sandbox.run("echo alive", env={"X": "1"}).output == "alive\n"


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Gate"]:
    gate = Gate(tmp_path / "engine.sock")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{gate.path}")
    yield gate
    gate.stop()


class Gate:
    """Stands before the engine's socket, and can be shut: to the client the engine has stopped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: list[socket.socket] = []
        self.start()

    def start(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        self.path.unlink()
        for open_socket in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()
        self._open = []

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect("/var/run/docker.sock")
            self._open += [client, engine]
            for source, target in ((client, engine), (engine, client)):
                threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.mark.docker
def test_an_engine_that_restarts_in_mid_command_costs_only_the_command(offline_image: str, gate: Gate) -> None:
    with open_sandbox(SandboxSettings(kind="docker", image=offline_image)) as sandbox:
        sandbox.run("echo kept > file")

        def restart() -> None:
            gate.stop()
            threading.Event().wait(1.0)
            gate.start()

        threading.Timer(0.5, restart).start()
        done = sandbox.run("echo begun; sleep 60", timeout=60)
        assert (done.output, done.exit_code, done.timed_out) == ("begun\n", None, False)
        assert "engine stopped" in " ".join(done.notes)
        assert sandbox.run("cat file").output == "kept\n"


def test_an_interrupt_of_the_controller_reaches_the_caller_and_the_sandbox_closes(kind: str, image: str | None) -> None:
    before = signal.getsignal(signal.SIGALRM)

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    try:
        with open_sandbox(SandboxSettings(kind=kind, image=image), env={"MARK_I": "9a"}) as sandbox:  # type: ignore[arg-type]
            signal.setitimer(signal.ITIMER_REAL, 1.0)
            with pytest.raises(KeyboardInterrupt):
                sandbox.run("touch kept; sleep 600", timeout=600)
            assert sandbox.run("ls").output == "kept\n"
    finally:
        signal.signal(signal.SIGALRM, before)
    assert processes_with("MARK_I=9a") == []


def test_an_engine_that_may_not_be_used_is_told_as_such(tmp_path: Path) -> None:
    """Not as one that is not running: to start it would not help."""
    address = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(address))
        engine.listen()
        address.chmod(0)
        program = "from sweagent.sandbox import probe; found = probe('docker'); print(found.problem, '|', found.hint)"
        # As root, only without the power that lets root open everything.
        drop = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        env = {**os.environ, "DOCKER_HOST": f"unix://{address}"}
        done = subprocess.run(
            [*drop, sys.executable, "-c", program], capture_output=True, text=True, env=env, check=True
        )
    assert "you may not use the Docker engine" in done.stdout
    assert "group" in done.stdout
    assert "start Docker" not in done.stdout


def test_a_fallback_to_bubblewrap_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    if not probe("bubblewrap").works:
        pytest.skip("bubblewrap does not work here")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    notes: list[str] = []
    assert choose_kind("auto", note=notes.append) == "bubblewrap"
    assert len(notes) == 1
    assert "no Docker engine answers" in notes[0]
