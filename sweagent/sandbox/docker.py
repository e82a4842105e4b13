"""The Docker sandbox: one hardened container a task."""

import contextlib
import io
import shlex
import tarfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from sweagent.config import SandboxSettings
from sweagent.errors import SandboxError
from sweagent.sandbox._channel import Transport, supervisor_arguments
from sweagent.sandbox._seccomp import engine_profile
from sweagent.sandbox._shell import DEFAULT_ENVIRONMENT, ShellSandbox
from sweagent.sandbox.attach import AttachTransport
from sweagent.sandbox.base import SandboxInfo
from sweagent.sandbox.egress import NO_NAME_SERVER, Egress, Seen, open_egress
from sweagent.sandbox.engine import connect, engine_errors
from sweagent.sandbox.identity import PREFIX, owner_labels
from sweagent.sizes import parse_size

STATE, OUTPUTS = "/run/fix-issue", "/tmp/fix-issue"  # noqa: S108 - inside the container
LIFETIME = 24 * 3600
"""Seconds after which a container whose controller never returns ends itself."""

CALL_SECONDS = 30.0
"""What any one call of the engine may take."""

REMOVE_SECONDS = 8.0
_SHELL_UNPACKS = 4 << 20
"""Bytes of an archive that the shell is given first; the engine starts a program of its own for each."""

_ENGINE_BACK_WITHIN = 30.0
_DISK_POLL = 3.0

_OWN_FILTER = "this engine takes no filter of system calls: its own decides which sockets can be made"

PACKAGE_CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETFCAP", "SETGID", "SETUID"]
"""What apt, dpkg and pip need as root; KILL lets the supervisor end what they start under other users."""


