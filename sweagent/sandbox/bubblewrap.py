"""The bubblewrap sandbox: namespaces of the kernel around programs of this machine, without an engine."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from sweagent.config import SandboxSettings
from sweagent.errors import SandboxError
from sweagent.sandbox._cgroups import BoundGroup
from sweagent.sandbox._channel import Transport, supervisor_arguments
from sweagent.sandbox._folders import fill, remove_folder
from sweagent.sandbox._process import ProcessTransport
from sweagent.sandbox._seccomp import bubblewrap_filter
from sweagent.sandbox._shell import DEFAULT_ENVIRONMENT, ShellSandbox
from sweagent.sandbox._sizes import parse_size
from sweagent.sandbox.base import SandboxInfo
from sweagent.sandbox.leftovers import claim_folder
from sweagent.sandbox.local import host_environment

_STATE, _OUTPUTS = "/run/fix-issue", "/tmp/fix-issue"  # noqa: S108 - inside the sandbox
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "opt", "nix")
_SECRETS = ("etc/shadow", "etc/gshadow", "etc/shadow-", "etc/gshadow-", "etc/sudoers", "etc/krb5.keytab")
_SECRET_FOLDERS = ("etc/ssh", "etc/ssl/private", "etc/docker", "etc/kubernetes", "etc/sudoers.d", "etc/wireguard")


class BubblewrapSandbox(ShellSandbox):
    """The system's programs, read-only, and a writable copy of the work tree, in namespaces of their own.

    Home folders, /var, /run and the temporary folder of this machine are not there. Memory and processes are bounded
    by a control group where one can be made, else by limits of each process.

    Args:
        settings: bounds and defaults.
        workdir: the work tree's root inside.
        tree: what the work tree holds at first: a tar archive, its path, or a folder that is copied.
        run_id: names the run in the folder's note.
        env: further variables.
        readable: further folders of this machine that are shown at the same path.

    Raises:
        SandboxError: bubblewrap is missing or does not work here.
    """

    def __init__(
        self,
        settings: SandboxSettings,
        *,
        workdir: str,
        tree: bytes | Path | None,
        run_id: str,
        env: Mapping[str, str],
        readable: tuple[Path, ...] = (),
    ) -> None:
        program = shutil.which("bwrap")
        if program is None:
            raise SandboxError("bubblewrap is not installed", "install the package bubblewrap")
        self._program = program
        self._shown = readable
        self._folder = claim_folder("bubblewrap", run_id)
        self._group = BoundGroup(self._folder.name, memory=parse_size(settings.memory), pids=settings.pids)
        info = SandboxInfo(
            kind="bubblewrap", name=str(self._folder), network=settings.network, warnings=self._group.warnings
        )
        super().__init__(settings, info, workdir, _OUTPUTS)
        self._env = {**host_environment(), **DEFAULT_ENVIRONMENT, "HOME": "/tmp/home", **env}  # noqa: S108
        try:
            for name in ("tree", "tmp", "tmp/home"):
                (self._folder / name).mkdir()
            fill(self._folder / "tree", tree)
            self._open()
        except BaseException:
            self.close()
            raise

    def _connect(self, *, again: bool) -> Transport:
        text, arguments = supervisor_arguments(
            state=_STATE, outputs=_OUTPUTS, workdir=self._workdir, namespace=True, lifetime=0
        )
        argv = [self._program, *self._namespaces(), "--", "/bin/sh", "-c", text, "boot", *arguments]
        limits = {"RLIMIT_FSIZE": parse_size(self._settings.disk), "RLIMIT_CORE": 0, **self._group.limits}
        try:
            return ProcessTransport(
                argv, self._env, self._folder, limits, self._group.folders, call_filter=bubblewrap_filter()
            )
        except OSError as error:
            raise SandboxError(f"bubblewrap does not start: {error}", "see `fix-issue doctor`") from error

    def _namespaces(self) -> Iterator[str]:
        yield from ("--unshare-all", "--as-pid-1", "--die-with-parent", "--new-session", "--info-fd", "INFO_FD")
        yield from ("--cap-drop", "ALL", "--hostname", "sandbox")
        if bubblewrap_filter():
            yield from ("--seccomp", "FILTER_FD")
        if self._settings.network:
            yield "--share-net"
        for path in _readable(self._env["PATH"]):
            if path.is_symlink():
                yield from ("--symlink", os.readlink(path), str(path))
            else:
                yield from ("--ro-bind", str(path), str(path))
        for name in _SECRETS:
            if Path("/", name).exists():
                yield from ("--ro-bind", "/dev/null", f"/{name}")
        for name in _SECRET_FOLDERS:
            if Path("/", name).is_dir():
                yield from ("--tmpfs", f"/{name}")
        yield from ("--proc", "/proc", "--dev", "/dev", "--size", "33554432", "--tmpfs", "/run", "--dir", "/var/tmp")  # noqa: S108
        yield from ("--bind", str(self._folder / "tmp"), "/tmp")  # noqa: S108 - inside the sandbox
        for path in self._shown:
            yield from ("--ro-bind", str(path), str(path))
        yield from ("--bind", str(self._folder / "tree"), self._workdir, "--chdir", "/")

    def _remove(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self._group.remove()
        remove_folder(self._folder)


def _readable(search: str) -> Iterator[Path]:
    """The system's folders, and those elsewhere that the search path and this Python live in."""
    system = [Path("/", name) for name in _SYSTEM if Path("/", name).exists()]
    yield from system
    seen = set(system)
    programs = [Path(entry).parent for entry in search.split(os.pathsep) if entry.endswith("/bin")]
    for path in (*programs, Path(sys.prefix), Path(sys.base_prefix)):
        inside = any(path == place or place in path.parents for place in seen)
        if path.is_dir() and not inside and len(path.parts) > 2:
            seen.add(path)
            yield path
