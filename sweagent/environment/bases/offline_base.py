"""Build base images from Debian packages, without an image registry."""

import hashlib
import io
import os
import shlex
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sweagent.environment.bases.interpreters import PREFIX, Interpreter, Node, architecture, pack_interpreter, pack_node
from sweagent.environment.docker_build import BASES, LABEL, Log, one_at_a_time
from sweagent.errors import EnvironmentBuildError
from sweagent.resources import resource
from sweagent.sandbox.engine import find_image


@dataclass(frozen=True)
class HostTool:
    """A toolchain of this machine.

    Attributes:
        name: for people and for the image's tag.
        version: its full version.
        check: the shell command that sets it up in the image and fails when it does not run there.
        pack: makes the archive that unpacks at `/`.
    """

    name: str
    version: str
    check: str
    pack: Callable[[], bytes]


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
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800, cwd=os.sep)
        if done.returncode != 0:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
            raise EnvironmentBuildError(f"debootstrap failed:\n{tail}", "check that Debian's packages can be reached")
        shutil.rmtree(root / "var/cache/apt", ignore_errors=True)
        archive = Path(folder) / "root.tar"
        pack = ["tar", "--numeric-owner", "-C", str(root), "-cf", str(archive), "."]
        subprocess.run(pack, check=True, timeout=600, cwd=os.sep)
        repository, tag = name.split(":")
        changes = [f"LABEL {LABEL}=base", "ENV LANG=C.UTF-8", 'CMD ["bash"]']
        client.api.import_image_from_file(str(archive), repository=repository, tag=tag, changes=changes)


def python_image(client: Any, debian: str, interpreter: Interpreter, log: Log) -> str:
    """The Debian image with an interpreter of this machine under `/opt/python`."""
    # The path that was built in leads to the copy too: compilers look there for the headers and the library.
    old = shlex.quote(interpreter.prefix)
    check = (
        f"mkdir -p $(dirname {old}) && ln -s /{PREFIX} {old}"
        f" && echo /{PREFIX}/lib > /etc/ld.so.conf.d/python.conf && ldconfig"
        f" && /{PREFIX}/bin/python{interpreter.minor} -c 'import ssl, zlib'"
    )
    tool = HostTool("python", interpreter.version, check, lambda: pack_interpreter(interpreter))
    return _with_tool(client, debian, tool, log)


def node_image(client: Any, debian: str, node: Node, log: Log) -> str:
    """The Debian image with this machine's Node and npm under `/usr/local`."""
    tool = HostTool("node", node.version, "node --version && npm --version", lambda: pack_node(node))
    return _with_tool(client, debian, tool, log)


def _with_tool(client: Any, debian: str, tool: HostTool, log: Log) -> str:
    digest = hashlib.sha256(f"{debian} {tool.version} 2".encode()).hexdigest()[:12]
    name = f"{BASES}:{tool.name}-{tool.version}-{digest}"
    with one_at_a_time(f"base-{digest}"):
        if find_image(client, name) is None:
            log(f"copying {tool.name} {tool.version} of this machine into a base image")
            dockerfile = f"FROM {debian}\nADD toolchain.tar /\nRUN {tool.check}\nLABEL {LABEL}=base\n"
            context = context_archive({"Dockerfile": dockerfile.encode(), "toolchain.tar": tool.pack()})
            client.images.build(fileobj=context, custom_context=True, tag=name, rm=True, forcerm=True)
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