class DockerSandbox(ShellSandbox):
    """A container without network and capabilities, with bounds on memory, processes and disk.

    Args:
        settings: bounds and defaults; `image` must be given. With `allow_hosts` there is a way out to these hosts.
        workdir: the work tree's root in the container.
        tree: what the work tree holds at first: a tar archive, its path, or a folder; None keeps the image's.
        run_id: names the run in the container's labels.
        env: variables for all commands.
        relay_image: an image with a `python3`, for the way out to some hosts; else the sandbox's own is tried.
        seen: told of every host that is asked for on that way.

    Raises:
        SandboxError: the engine cannot be reached, there is no such image, or the container does not start.
    """

    def __init__(
        self,
        settings: SandboxSettings,
        *,
        workdir: str,
        tree: bytes | Path | None,
        run_id: str,
        env: Mapping[str, str],
        relay_image: str = "",
        seen: Seen | None = None,
    ) -> None:
        if not settings.image:
            raise SandboxError("the Docker sandbox needs an image", "name one with --image")
        self._api = connect(CALL_SECONDS).api
        self._container = ""
        self._egress: Egress | None = None
        self._disk = parse_size(settings.disk)
        self._filter: tuple[str, ...] = (f"seccomp={engine_profile()}",)
        self._tree, self._run_id, self._env = tree, run_id, {**DEFAULT_ENVIRONMENT, **env}
        with engine_errors(f"the image {settings.image} cannot be used"):
            image = self._image(settings.image)
        self._tree_given = False
        self._image_id: str = image["Id"]
        user = image["Config"].get("User") or "0"
        self._root = user.partition(":")[0] in ("0", "root")
        self._user = "0" if self._root else user
        info = SandboxInfo(
            kind="docker", name="", image=_image_name(settings.image, image), network=settings.network, isolated=True
        )
        super().__init__(settings, info, workdir, OUTPUTS)
        try:
            if settings.allow_hosts and not settings.network:
                images = [image for image in (relay_image, self._image_id) if image]
                told = {"seen": seen} if seen else {}
                self._egress = open_egress(self._api, settings.allow_hosts, images, run_id, **told)
            self._make()
        except BaseException:
            self.close()
            raise

    def _make(self) -> None:
        try:
            self._make_once()
        except SandboxError as error:
            if "seccomp" not in str(error) or not self._filter:
                raise
            # An engine without filters, or one (Podman) that takes none over its API.
            self._filter = ()
            self._discard()
            self._make_once()
            self._info = self._info.model_copy(update={"warnings": (*self._info.warnings, _OWN_FILTER)})

    def _discard(self) -> None:
        if self._transport is not None:
            self._transport.close()
        if self._container:
            with engine_errors("the container cannot be removed"):
                self._api.remove_container(self._container, force=True, v=True)
            self._container = ""

    def _make_once(self) -> None:
        with engine_errors("the container cannot be made"):
            self._create()
            if self._tree is not None:
                self._seed(self._tree)
        self._open()
        if self._tree is not None and not self._root:
            with _archive(self._tree) as archive:
                super().put_tree(archive.read(), self._workdir)
        self._warn()

    def _make_anew(self) -> None:
        if self._tree_given:
            # What the image holds is not the first state then, and may be more than the commands were to see.
            super()._make_anew()
        self._discard()
        self._make()

    def _image(self, name: str) -> dict[str, Any]:
        from docker.errors import ImageNotFound

        try:
            found: dict[str, Any] = self._api.inspect_image(name)
        except ImageNotFound:
            raise SandboxError(f"there is no image {name}", f"get it with: docker pull {name}") from None
        return found

    def _create(self) -> None:
        settings, egress = self._settings, self._egress
        text, arguments = supervisor_arguments(
            state=STATE, outputs=OUTPUTS, workdir=self._workdir, namespace=True, lifetime=LIFETIME
        )
        memory = parse_size(settings.memory)
        limits = [
            {"Name": "fsize", "Soft": self._disk, "Hard": self._disk},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ]
        host = self._api.create_host_config(
            cap_drop=["ALL"],
            cap_add=PACKAGE_CAPABILITIES if settings.packages else [],
            security_opt=["no-new-privileges", *self._filter],
            network_mode=egress.network if egress else "bridge" if settings.network else "none",
            dns=[NO_NAME_SERVER] if egress and egress.own_interface else None,
            dns_opt=["timeout:1", "attempts:1"] if egress and egress.own_interface else None,
            pids_limit=settings.pids,
            mem_limit=memory,
            memswap_limit=memory,
            nano_cpus=int(settings.cpus * 1e9) if settings.cpus else None,
            tmpfs={STATE: "rw,exec,nosuid,nodev,size=32m,mode=1777"},
            log_config={"Type": "none"},
            ulimits=limits,
        )
        made = self._api.create_container(
            self._image_id,
            entrypoint=["/bin/sh", "-c", text, "boot"],
            command=arguments,
            name=f"{PREFIX}-{uuid.uuid4().hex[:12]}",
            user=self._user,
            environment={**self._env, **egress.environment} if egress else self._env,
            labels=owner_labels(self._run_id),
            stdin_open=True,
            working_dir="/",
            healthcheck={"test": ["NONE"]},
            host_config=host,
        )
        self._container = made["Id"]
        said = egress.warnings if egress else ()
        self._info = self._info.model_copy(
            update={"name": self._container[:12], "warnings": (*(made.get("Warnings") or ()), *said)}
        )

    def _warn(self) -> None:
        """Say so when the engine took the bound on memory and does not enforce it."""
        wanted = parse_size(self._settings.memory)
        seen = self.run(
            "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null", fresh=True
        ).output.split()
        if not any(word.isdecimal() and int(word) <= wanted for word in seen):
            warning = f"this engine does not enforce the memory limit of {self._settings.memory}"
            self._info = self._info.model_copy(update={"warnings": (*self._info.warnings, warning)})

    def _connect(self, *, again: bool) -> Transport:
        with engine_errors("the container cannot be started"):
            if again:
                self._stop()
            attached = self._api.attach_socket(
                self._container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            )
            transport = AttachTransport(attached, self._interrupt)
            try:
                self._api.start(self._container)
            except BaseException:
                transport.close()
                raise
            return transport

    def _interrupt(self) -> None:
        with engine_errors("the command cannot be ended"):
            self._api.kill(self._container, "SIGUSR1")

    def _stop(self) -> None:
        """End the container and wait until it has, giving a stopped engine some time to come back."""
        from docker.errors import APIError, NotFound
        from requests.exceptions import RequestException

        deadline = time.monotonic() + _ENGINE_BACK_WITHIN
        while True:
            try:
                with contextlib.suppress(APIError):
                    self._api.kill(self._container)
                self._api.wait(self._container, timeout=10)
                return
            except NotFound:
                raise SandboxError("the container is gone", "something else removed it; start the run again") from None
            except RequestException:
                if time.monotonic() > deadline or self._closed:
                    raise
            threading.Event().wait(0.5)

    def put_tree(self, archive: bytes, path: str) -> None:
        """Unpack a tar archive; see `Sandbox.put_tree`.

        For root through the engine if it is large, or if the shell cannot do it, for want of tar or of a capability.
        """
        self._tree_given = True
        if not self._root:
            super().put_tree(archive, path)
            return
        if len(archive) <= _SHELL_UNPACKS:
            with contextlib.suppress(OSError):
                super().put_tree(archive, path)
                return
        place = self._path(path)
        # By the shell that is there already: the engine takes as long for one folder as for a whole tree.
        made = self.run(f"mkdir -p -- {shlex.quote(place)}", fresh=True)
        with engine_errors("the archive cannot be unpacked"):
            if made.exit_code != 0:
                self._make_folder(place)
            self._unpack(io.BytesIO(archive), place)

    def _seed(self, tree: bytes | Path) -> None:
        self._make_folder(self._workdir)
        if self._root:
            with _archive(tree) as archive:
                self._unpack(archive, self._workdir)

    def _make_folder(self, path: str) -> None:
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as made:
            entry = tarfile.TarInfo(path.strip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755 if self._root else 0o777
            made.addfile(entry)
        data.seek(0)
        self._unpack(data, "/")

    def _unpack(self, archive: IO[bytes], path: str) -> None:
        """Everything becomes the user's: root without capabilities cannot read what others keep to themselves."""
        answer = self._api._put(
            self._api._url("/containers/{0}/archive", self._container),
            params={"path": path, "copyUIDGID": "1" if self._root else "0"},
            data=archive,
        )
        self._api._raise_for_status(answer)

    def _guard(self, done: threading.Event) -> None:
        threading.Thread(target=self._watch_disk, args=(done,), daemon=True, name="fix-issue-disk").start()

    def _watch_disk(self, done: threading.Event) -> None:
        while not done.is_set():
            with contextlib.suppress(SandboxError):
                if self._disk_used() > self._disk and not done.is_set():
                    self._stop_reason = f"ended, as the sandbox's disk is over its limit of {self._settings.disk}"
                    self._asked.set()
                    self._interrupt()
            done.wait(_DISK_POLL)

    def _disk_used(self) -> int:
        with engine_errors("the disk's use is not known"):
            url = self._api._url("/containers/{0}/json", self._container)
            found = self._api._result(self._api._get(url, params={"size": 1}), json=True)
            return int(found.get("SizeRw") or 0)

    def _remove(self) -> None:
        """Remove the container at once; what the engine does not do in time is left to `remove_leftovers`."""
        if self._egress is not None:
            self._egress.close()
        if not self._container:
            return
        with contextlib.suppress(SandboxError), engine_errors("the container cannot be removed"):
            self._api.timeout = REMOVE_SECONDS
            self._api.remove_container(self._container, force=True, v=True)
        self._api.close()


@contextlib.contextmanager
def _archive(tree: bytes | Path) -> Iterator[IO[bytes]]:
    if isinstance(tree, bytes):
        yield io.BytesIO(tree)
    elif tree.is_dir():
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as archive:
            archive.add(tree, arcname=".", filter=_as_root)
        made.seek(0)
        yield made
    else:
        with tree.open("rb") as file:
            yield file


def _as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _image_name(name: str, image: Mapping[str, Any]) -> str:
    digests = image.get("RepoDigests") or ()
    return digests[0] if digests else f"{name} {image['Id'][:19]}"
