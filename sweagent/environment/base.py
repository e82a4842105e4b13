"""The ladder of base images: what the user named, a registry's image, Debian packages; and interpreters put on top."""

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import yaml

from sweagent.environment.engine import BASES, LABEL, Log, connect, find_image, one_at_a_time, state_folder
from sweagent.environment.host_image import NAME, host_base
from sweagent.environment.interpreters import PREFIX, Interpreter, architecture, find_interpreter, pack_interpreter
from sweagent.environment.recipe import Recipe
from sweagent.errors import EnvironmentBuildError
from sweagent.model import Frozen
from sweagent.resources import resource

_PULL_TIMEOUT = 600.0
_PROBE_TIMEOUT = 20.0
_REGISTRY_IMAGES = {
    "python": "python:{version}-bookworm",
    "node": "node:{version}-bookworm",
    "go": "golang:{version}-bookworm",
    "rust": "rust:{version}-bookworm",
    "java": "maven:3-eclipse-temurin-{version}",
}
_DEBIAN_PYTHON = "3.11"
_MISSING_VERSION = "install that version with pyenv or `uv python install`, or name an image with --image"


class Base(Frozen):
    """An image to start from."""

    name: str
    interpreter: str = "python3"
    """The path of the interpreter of the wanted version in it."""
    of_host: bool = False
    """It holds this machine's files; packages are copied into it, not installed."""
    steps: tuple[str, ...] = ()
    """How it was found or made."""


def ensure_base_image(recipe: Recipe, *, log: Log) -> Base:
    """Find or make the image that a recipe starts from.

    The first of these that works: the image that the recipe names (`host` asks for the last rung); the ecosystem's
    image of that version, present or pulled; an image made from Debian packages, with the interpreter of the host
    copied into it where Debian has another; for Python, an image of this machine's own files.

    Args:
        recipe: what is wanted.
        log: receives lines for people.

    Raises:
        EnvironmentBuildError: none of them works.
    """
    client = connect()
    try:
        if recipe.base == NAME:
            return Base(name=host_base(client, log), of_host=True, steps=("base made of this machine's files",))
        if recipe.base:
            _present_or_pulled(client, recipe.base, log)
            return Base(name=recipe.base, steps=(f"base {recipe.base}, named by the user",))
        wanted = _REGISTRY_IMAGES[recipe.ecosystem].format(version=recipe.toolchain.value or "latest")
        if find_image(client, wanted) is not None or _pull(client, wanted, log):
            return Base(name=wanted, steps=(f"base {wanted} from the registry",))
        try:
            return _offline(client, recipe, log)
        except EnvironmentBuildError as error:
            if recipe.ecosystem != "python" or error.hint == _MISSING_VERSION:
                raise
            step = f"base made of this machine's files, since {error}"
            return Base(name=host_base(client, log), of_host=True, steps=(step,))
    finally:
        client.close()


def _offline(client: Any, recipe: Recipe, log: Log) -> Base:
    debian = debian_image(client, log)
    step = f"base {debian} made from Debian packages: no image registry answers"
    if recipe.ecosystem != "python":
        return Base(name=debian, steps=(step,))
    minor = recipe.toolchain.value
    interpreter = find_interpreter(minor)
    if interpreter is None and minor != _DEBIAN_PYTHON:
        raise EnvironmentBuildError(
            f"there is no Python {minor}: no image registry answers and this machine has none to copy",
            _MISSING_VERSION,
        )
    if interpreter is None:
        return Base(name=debian, interpreter=f"python{minor}", steps=(step,))
    name = _interpreter_image(client, debian, interpreter, log)
    path = f"/{PREFIX}/bin/python{interpreter.minor}"
    return Base(name=name, interpreter=path, steps=(step, f"Python {interpreter.version} copied from this machine"))


def _present_or_pulled(client: Any, name: str, log: Log) -> None:
    if find_image(client, name) is None and not _pull(client, name, log):
        raise EnvironmentBuildError(
            f"the image {name} is not on this machine and cannot be pulled",
            "check its name, log in to its registry with `docker login`, or load it with `docker load`",
        )


