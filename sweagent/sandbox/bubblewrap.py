"""The bubblewrap sandbox: kernel namespaces without an engine."""

import os
import pwd
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from sweagent.config import SandboxSettings
from sweagent.errors import SandboxError
from sweagent.sandbox._cgroups import BoundGroup
from sweagent.sandbox._channel import Transport, supervisor_arguments
from sweagent.sandbox._folders import fill, remove_folder
from sweagent.sandbox._process import ProcessTransport
from sweagent.sandbox._seccomp import bubblewrap_filter
from sweagent.sandbox._shell import DEFAULT_ENVIRONMENT, ShellSandbox
from sweagent.sandbox.base import SandboxInfo
from sweagent.sandbox.leftovers import claim_folder
from sweagent.sandbox.local import host_environment
from sweagent.sizes import parse_size

_STATE, _OUTPUTS = "/run/fix-issue", "/tmp/fix-issue"  # noqa: S108 - inside the sandbox
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "nix")
_ETC = [
    "alternatives",
    "bash.bashrc",
    "bash_completion*",
    "ca-certificates*",
    "crypto-policies",
    "debian_version",
    "default/locale",
    "dpkg/origins",
    "fonts",
    "gai.conf",
    "ghostscript",
    "group",
    "host.conf",
    "hosts",
    "ImageMagick*",
    "inputrc",
    "java*",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale*",
    "localtime",
    "login.defs",
    "lsb-release",
    "magic*",
    "mailcap",
    "maven/logging",
    "maven/m2.conf",
    "mime.types",
    "mke2fs.conf",
    "mono",
    "networks",
    "nsswitch.conf",
    "os-release",
    "papersize",
    "passwd",
    "perl",
    "php",
    "pki/ca-trust",
    "pki/java",
    "pki/tls/cert.pem",
    "pki/tls/certs",
    "pki/tls/openssl.cnf",
    "profile",
    "protocols",
    "python*",
    "redhat-release",
    "resolv.conf",
    "rpc",
    "ruby*",
    "services",
    "shells",
    "ssl/cert.pem",
    "ssl/certs",
    "ssl/openssl.cnf",
    "static",
    "terminfo",
    "texmf",
    "timezone",
    "ucf.conf",
    "vim",
    "xdg/fontconfig",
    "xml",
]
"""What programs need of `/etc`. All else there is this machine's own: keys, passwords, tokens of registries."""

_TOKENS = (
    *("etc/npmrc", "etc/pip.conf", "etc/gemrc", "lib/node_modules/npm/npmrc", "pip.conf", "condarc", ".condarc"),
    *("credentials", "credentials.toml", ".npmrc", ".yarnrc.yml", ".pypirc", ".netrc", ".env", ".gem/credentials"),
)
"""Where a program's folder may keep the tokens of registries."""
_OF_PREFIX = ("bin", "lib", "lib64", "libexec", "include")


class BubblewrapSandbox(ShellSandbox):
    """The system's programs, read-only, and a writable copy of the work tree, in namespaces of their own.

    Home folders, /var, /run, the temporary folder and most of /etc of this machine are not there. Memory and processes
    are bounded by a control group where one can be made, else by limits of each process.

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
            yield from _shown(path)
        for path in _of_etc():
            yield from _shown(path)
        for path in _secrets(_readable(self._env["PATH"])):
            yield from ("--ro-bind", "/dev/null", str(path))
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


def _shown(path: Path) -> Iterator[str]:
    if path.is_symlink():
        yield from ("--symlink", os.readlink(path), str(path))
    else:
        yield from ("--ro-bind", str(path), str(path))


def _of_etc() -> Iterator[Path]:
    yield from sorted({path for name in _ETC for path in Path("/etc").glob(name)})


def _readable(search: str) -> Iterator[Path]:
    """The system's folders, and those elsewhere that the search path and this Python live in."""
    system = [Path("/", name) for name in _SYSTEM if Path("/", name).exists()]
    yield from system
    seen = set(system)
    programs = [part for entry in search.split(os.pathsep) if entry.endswith("/bin") for part in _parts(Path(entry))]
    for path in (*programs, Path(sys.prefix), Path(sys.base_prefix)):
        inside = any(path == place or place in path.parents for place in seen)
        if path.is_dir() and not inside and path not in _homes() and len(path.parts) > 1:
            seen.add(path)
            yield path


def _secrets(shown: Iterable[Path]) -> Iterator[Path]:
    """Files with tokens in the folders that are shown, and in those right below the folders of programs."""
    below = [folder for place in ("/usr/local", "/opt") for folder in Path(place).glob("*") if folder.is_dir()]
    for prefix in sorted({*shown, Path("/usr/local"), *below, Path(sys.prefix), Path(sys.base_prefix)}):
        yield from (prefix / name for name in _TOKENS if (prefix / name).is_file())


def _parts(programs: Path) -> Iterator[Path]:
    """What the programs of a folder may need: their prefix, but in a home only a part of it.

    `~/bin` must not show the home, nor `~/.local/bin` the keys in `~/.local/share`, nor `~/.cargo/bin` its tokens, nor
    `~/project/tools/bin` what else of a project lies there.
    """
    prefix = programs.parent
    if prefix in _homes():
        yield programs
    elif prefix.parent in _homes() or (prefix / ".git").exists():
        yield from (prefix / name for name in _OF_PREFIX)
    elif not _homes().isdisjoint(prefix.parents):
        yield from sorted(path for path in prefix.glob("*") if not path.name.startswith("."))
    elif len(prefix.parts) > 2:
        yield prefix


@cache
def _homes() -> frozenset[Path]:
    listed = {Path(entry.pw_dir) for entry in pwd.getpwall() if len(Path(entry.pw_dir).parts) > 1}
    return frozenset({Path.home(), Path("/root")} | {place for place in listed if place.parts[1] in ("home", "root")})
