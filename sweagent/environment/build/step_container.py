"""Run one build step in a container with a sandbox's bounds."""

import secrets
import shlex
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sweagent.environment.docker_build import Log
from sweagent.errors import EnvironmentBuildError, SandboxError
from sweagent.notes import BuildOutput
from sweagent.sandbox._seccomp import engine_profile
from sweagent.sandbox.attach import AttachTransport
from sweagent.sandbox.docker import PACKAGE_CAPABILITIES
from sweagent.sandbox.engine import engine_errors, engine_failures
from sweagent.sandbox.identity import owner_labels
from sweagent.sizes import format_size

BUILD_SECONDS = 3600.0
"""What one attempt to build may take."""

MOST_LINES = 20_000
"""Lines of one step that are passed on; a step may print without end."""

_LONGEST_LINE = 4000
_KEPT_LINES = 60
_DISK_POLL = 5.0
_DISK_SHARE = 20
"""The watch over the disk rests this many times as long as the engine took to measure it."""

_SUPERVISOR = Path(__file__).with_name("build_step.sh")


@dataclass(frozen=True)
class Bounds:
    """What a build step may take.

    Attributes:
        memory: bytes, with swap.
        pids: processes and threads.
        disk: bytes that it may write.
        cpus: processors; None for all.
        quota: the engine's storage keeps the bound on disk; otherwise it is watched.
        filtered: the engine takes our filter of system calls; otherwise it uses its own.
    """

    memory: int
    pids: int
    disk: int
    cpus: float | None = None
    quota: bool = False
    filtered: bool = True

    def host_config(self) -> dict[str, Any]:
        """The arguments of docker-py's `create_host_config` for a container that has these bounds."""
        return {
            "security_opt": ["no-new-privileges", *((f"seccomp={engine_profile()}",) if self.filtered else ())],
            "pids_limit": self.pids,
            "mem_limit": self.memory,
            "memswap_limit": self.memory,
            "nano_cpus": int(self.cpus * 1e9) if self.cpus else None,
            "ulimits": [
                {"Name": "fsize", "Soft": self.disk, "Hard": self.disk},
                {"Name": "core", "Soft": 0, "Hard": 0},
            ],
            "storage_opt": {"size": str(self.disk)} if self.quota else None,
            # The engine would write what a step prints to the disk of this machine.
            "log_config": {"Type": "none"},
        }


@dataclass
class StepEnd:
    """How a build step ended.

    Attributes:
        status: the exit status of its command.
        lines: the end of its output.
        notes: which bounds it met, in plain words.
    """

    status: int = 0
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))
    notes: list[str] = field(default_factory=list)


