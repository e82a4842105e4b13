"""Build a Dockerfile: each `RUN` in a bounded container that is committed.

The engine's own builder cannot bound the processes of a step, nor its disk, nor take its capabilities away. It copies
files and sets variables here, and runs nothing. The Dockerfile is one of our templates: one instruction a line.
"""

import hashlib
import io
import json
import shlex
import tarfile
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sweagent.environment.build import step_container
from sweagent.environment.build.step_container import Bounds, StepEnd
from sweagent.environment.docker_build import LABEL, Log, copy_files
from sweagent.errors import EnvironmentBuildError
from sweagent.notes import BuildOutput
from sweagent.sandbox.identity import owner_labels

_STEP = f"{LABEL}.step"
_SHELL = ("/bin/sh", "-c")
_INSTRUCTIONS = frozenset({"FROM", "SHELL", "ENV", "ARG", "ADD", "COPY", "WORKDIR", "RUN"})


@dataclass(frozen=True)
class Steps:
    """How the steps of a build run.

    Attributes:
        network: for the engine.
        variables: what every step gets and no image keeps, such as the proxy.
        bounds: of each step.
        log: receives lines for people.
    """

    network: str
    variables: Mapping[str, str]
    bounds: Bounds
    log: Log


def build_image(
    api: Any,
    dockerfile: str,
    files: Mapping[str, bytes | Path],
    steps: Steps,
    *,
    tag: str,
    labels: dict[str, str],
) -> str:
    """Build an image and return its id.

    A step that ran before upon the same image, with the same words and arguments, is taken from then.

    Args:
        api: the engine's client.
        dockerfile: its text.
        files: what it copies, by their names; a path is read from this machine.
        steps: how they run.
        tag: the image's name.
        labels: the image's labels.

    Raises:
        EnvironmentBuildError: a step failed; the message ends with the last lines of its output and its command.
    """
    return _Build(api, files, steps).carry_out(dockerfile, tag, labels)


@dataclass
class _Build:
    api: Any
    files: Mapping[str, bytes | Path]
    steps: Steps
    image: str = ""
    shell: tuple[str, ...] = _SHELL
    arguments: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    """Instructions for the engine's builder."""
    known: dict[tuple[str, str], str] | None = None

    def carry_out(self, dockerfile: str, tag: str, labels: Mapping[str, str]) -> str:
        lines = [line for line in dockerfile.splitlines() if line.strip() and not line.startswith("#")]
        deadline = time.monotonic() + step_container.BUILD_SECONDS
        for number, line in enumerate(lines, 1):
            self.steps.log(BuildOutput(f"Step {number}/{len(lines)} : {line}"))
            word, _, rest = line.partition(" ")
            if word not in _INSTRUCTIONS:
                raise EnvironmentBuildError(
                    f"no instruction of a Dockerfile: {line[:200]}", "this is a fault of a template"
                )
            if word == "RUN":
                self._copied()
                self.image = self._ran(rest, deadline)
            elif word == "ARG":
                name, _, value = rest.partition("=")
                self.arguments[name] = "".join(shlex.split(value))
            else:
                self.shell = tuple(json.loads(rest)) if word == "SHELL" else self.shell
                self.waiting.append(line)
        return self._copied(tag=tag, labels=labels)

    def _copied(self, *, tag: str = "", labels: Mapping[str, str] = {}) -> str:
        """Have the engine do what waits; returns the image's id."""
        if self.waiting or tag:
            lines = [f"FROM {self.image}", *self.waiting] if self.image else self.waiting
            self.waiting = []
            with tempfile.TemporaryFile() as context:
                with tarfile.open(fileobj=context, mode="w") as archive:
                    _add(archive, "Dockerfile", "\n".join(lines).encode())
                    for name in _named(lines) & self.files.keys():
                        _add(archive, name, self.files[name])
                context.seek(0)
                self.image = copy_files(self.api, context, tag=tag, labels=labels)
        return self.image

    def _ran(self, text: str, deadline: float) -> str:
        """The image after a command: of an earlier build, or made now."""
        command = [*self.shell, text] if not text.startswith("[") else json.loads(text)
        identity = hashlib.sha256(json.dumps([command, sorted(self.arguments.items())]).encode()).hexdigest()[:32]
        earlier = self._earlier(identity)
        if earlier:
            self.steps.log(BuildOutput("---> Using cache"))
            return earlier
        steps = self.steps
        with step_container.step_container(self.api, self.image, command, steps.network, steps.bounds) as container:
            end = container.run({**self.arguments, **steps.variables}, deadline, steps.log)
            for note in end.notes:
                steps.log(BuildOutput(f"{note}"))
            if end.status != 0:
                raise _failed(end, command)
            return self._committed(container.id, identity)

    def _committed(self, container: str, identity: str) -> str:
        config: dict[str, Any] = dict(self.api.inspect_image(self.image)["Config"])
        # The engine adds the container's labels. Emptied, they name no owner, so that no sandbox that is made of this
        # image is taken for one whose program is gone.
        nobody = dict.fromkeys(owner_labels("environment"), "")
        config["Labels"] = {**(config.get("Labels") or {}), **nobody, _STEP: identity}
        # An empty list, or the engine would take over those of the container.
        config["Entrypoint"] = config.get("Entrypoint") or []
        config["Cmd"] = config.get("Cmd") or ["/bin/sh"]
        made = self.api.commit(container, conf=config, message=f"fix-issue build step {identity}")
        return str(made["Id"])

    def _earlier(self, identity: str) -> str:
        """The image that the same step made of the same image.

        Only the engine says what an image was made of; a label alone could come with anybody's image.
        """
        if self.known is None:
            listed = self.api.images(all=True, filters={"label": _STEP})
            self.known = {
                (image["ParentId"], (image.get("Labels") or {}).get(_STEP, "")): image["Id"] for image in listed
            }
        found = self.known.get((self.image, identity), "")
        if found:
            with suppress(_not_found()):
                self.api.inspect_image(found)
                return found
        return ""


def _named(lines: Iterable[str]) -> set[str]:
    return {line.split()[1] for line in lines if line.startswith(("ADD ", "COPY "))}


def _add(archive: tarfile.TarFile, name: str, content: bytes | Path) -> None:
    """Add a file whose owner and time are always the same, so that the engine knows it again."""
    member = tarfile.TarInfo(name)
    member.mode = 0o644
    if isinstance(content, bytes):
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
        return
    member.size = content.stat().st_size
    with content.open("rb") as file:
        archive.addfile(member, file)


def _failed(end: StepEnd, command: list[str]) -> EnvironmentBuildError:
    """The words are those of the engine's builder, by which remedies know what failed."""
    said = [*end.lines, *end.notes, f"The command '{' '.join(command)}' returned a non-zero code: {end.status}"]
    hint = "see the end of the log above"
    if end.notes:
        hint = "leave out what takes so much under `environment:`, or name an image with --image"
    return EnvironmentBuildError("\n".join(said), hint)


def _not_found() -> type[Exception]:
    from docker.errors import ImageNotFound

    return ImageNotFound