def _pull(client: Any, name: str, log: Log) -> bool:
    """Pull an image; a registry that did not answer is not asked again for an hour."""
    import time

    from docker.errors import DockerException

    unreachable = state_folder() / "registry-unreachable"
    if unreachable.exists() and time.time() - unreachable.stat().st_mtime < 3600:
        return False
    log(f"pulling {name}")
    try:
        client.images.pull(*name.rsplit(":", 1)) if ":" in name else client.images.pull(name)
    except DockerException as error:
        log(f"cannot pull {name}: {str(error)[:300]}")
        if not any(word in str(error) for word in ("not found", "manifest unknown", "denied")):
            unreachable.touch()
        return False
    return True


def debian_image(client: Any, log: Log) -> str:
    """The image made from Debian packages, built once.

    Raises:
        EnvironmentBuildError: debootstrap is missing, needs root, or cannot reach the packages.
    """
    plan = yaml.safe_load(resource("environments", "debian.yaml").read_text(encoding="utf-8"))
    digest = hashlib.sha256(repr(plan).encode()).hexdigest()[:12]
    name = f"{BASES}:debian-{plan['suite']}-{architecture()}-{digest}"
    with one_at_a_time(f"base-{digest}"):
        if find_image(client, name) is None:
            _bootstrap(client, name, plan, log)
    return name


def _bootstrap(client: Any, name: str, plan: dict[str, Any], log: Log) -> None:
    program = shutil.which("debootstrap") or "/usr/sbin/debootstrap"
    if not Path(program).exists() or os.geteuid() != 0:
        raise EnvironmentBuildError(
            "no image registry answers, and a base image cannot be made here: that takes debootstrap and root",
            "install debootstrap and run `sudo fix-issue env base` once, or name an image with --image",
        )
    log("no image registry answers: making a base image from Debian packages (once, about two minutes)")
    with tempfile.TemporaryDirectory(prefix="fix-issue-base-") as folder:
        root = Path(folder) / "root"
        include = ",".join(plan["packages"])
        command = [program, "--variant=minbase", f"--include={include}", plan["suite"], str(root), plan["mirror"]]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)
        if done.returncode != 0:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
            raise EnvironmentBuildError(f"debootstrap failed:\n{tail}", "check that Debian's packages can be reached")
        shutil.rmtree(root / "var/cache/apt", ignore_errors=True)
        archive = Path(folder) / "root.tar"
        pack = ["tar", "--numeric-owner", "-C", str(root), "-cf", str(archive), "."]
        subprocess.run(pack, check=True, timeout=600)
        repository, tag = name.split(":")
        changes = [f"LABEL {LABEL}=base", "ENV LANG=C.UTF-8", 'CMD ["bash"]']
        client.api.import_image_from_file(str(archive), repository=repository, tag=tag, changes=changes)


def _interpreter_image(client: Any, debian: str, interpreter: Interpreter, log: Log) -> str:
    digest = hashlib.sha256(f"{debian} {interpreter.version} 1".encode()).hexdigest()[:12]
    name = f"{BASES}:python-{interpreter.version}-{digest}"
    with one_at_a_time(f"base-{digest}"):
        if find_image(client, name) is None:
            log(f"copying Python {interpreter.version} of this machine into a base image")
            library = f"/{PREFIX}/lib"
            dockerfile = (
                f"FROM {debian}\nADD python.tar /\n"
                f"RUN echo {library} > /etc/ld.so.conf.d/python.conf && ldconfig"
                f" && /{PREFIX}/bin/python{interpreter.minor} -c 'import ssl, zlib'\n"
                f"LABEL {LABEL}=base\n"
            )
            files = {"Dockerfile": dockerfile.encode(), "python.tar": pack_interpreter(interpreter)}
            client.images.build(fileobj=context_archive(files), custom_context=True, tag=name, rm=True, forcerm=True)
    return name


def context_archive(files: dict[str, bytes]) -> io.BytesIO:
    """A build context: a tar archive of files whose times and owners are always the same."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(data))
    buffer.seek(0)
    return buffer