class StepContainer:
    """A container for one step; the caller commits or drops it.

    Args:
        api: the engine's client.
        image: the id of the image that the step starts from.
        command: the step's words.
        network: as the engine names it.
        bounds: of the step.
    """

    def __init__(self, api: Any, image: str, command: Sequence[str], network: str, bounds: Bounds) -> None:
        self._api, self._bounds = api, bounds
        host = api.create_host_config(
            network_mode=network, cap_drop=["ALL"], cap_add=PACKAGE_CAPABILITIES, **bounds.host_config()
        )
        made = api.create_container(
            image,
            entrypoint=["/bin/sh", "-c", _SUPERVISOR.read_text(encoding="utf-8"), "build-step", *command],
            name=f"fix-issue-step-{uuid.uuid4().hex[:12]}",
            labels=owner_labels("environment"),
            stdin_open=True,
            healthcheck={"test": ["NONE"]},
            host_config=host,
        )
        self.id = str(made["Id"])

    def run(self, variables: Mapping[str, str], deadline: float, log: Log) -> StepEnd:
        """Run the step to its end, or until it is over a bound.

        Args:
            variables: of the command, beside the image's; they do not stay in the image.
            deadline: on the monotonic clock.
            log: receives each line of the output.

        Raises:
            OSError: the connection to the engine broke.
            DockerException, RequestException: the engine fails.
        """
        mark = secrets.token_hex(16)
        attached = self._api.attach_socket(self.id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        transport = AttachTransport(attached, lambda: None, answers=False)
        try:
            self._api.start(self.id)
            exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
            transport.send("".join(f"{line}\n" for line in (mark, *exports, mark)).encode())
            reading = _Reading(mark, log)
            reason = self._follow(transport, reading, deadline)
        finally:
            transport.close()
        return self._ended(reading, reason)

    def _follow(self, transport: AttachTransport, reading: "_Reading", deadline: float) -> str:
        """Read until the step ends by itself, or end it; returns why it was ended."""
        measure_at = time.monotonic() + _DISK_POLL
        while True:
            now = time.monotonic()
            if now > deadline:
                self._kill()
                return f"the build was ended at its limit of {BUILD_SECONDS:.0f} s"
            if now > measure_at:
                if not self._bounds.quota and self._disk_used() > self._bounds.disk:
                    self._kill()
                    bound = format_size(self._bounds.disk)
                    return f"the step was ended: it wrote more than its bound of {bound} to the disk"
                measure_at = time.monotonic() + max(_DISK_POLL, _DISK_SHARE * (time.monotonic() - now))
            received = transport.receive(min(deadline, measure_at) - now + 0.05)
            if received is not None:
                if not received.output:
                    return ""
                reading.take(received.output)

    def _ended(self, reading: "_Reading", reason: str) -> StepEnd:
        reading.finish()
        end = reading.end
        bounds = self._bounds
        if reason:
            end.status, end.notes = 137, [reason]
            return end
        if reading.trailer:
            end.status, memory_kills, refused = reading.trailer
        else:
            self._api.wait(self.id, timeout=60)
            state = self._api.inspect_container(self.id)["State"]
            end.status, memory_kills, refused = int(state["ExitCode"]) or 137, int(bool(state["OOMKilled"])), 0
        if memory_kills:
            end.notes.append(
                f"the step took more than its bound of {format_size(bounds.memory)} of memory: a process was killed"
            )
        if refused:
            end.notes.append(f"the step wanted more than its bound of {bounds.pids} processes and threads at once")
        return end

    def _disk_used(self) -> int:
        with suppress(*engine_failures(OSError)):
            url = self._api._url("/containers/{0}/json", self.id)
            found = self._api._result(self._api._get(url, params={"size": 1}), json=True)
            return int(found.get("SizeRw") or 0)
        return 0

    def _kill(self) -> None:
        from docker.errors import APIError

        with suppress(APIError):
            self._api.kill(self.id)
        self._api.wait(self.id, timeout=60)

    def remove(self) -> None:
        """Remove the container, whatever it does."""
        with suppress(*engine_failures(OSError)):
            self._api.remove_container(self.id, force=True, v=True)


class _Reading:
    """The lines of a step's output, bounded, and what its supervisor says at the end."""

    def __init__(self, mark: str, log: Log) -> None:
        self._mark, self._log = mark, log
        self._rest = b""
        self._passed_on = 0
        self.end = StepEnd()
        self.trailer: tuple[int, int, int] | None = None

    def take(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._line(line)
        if len(self._rest) > _LONGEST_LINE:
            self._line(self._rest)
            self._rest = b""

    def finish(self) -> None:
        self._line(self._rest)
        self._rest = b""

    def _line(self, raw: bytes) -> None:
        line = raw.rstrip(b"\r").decode("utf-8", "replace")
        if line.startswith(self._mark):
            status, memory_kills, refused = (int(word) for word in line.split()[1:4])
            self.trailer = status, memory_kills, refused
            return
        # A progress bar draws one line over and over.
        line = line.rpartition("\r")[2][:_LONGEST_LINE]
        if not line.strip():
            return
        self.end.lines.append(line)
        self._passed_on += 1
        if self._passed_on <= MOST_LINES:
            self._log(BuildOutput(f"{line}"))
        elif self._passed_on == MOST_LINES + 1:
            self._log(BuildOutput("… (more lines are not shown)"))


@contextmanager
def step_container(
    api: Any, image: str, command: Sequence[str], network: str, bounds: Bounds
) -> Iterator[StepContainer]:
    """A container for a step while the block runs.

    Raises:
        EnvironmentBuildError: the engine ended the build.
    """
    try:
        with engine_errors("the engine ended the build"):
            container = StepContainer(api, image, command, network, bounds)
            try:
                yield container
            finally:
                container.remove()
    except SandboxError as error:
        raise EnvironmentBuildError(str(error), error.hint) from error
