"""Install packages for a virtual environment, inside bubblewrap where possible."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from sweagent.config import SandboxSettings
from sweagent.environment.bases.host_packages import borrowed_files
from sweagent.environment.contacted_hosts import Contacts
from sweagent.environment.docker_build import Log
from sweagent.environment.recipe import WORKDIR, Recipe
from sweagent.environment.registry.dated_registry import HOST, python_index
from sweagent.environment.registry.proxy import serve_registry
from sweagent.environment.registry.settings import read_registry_settings
from sweagent.plurals import counted
from sweagent.sandbox.bubblewrap import BubblewrapSandbox
from sweagent.sandbox.relay_container import PROGRAM

PIP_SECONDS = 1800.0
_HERE = Path(__file__).parent
_ARCHIVES = (".whl", ".zip", ".tar", ".tgz", ".tbz", ".txz", ".tlz", ".gz", ".bz2", ".xz", ".lz", ".lzma")
_LOCAL = "the local sandbox isolates nothing: this machine's pip fetches wheels for it, and may start no program"


@dataclass(frozen=True)
class _Place:
    """The folder and interpreter with which the steps are run.

    Attributes:
        packages: where packages go, as the steps see it.
        run: runs a command; whether it succeeded.
    """

    packages: str
    run: Callable[[Sequence[str]], bool]


def refusal(requirement: str) -> str:
    """Why a requirement is not installed without Docker; empty when it is.

    A name with versions is asked of the registry. Everything else that pip takes, options, addresses and paths, leads
    to files of somebody's choosing, whose code pip would run to build them.
    """
    if requirement.partition(";")[0].strip().lower().endswith(_ARCHIVES):
        return "pip takes it for a file"
    try:
        url = Requirement(requirement).url
    except InvalidRequirement:
        return "it is no name of a package with versions"
    return "it names an address" if url else ""


def install(
    recipe: Recipe, folder: Path, packages: Path, variables: dict[str, str], contacts: Contacts, log: Log, *, shut: bool
) -> list[str]:
    """Install the requirements of a recipe as wheels, and compile them.

    Args:
        recipe: from `discover`.
        folder: the environment's folder.
        packages: its folder of packages.
        variables: what its interpreter needs.
        contacts: records which hosts answered and which were refused.
        log: receives lines for people.
        shut: inside bubblewrap, with no network but the registry and nothing of the home folder.

    Returns:
        What was done.
    """
    asked = [line.value for line in (*recipe.requirements, *recipe.added)]
    refused = {value: why for value in asked if (why := refusal(value))}
    wanted = [value for value in asked if value not in refused]
    steps = [f"{value}: refused, as {why}: only Docker's builds take such" for value, why in refused.items()]
    for step in steps:
        log(step)
    if not wanted:
        return [*steps, "nothing to install: ok"]
    log(f"installing {counted(len(wanted), 'package')} beside the copy{'' if shut else f'; {_LOCAL}'}")
    opened = _in_bubblewrap(folder, packages, variables, contacts) if shut else _here(packages, contacts)
    with opened as place:
        minor = packages.parent.name.removeprefix("python")
        command = _pip_command(place.packages, minor, recipe)
        failed: list[str] = []
        if not place.run([*command, *wanted]):
            log("not all packages can be installed together as wheels; trying each")
            failed = [value for value in wanted if not place.run([*command, value])]
        place.run([*_compiling(folder), place.packages])
    steps.append(f"{counted(len(wanted) - len(failed), 'package')} as wheels: ok")
    steps += [] if shut else [_LOCAL]
    if failed:
        steps += [_borrow(value, packages) for value in failed]
        compiling = [*_compiling(folder), str(packages)]
        subprocess.run(compiling, capture_output=True, check=False, timeout=PIP_SECONDS, cwd=os.sep)
    return [*steps, *contacts.lines()]


def _pip_command(packages: str, minor: str, recipe: Recipe) -> list[str]:
    return [
        *(sys.executable, "-I", str(_HERE / "quiet_pip.py"), "install", "--quiet", "--implementation", "cp"),
        *("--target", packages, "--no-compile", "--only-binary", ":all:", "--python-version", minor, "--no-cache-dir"),
        *("--trusted-host", HOST, "--index-url", python_index(recipe.cutoff), "--retries", "1"),
    ]


def _compiling(folder: Path) -> list[str]:
    """Compiles packages once, by the interpreter that will import them: sandboxes cannot keep what they compile."""
    return [str(folder / "venv/bin/python"), "-I", "-S", "-m", "compileall", "-q", "-q"]


def python_in_tmp(prefix: Path) -> tuple[Path, ...]:
    """What is to be shown besides of a Python below /tmp, which the sandbox's own /tmp hides.

    Not its whole folder: a `pip.conf` in it may hold tokens.
    """
    if not prefix.is_relative_to("/tmp"):  # noqa: S108 - the sandbox has its own there
        return ()
    return tuple(path for name in ("bin", "lib", "pyvenv.cfg") if (path := prefix / name).exists())


@contextmanager
def _in_bubblewrap(folder: Path, packages: Path, variables: dict[str, str], contacts: Contacts) -> Iterator[_Place]:
    settings = SandboxSettings(kind="bubblewrap", network=False)
    environment = {**variables, "PIP_CONFIG_FILE": os.devnull}
    with tempfile.TemporaryDirectory(prefix="fix-issue-registry-") as door:
        socket = Path(door) / "registry"
        shown = (folder, Path(door), _HERE, PROGRAM.parent, *python_in_tmp(Path(sys.prefix)))
        with (
            serve_registry(socket, read_registry_settings(), contacts),
            BubblewrapSandbox(
                settings, workdir=WORKDIR, tree=None, run_id="environment", env=environment, readable=shown
            ) as sandbox,
        ):
            relay = [sys.executable, "-I", "-S", str(PROGRAM), str(socket), "0"]

            def run(command: Sequence[str]) -> bool:
                return sandbox.run(shlex.join([*relay, *command]), timeout=PIP_SECONDS, fresh=True).exit_code == 0

            yield _Place(f"{WORKDIR}/packages", run)
            made = Path(sandbox.info.name) / "tree/packages"
            if made.is_dir():
                shutil.copytree(made, packages, symlinks=True, dirs_exist_ok=True)


@contextmanager
def _here(packages: Path, contacts: Contacts) -> Iterator[_Place]:
    with serve_registry("127.0.0.1", read_registry_settings(), contacts) as port:
        proxy = f"http://127.0.0.1:{port}"
        # Only what pip needs: neither keys nor the user's pip configuration.
        environment = {
            "PATH": os.defpath,
            "http_proxy": proxy,
            "https_proxy": proxy,
            "PIP_CONFIG_FILE": os.devnull,
        }

        def run(command: Sequence[str]) -> bool:
            done = subprocess.run(
                command, capture_output=True, check=False, env=environment, timeout=PIP_SECONDS, cwd=os.sep
            )
            return done.returncode == 0

        yield _Place(str(packages), run)


def _borrow(requirement: str, packages: Path) -> str:
    files = borrowed_files(requirement)
    if files is None:
        return f"{requirement}: cannot be installed as a wheel and is not on this machine"
    for name, source in files:
        target = packages / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return f"{requirement}: copied from this machine: ok"
