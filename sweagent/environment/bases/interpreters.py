"""Find interpreters on the host to copy or to use."""

import io
import os
import platform
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

from sweagent.frozen import Frozen
from sweagent.home import expanded

PREFIX = "opt/python"
"""Where a copied interpreter lies in an image."""

_PARENTS = ("~/.pyenv/versions", "~/.local/share/uv/python", "/opt/python", "/opt/hostedtoolcache/Python")
_LEFT_OUT = re.compile(
    r"(^|/)(site-packages/.+|__pycache__|idlelib|turtledemo|config-[^/]+/.*\.a|[^/]+\.a|lib2to3/tests|(distutils|unittest|"
    r"ctypes|sqlite3|tkinter)/tests?|test/(?!__init__\.py$|support(/|$|\.py$)).+)(/|$)"
)


class Interpreter(Frozen):
    """A CPython on the host, installed under a prefix of its own."""

    version: str
    """For example `3.9.18`."""
    prefix: str

    @property
    def minor(self) -> str:
        """The version's first two numbers, such as `3.9`."""
        return ".".join(self.version.split(".")[:2])

    @property
    def executable(self) -> Path:
        """The interpreter's path on the host."""
        return Path(self.prefix) / "bin" / f"python{self.minor}"


def host_interpreters() -> list[Interpreter]:
    """The interpreters of pyenv, uv and similar tools on this machine, newest first.

    An interpreter that was built for another architecture or needs libraries of its own place is not looked for.
    """
    found = [
        Interpreter(version=match[1], prefix=str(folder))
        for parent in (expanded(text) for text in _PARENTS)
        if parent.is_dir()
        for folder in sorted(parent.iterdir())
        if (match := re.search(r"(?:^|cpython-)(\d+\.\d+\.\d+)(?:$|-)", folder.name)) and not folder.is_symlink()
    ]
    usable = [interpreter for interpreter in found if os.access(interpreter.executable, os.X_OK)]
    return sorted(usable, key=lambda item: tuple(int(part) for part in item.version.split(".")), reverse=True)


def find_interpreter(minor: str) -> Interpreter | None:
    """The newest interpreter of a minor version (`3.9`) on this machine that lies under a prefix of its own."""
    return next((item for item in host_interpreters() if item.minor == minor), None)


def find_executable(minor: str) -> Path | None:
    """An interpreter of a minor version on this machine, the system's own included."""
    found = find_interpreter(minor)
    if found is not None:
        return found.executable
    path = shutil.which(f"python{minor}")
    return Path(path) if path and _answers(path, minor) else None


def pack_interpreter(interpreter: Interpreter, *, compiled: bool = False) -> bytes:
    """A tar archive that unpacks at `/` to the interpreter under `/opt/python`, without packages and its own tests.

    Args:
        interpreter: what to pack.
        compiled: with the byte code of the library, and the times of the files by which it is found valid.
    """
    buffer = io.BytesIO()
    root = Path(interpreter.prefix)
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(_kept(root, compiled)):
            name = f"{PREFIX}/{path.relative_to(root)}"
            member = archive.gettarinfo(path, name)
            changed = member.mtime
            member = _anonymous(member)
            member.mtime = changed if compiled else 0
            if member.isfile():
                with path.open("rb") as content:
                    archive.addfile(member, content)
            else:
                archive.addfile(member)
    return buffer.getvalue()


class Node(Frozen):
    """The Node of this machine, with its npm."""

    version: str
    executable: str
    npm: str
    """The folder of the npm package."""


def find_node() -> Node | None:
    """The Node of this machine, when npm lies beside it."""
    executable, npm = shutil.which("node"), shutil.which("npm")
    if executable is None or npm is None:
        return None
    done = subprocess.run(
        [executable, "--version"], capture_output=True, text=True, timeout=20, check=False, cwd=os.sep
    )
    match = re.fullmatch(r"v(\d+\.\d+\.\d+)\s*", done.stdout)
    folder = Path(npm).resolve().parents[1]
    if match is None or not (folder / "package.json").is_file():
        return None
    return Node(version=match[1], executable=str(Path(executable).resolve()), npm=str(folder))


def pack_node(node: Node) -> bytes:
    """A tar archive that unpacks at `/` to Node and npm under `/usr/local`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(node.executable, "usr/local/bin/node", filter=_anonymous)
        archive.add(node.npm, "usr/local/lib/node_modules/npm", filter=_anonymous)
        for name in ("npm", "npx"):
            link = tarfile.TarInfo(f"usr/local/bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, f"../lib/node_modules/npm/bin/{name}-cli.js"
            archive.addfile(link)
    return buffer.getvalue()


def architecture() -> str:
    """The machine's architecture as Debian names it."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _kept(root: Path, compiled: bool) -> Iterator[Path]:
    for folder in ("bin", "lib", "include"):
        for path in (root / folder).rglob("*"):
            relative = str(path.relative_to(root))
            is_script = folder == "bin" and not re.fullmatch(r"python[\d.]*m?", path.name)
            judged = relative.replace("__pycache__/", "") if compiled else relative
            if is_script or _LEFT_OUT.search(judged):
                continue
            if path.is_dir() and not path.is_symlink():
                continue
            yield path


def _answers(path: str, minor: str) -> bool:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([path, "-c", code], capture_output=True, text=True, timeout=20, check=False, cwd=os.sep)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == minor


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member
