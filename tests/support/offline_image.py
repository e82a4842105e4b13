"""Make a small image from the programs of this machine, without a network: `offline_image.py NAME`.

It holds a shell, coreutils, grep, sed, tar, git, and Python with its standard library and pytest.
"""

import importlib.metadata
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = """
    sh bash dash [ awk base64 basename cat chmod chown cp cut date dd df diff dirname du echo env expr false find git
    grep head hostname id kill less ln ls mkdir mkfifo mknod mktemp more mount mv nohup nproc od printenv printf
    ps pwd readlink realpath rm rmdir sed seq setsid sha256sum sleep sort stat stty sync tail tar tee test timeout
    touch tr true truncate tty uname uniq unshare wc which xargs yes
"""
DISTRIBUTIONS = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")
LEFT_OUT = {
    "test",
    "tests",
    "site-packages",
    "dist-packages",
    "idlelib",
    "tkinter",
    "ensurepip",
    "__pycache__",
    "lib2to3",
}
MERGED = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib32": "usr/lib32", "lib64": "usr/lib64"}
TEMPLATES = "usr/share/git-core/templates"
PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
GROUP = "root:x:0:\nnogroup:x:65534:\n"


def main(name: str) -> None:
    """Make the image and give it a name."""
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w", dereference=True) as archive:
            _fill(archive)
        file.seek(0)
        subprocess.run(
            ["docker", "import", "-c", "ENV PATH=/usr/local/bin:/usr/bin:/usr/sbin", "-", name],
            stdin=file,
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=120,
        )


def _fill(archive: tarfile.TarFile) -> None:
    for link, target in MERGED.items():
        entry = tarfile.TarInfo(link)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        archive.addfile(entry)
        _folder(archive, target, 0o755)
    for name, mode in (
        ("tmp", 0o1777),
        ("var/tmp", 0o1777),
        ("root", 0o700),
        ("proc", 0o755),
        ("sys", 0o755),
        (TEMPLATES, 0o755),
    ):
        _folder(archive, name, mode)
    _text(archive, "etc/passwd", PASSWD)
    _text(archive, "etc/group", GROUP)
    programs = {f"usr/bin/{name}": Path(path) for name in PROGRAMS.split() if (path := shutil.which(name))}
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    interpreter = Path(sys.base_prefix, "bin", version)
    programs |= {f"usr/local/bin/{name}": interpreter for name in ("python3", "python", version)}
    library = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix, "base": sys.base_prefix}))
    _python(archive, library, f"usr/local/lib/{version}")
    needed = {path.resolve() for path in programs.values()} | set(library.glob("lib-dynload/*.so"))
    for name, path in {**programs, **dict(_libraries(needed))}.items():  # type: ignore[assignment]
        archive.add(path.resolve(), arcname=name, filter=_plain)


def _python(archive: tarfile.TarFile, library: Path, place: str) -> None:
    for folder, folders, files in os.walk(library):
        folders[:] = [name for name in folders if name not in LEFT_OUT and not name.startswith("config-")]
        for name in files:
            path = Path(folder, name)
            archive.add(path, arcname=f"{place}/{path.relative_to(library)}", filter=_plain)
    for distribution in DISTRIBUTIONS:
        for file in importlib.metadata.files(distribution) or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                archive.add(file.locate(), arcname=f"{place}/site-packages/{file}", filter=_plain)


def _libraries(programs: set[Path]) -> Iterator[tuple[str, Path]]:
    listed = subprocess.run(["ldd", *map(str, sorted(programs))], capture_output=True, text=True, check=False).stdout
    for match in re.findall(r"(?:=> )?(/\S+) \(0x", listed):
        top, _, rest = match.lstrip("/").partition("/")
        yield f"{MERGED.get(top, top)}/{rest}", Path(match)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode &= 0o755
    return entry


def _folder(archive: tarfile.TarFile, name: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    archive.addfile(entry)


def _text(archive: tarfile.TarFile, name: str, content: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    archive.addfile(entry, io.BytesIO(content.encode()))


if __name__ == "__main__":
    main(sys.argv[1])
