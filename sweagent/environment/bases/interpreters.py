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
_SYSTEM_PREFIXES = ("/", "/usr", "/usr/local")
_UV_SECONDS = 10
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
    """The interpreters of pyenv, uv and similar tools on this machine, newest first, each under a prefix of its own.

    They are looked for where `PYENV_ROOT` and `uv python dir` say, in the usual folders of such tools, and on `PATH`.
    An interpreter that was built for another architecture or needs libraries of its own place is not looked for.
    """
    found = [
        Interpreter(version=match[1], prefix=str(folder))
        for parent in _parents()
        for folder in sorted(parent.iterdir())
        if (match := re.search(r"(?:^|cpython-)(\d+\.\d+\.\d+)(?:$|-)", folder.name)) and not folder.is_symlink()
    ]
    usable = [interpreter for interpreter in found if os.access(interpreter.executable, os.X_OK)]
    known = {os.path.realpath(interpreter.executable) for interpreter in usable}
    usable += [item for item in _on_path() if os.path.realpath(item.executable) not in known]
    return sorted(usable, key=lambda item: tuple(int(part) for part in item.version.split(".")), reverse=True)


def system_minors() -> frozenset[str]:
    """The minor versions that the system itself has, of which none can be copied and all can be used in their place."""
    folders = [f"{prefix.rstrip('/')}/bin" for prefix in _SYSTEM_PREFIXES]
    names = (path.name for folder in folders if os.path.isdir(folder) for path in Path(folder).glob("python3.*"))
    return frozenset(match[1] for name in names if (match := re.fullmatch(r"python(3\.\d+)", name)))


def _parents() -> list[Path]:
    """The folders in which tools put interpreters, each once."""
    named = [os.path.join(os.environ["PYENV_ROOT"], "versions")] if os.environ.get("PYENV_ROOT") else []
    named += [_uv_folder(), *_PARENTS]
    places = [expanded(text) for text in named if text]
    return [place for place in dict.fromkeys(places) if place.is_absolute() and place.is_dir()]


def _uv_folder() -> str:
    """Where uv puts interpreters, as it says itself; empty without uv."""
    if given := os.environ.get("UV_PYTHON_INSTALL_DIR"):
        return given
    uv = shutil.which("uv")
    if uv is None:
        return ""
    try:
        done = subprocess.run(
            [uv, "python", "dir"], capture_output=True, text=True, timeout=_UV_SECONDS, check=False, cwd=os.sep
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _on_path() -> Iterator[Interpreter]:
    """Those on `PATH` under a prefix of their own: not the system's, and no virtual environment's."""
    seen: set[str] = set()
    for folder in os.get_exec_path():
        if not os.path.isabs(folder) or not os.path.isdir(folder):
            continue
        for path in sorted(Path(folder).glob("python3.*")):
            real = Path(os.path.realpath(path))
            match = re.fullmatch(r"python(3\.\d+)", path.name)
            prefix = real.parent.parent
            if match is None or str(real) in seen or str(prefix) in _SYSTEM_PREFIXES or real.parent.name != "bin":
                continue
            seen.add(str(real))
            version = _version(real)
            if version.startswith(f"{match[1]}.") and (prefix / "bin" / path.name).exists():
                yield Interpreter(version=version, prefix=str(prefix))


def _version(path: Path) -> str:
    """What an interpreter says of its version, where its library lies under the prefix that it is found in."""
    code = "import os, sys; print('%d.%d.%d' % sys.version_info[:3], os.path.realpath(sys.base_prefix))"
    try:
        done = subprocess.run(
            [path, "-I", "-c", code], capture_output=True, text=True, timeout=20, check=False, cwd=os.sep
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    version, _, prefix = done.stdout.strip().partition(" ")
    return version if prefix == str(path.parent.parent) else ""


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
