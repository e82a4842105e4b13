"""Build an image of this machine's own files, without a registry.

It holds a shell, coreutils, git and the interpreter that runs this program, with pytest and the recipe's packages as
far as they are here. It serves small pure Python projects (the demo is one) where nothing better can be had.
"""

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sweagent.environment.bases.host_packages import borrowed_files
from sweagent.environment.docker_build import BASES, LABEL, Log, one_at_a_time
from sweagent.environment.recipe import WORKDIR, Recipe
from sweagent.errors import EnvironmentBuildError
from sweagent.sandbox.engine import connect, find_image

NAME = "host"
"""The value of `environment.base` that asks for this image."""

_PROGRAMS = (
    "sh", "bash", "env", "cat", "cp", "mv", "rm", "ls", "ln", "mkdir", "rmdir", "touch", "chmod", "chown", "head",
    "tail", "wc", "sort", "uniq", "cut", "tr", "tee", "sed", "grep", "egrep", "awk", "mawk", "find", "xargs", "diff",
    "patch", "git", "git-upload-pack", "tar", "gzip", "sleep", "timeout", "kill", "ps", "date", "stat", "mktemp",
    "readlink", "realpath", "dirname", "basename", "printf", "echo", "test", "true", "false", "expr", "seq", "id",
    "whoami", "uname", "nice", "nohup", "setsid", "stty", "tty", "yes", "dd", "od", "base64", "sha1sum", "sha256sum",
    "cmp", "comm", "paste", "join", "split", "pwd", "which",
)  # fmt: skip
_SKELETON = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/hosts": b"127.0.0.1 localhost\n",
}
_LINKED = ("bin", "sbin", "lib", "lib64", "lib32", "libx32")


def host_base(client: Any, log: Log) -> str:
    """The image of this machine's files, without a repository; made once for an interpreter.

    Raises:
        EnvironmentBuildError: this is not Linux, or a program is missing.
    """
    if sys.platform != "linux":
        raise EnvironmentBuildError(
            "an image of this machine's files can only be made on Linux", "name one with --image"
        )
    identity = f"4 {sys.version} {sys.base_prefix} {os.stat(shutil.which('git') or sys.executable).st_mtime}"
    digest = hashlib.sha256(identity.encode()).hexdigest()[:12]
    name = f"{BASES}:{NAME}-{digest}"
    with one_at_a_time(f"base-{digest}"):
        if find_image(client, name) is None:
            log("making an image of this machine's shell, git and Python")
            changes = [f"LABEL {LABEL}=base", "ENV LANG=C.UTF-8", "ENV PATH=/opt/venv/bin:/usr/bin:/bin", 'CMD ["sh"]']
            repository, tag = name.split(":")
            client.api.import_image_from_data(_root(), repository=repository, tag=tag, changes=changes)
    return name


def relay_image(log: Log) -> str:
    """The image of this machine's files, for a program of ours; empty where it cannot be made.

    Raises:
        SandboxError: no engine answers.
    """
    client = connect()
    try:
        return host_base(client, log)
    except EnvironmentBuildError as error:
        log(f"{error}")
        return ""
    finally:
        client.close()


def packages_archive(recipe: Recipe) -> tuple[bytes, list[str]]:
    """The recipe's packages from this machine as a virtual environment's tree, and what is not here."""
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = f"lib/python{minor}/site-packages"
    buffer, missing = io.BytesIO(), []
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        _add_bytes(archive, "pyvenv.cfg", f"home = {sys.base_prefix}/bin\nversion = {minor}\n".encode())
        for link in ("python", "python3", f"python{minor}"):
            member = tarfile.TarInfo(f"bin/{link}")
            member.type, member.linkname = tarfile.SYMTYPE, str(_interpreter())
            archive.addfile(member)
        roots = f"{WORKDIR}/src\n{WORKDIR}/lib\n{WORKDIR}\n"
        _add_bytes(archive, f"{folder}/repository.pth", roots.encode())
        added: set[str] = set()
        for line in (*recipe.requirements, *recipe.added):
            files = borrowed_files(line.value)
            if files is None:
                missing.append(line.value)
                continue
            for inner, source in files:
                if inner not in added:
                    added.add(inner)
                    archive.add(source, f"{folder}/{inner}", recursive=False, filter=_plain)
    return buffer.getvalue(), missing


