"""Virtual environment of a recipe, for sandboxes without an engine.

Nothing of the repository runs on the host: packages come as wheels only, and the repository itself is put on the path
instead of being installed. What was made is kept, by all that decides what it holds.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from sweagent.atomic_write import write_atomically
from sweagent.environment.bases.interpreters import Interpreter, find_executable, find_interpreter, pack_interpreter
from sweagent.environment.build.venv_install import install
from sweagent.environment.contacted_hosts import Contacts
from sweagent.environment.docker_build import Log, one_at_a_time, state_folder
from sweagent.environment.missing import Lack
from sweagent.environment.recipe import WORKDIR, Recipe
from sweagent.environment.registry.settings import read_registry_settings
from sweagent.errors import EnvironmentBuildError
from sweagent.frozen import Frozen
from sweagent.repository import make_seed
from sweagent.task import Repository

_FORMAT = 1
"""Of what is kept; another number makes all anew."""

_KEPT = 20
_KEPT_SECONDS = 2 * 24 * 3600
"""Environments that stay: so many, and those that a run that still goes on may use."""

_READY = "ready.json"


class Venv(Frozen):
    """A virtual environment that is ready, or as ready as this machine allows."""

    folder: str
    """The folder that sandboxes must be able to read, at the same path."""
    environment: dict[str, str]
    """Variables that commands need."""
    test_command: str
    steps: tuple[str, ...] = ()
    lacks: tuple[Lack, ...] = ()
    """What the collection of the tests showed to be missing; see `venv_collection`."""


def ensure_venv(recipe: Recipe, repository: Repository, folder: Path, *, log: Log, shut: bool = True) -> Venv:
    """Make the virtual environment of a recipe, or find one that was made of the same.

    Args:
        recipe: from `discover`.
        repository: the repository at the recipe's commit, to see where its packages lie.
        folder: a folder of the caller's that sandboxes can read, used where what is kept cannot be; emptied first.
        log: receives lines for people.
        shut: for bubblewrap, inside which all steps are run: its sandboxes cannot write to what is kept. Others get a
            copy in `folder`, made by this machine's own pip.

    Raises:
        EnvironmentBuildError: this machine has no Python at all.
        SandboxError: bubblewrap does not start.
    """
    if recipe.ecosystem != "python":
        step = f"{recipe.ecosystem} projects use what is installed on this machine"
        log(step)
        return Venv(folder=str(folder), environment={}, test_command=recipe.test_command.value, steps=(step,))
    found = _find_interpreter(recipe, shut)
    if "is not on this machine" in found.step or "is wanted" in found.step:
        log(found.step.removesuffix(": ok"))
    roots = _roots(repository)
    key = _key(recipe, found, roots, shut)
    with one_at_a_time(f"venv-{key}"):
        place = _made_before(key)
        if place is None:
            place = _new_place(key)
            contacts = Contacts()
            steps = _make(recipe, found, place, roots, contacts, log, shut)
            if contacts.complete:
                # What a registry did not give this time it may give the next.
                write_atomically(place / _READY, json.dumps(steps))
        else:
            steps = [*json.loads((place / _READY).read_text("utf-8")), "made before: ok"]
        if not shut:
            # A poorer environment of the same task may lie there.
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(place, folder, symlinks=True)
            place = folder
    return Venv(
        folder=str(place),
        environment=_environment(place, roots),
        test_command=recipe.test_command.value,
        steps=tuple(steps),
    )


@dataclass(frozen=True)
class _Found:
    """An interpreter that a sandbox can see: one of the system, or one of a home folder to copy."""

    executable: Path
    copied: Interpreter | None
    step: str


def _find_interpreter(recipe: Recipe, shut: bool) -> _Found:
    for minor in (recipe.toolchain.value, *recipe.toolchain.alternatives):
        executable = find_executable(minor)
        if executable is None:
            continue
        wanted = recipe.toolchain.value
        instead = "" if minor == wanted else f", the nearest that the project allows: {wanted} is not on this machine"
        if not shut or str(executable).startswith(("/usr/", "/bin/")):
            return _Found(executable, None, f"Python {minor} of this machine{instead}: ok")
        found = find_interpreter(minor)
        if found is not None:
            copied = f"Python {found.version} copied{instead}: ok"
            return _Found(Path("opt/python/bin", f"python{minor}"), found, copied)
    system = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
    if system is None:
        raise EnvironmentBuildError("this machine has no Python for sandboxes", "install python3, or use Docker")
    step = f"Python {recipe.toolchain.value} is wanted and not on this machine; {system} is used"
    return _Found(Path(system), None, step)


def _key(recipe: Recipe, found: _Found, roots: list[str], shut: bool) -> str:
    """A hash of all that decides what an environment holds."""
    real = (found.copied.executable if found.copied else found.executable).resolve()
    data = {
        "format": _FORMAT,
        "requirements": [line.value for line in (*recipe.requirements, *recipe.added)],
        "cutoff": str(recipe.cutoff),
        "indexes": read_registry_settings().python_indexes,
        "interpreter": [str(real), real.stat().st_mtime_ns, found.copied is not None],
        "borrowed from": [sys.prefix, sys.version],
        "roots": roots,
        "shut": shut,
    }
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:20]


def _made_before(key: str) -> Path | None:
    """The folder of an environment that was made whole and is kept."""
    for ready in sorted((state_folder() / "venvs").glob(f"{key}-*/{_READY}")):
        os.utime(ready.parent)
        return ready.parent
    return None


def _new_place(key: str) -> Path:
    """A folder of its own, so that nobody else's is ever touched; those that were not used for long make room."""
    folder = state_folder() / "venvs"
    folder.mkdir(exist_ok=True)
    used = sorted(((place.stat().st_mtime, place) for place in folder.iterdir()), reverse=True)
    for moment, place in used[_KEPT:]:
        if time.time() - moment > _KEPT_SECONDS:
            shutil.rmtree(place, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{key}-", dir=folder))


def _make(
    recipe: Recipe, found: _Found, folder: Path, roots: list[str], contacts: Contacts, log: Log, shut: bool
) -> list[str]:
    if found.copied is not None:
        with tarfile.open(fileobj=io.BytesIO(pack_interpreter(found.copied, compiled=True))) as archive:
            archive.extractall(folder, filter="tar")
    executable, venv = folder / found.executable, folder / "venv"
    variables = _library_path(folder)
    command = [str(executable), "-I", "-m", "venv", "--without-pip", str(venv)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | variables, timeout=120, cwd=os.sep
    )
    if done.returncode != 0:
        raise EnvironmentBuildError(
            f"no virtual environment can be made with {executable}: {done.stderr.strip()[-500:]}",
            "install the interpreter's venv module (on Debian: python3-venv), or use Docker",
        )
    packages = Path(_packages_folder(venv))
    steps = [found.step, *install(recipe, folder, packages, variables, contacts, log, shut=shut)]
    # The copy lies at another path in the bubblewrap sandbox than in the local one, where this line is idle.
    (packages / "repository.pth").write_text("".join(f"{root}\n" for root in roots))
    return steps


def _environment(folder: Path, roots: list[str]) -> dict[str, str]:
    venv = folder / "venv"
    return _library_path(folder) | {
        "VIRTUAL_ENV": str(venv),
        "PATH": f"{venv}/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
        "PYTHONPATH": ":".join(roots),
        "PYTHONUNBUFFERED": "1",
    }


def _library_path(folder: Path) -> dict[str, str]:
    library = folder / "opt/python/lib"
    return {"LD_LIBRARY_PATH": str(library)} if library.is_dir() else {}


def _packages_folder(venv: Path) -> str:
    return str(next((venv / "lib").glob("python*/site-packages")))


def _roots(repository: Repository) -> list[str]:
    """Find the folders of the copy that hold packages: the root, and `src` or `lib` when these do."""
    files = make_seed(repository).files
    folders = [
        folder
        for folder in ("src", "lib")
        if any(name.startswith(f"{folder}/") and name.endswith(".py") for name in files)
    ]
    return [*(f"{WORKDIR}/{folder}" for folder in folders), WORKDIR]