def _root() -> bytes:
    """A root file system as a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in (
            "tmp",
            "root",
            "proc",
            "sys",
            "dev",
            "run",
            "etc",
            "usr/bin",
            "usr/lib",
            "var/tmp",
            "opt",
            "home",
        ):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o1777 if folder.endswith("tmp") else 0o755
            archive.addfile(member)
        for link in _LINKED:
            if Path("/", link).is_symlink():
                archive.add(Path("/", link), link)
        for name, data in _SKELETON.items():
            _add_bytes(archive, name, data)
        python = tarfile.TarInfo("usr/bin/python3")
        python.type, python.linkname = tarfile.SYMTYPE, str(_interpreter())
        archive.addfile(python)
        added = {"/usr/bin/python3"}
        for path in _wanted():
            _add(archive, path, added)
    return buffer.getvalue()


def _wanted() -> Iterator[Path]:
    programs = [Path(found) for name in _PROGRAMS if (found := shutil.which(name, path="/usr/bin:/bin:/usr/local/bin"))]
    helpers = Path(
        subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True, cwd=os.sep).stdout.strip()
    )
    yield from programs
    yield from (path for path in helpers.iterdir() if path.name in ("git", "git-sh-setup"))
    for folder in (Path("/usr/share/terminfo"), Path("/lib/terminfo")):
        yield from (path for path in folder.glob("[xdlv]/*") if path.name in ("xterm", "dumb", "linux", "vt100"))
    prefix = Path(sys.base_prefix)
    interpreter = [_interpreter()]
    standard = Path(sysconfig.get_path("stdlib"))
    loaded = [path for path in standard.rglob("*") if path.is_file() and not _unneeded(path.relative_to(standard))]
    shared = list((prefix / "lib").glob("libpython*.so*"))
    yield from (*interpreter, *loaded, *shared)
    compiled = [path for path in loaded if path.suffix == ".so"]
    yield from _libraries([*programs, helpers / "git", *interpreter, *compiled])


def _interpreter() -> Path:
    return Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")


def _libraries(binaries: Iterable[Path]) -> Iterator[Path]:
    """The shared libraries that some programs load."""
    names = [str(path) for path in binaries if path.is_file()]
    listed = subprocess.run(["ldd", *names], capture_output=True, text=True, check=False, cwd=os.sep).stdout
    for match in sorted(set(re.findall(r"(/\S+) \(0x", listed))):
        yield Path(match)


def _unneeded(path: Path) -> bool:
    parts = set(path.parts)
    unused = {
        "site-packages",
        "dist-packages",
        "__pycache__",
        "idlelib",
        "tkinter",
        "turtledemo",
        "lib2to3",
    }
    return bool(parts & unused) or path.parts[0] == "test" or path.parts[0].startswith("config-")


def _add(archive: tarfile.TarFile, path: Path, added: set[str]) -> None:
    """Add a file at its own path, and what it links to."""
    parent = path.parent.resolve()
    place = parent / path.name
    if str(place) in added:
        return
    added.add(str(place))
    if place.is_symlink():
        archive.add(place, str(place).lstrip("/"), recursive=False, filter=_plain)
        _add(archive, parent / os.readlink(place), added)
    elif place.is_file():
        archive.add(place, str(place).lstrip("/"), recursive=False, filter=_plain)


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o644
    archive.addfile(member, io.BytesIO(data))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    # A file that only its owner may read here must be readable for the sandbox's user there; hard links become files.
    member.mode |= 0o444 | (0o111 if member.mode & 0o100 else 0)
    return member
