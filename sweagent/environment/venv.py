"""The same recipe as a virtual environment beside the copy of the repository, for sandboxes without an engine.

Nothing of the repository runs on the host: packages come as wheels only, in one start of pip, and the repository itself
is put on the path instead of being installed.
"""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from sweagent.environment.borrow import borrowed_files
from sweagent.environment.engine import Log
from sweagent.environment.interpreters import find_executable, find_interpreter, pack_interpreter
from sweagent.environment.recipe import WORKDIR, Recipe
from sweagent.environment.registry import HOST, python_index
from sweagent.environment.registry_server import serve_registry
from sweagent.environment.registry_settings import read_registry_settings
from sweagent.errors import EnvironmentBuildError
from sweagent.model import Frozen
from sweagent.repository import make_seed
from sweagent.task import Repository

_PIP_TIMEOUT = 1800.0


class Venv(Frozen):
    """A virtual environment that is ready, or as ready as this machine allows."""

    folder: str
    """The folder that sandboxes must be able to read, at the same path."""
    environment: dict[str, str]
    """Variables that commands need."""
    test_command: str
    steps: tuple[str, ...] = ()


def ensure_venv(recipe: Recipe, repository: Repository, folder: Path, *, log: Log, home_hidden: bool = True) -> Venv:
    """Make the virtual environment of a recipe.

    Args:
        recipe: from `discover`.
        repository: the repository at the recipe's commit, to see where its packages lie.
        folder: an empty folder that sandboxes can read.
        log: receives lines for people.
        home_hidden: the sandbox does not see this machine's home folders, so an interpreter from there is copied.

    Raises:
        EnvironmentBuildError: this machine has no Python at all.
    """
    if recipe.ecosystem != "python":
        step = f"{recipe.ecosystem} projects use what is installed on this machine"
        log(step)
        return Venv(folder=str(folder), environment={}, test_command=recipe.test_command.value, steps=(step,))
    executable, steps = _interpreter(recipe, folder, home_hidden)
    venv = folder / "venv"
    variables = _library_path(executable, folder)
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
    steps += _install(recipe, executable, variables, packages, log)
    _compile(venv / "bin/python", packages, variables)
    # The copy lies at another path in the bubblewrap sandbox than in the local one, where this line is idle.
    roots = _roots(repository)
    (packages / "repository.pth").write_text("".join(f"{root}\n" for root in roots))
    environment = variables | {
        "VIRTUAL_ENV": str(venv),
        "PATH": f"{venv}/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
        "PYTHONPATH": ":".join(roots),
        "PYTHONUNBUFFERED": "1",
    }
    return Venv(folder=str(folder), environment=environment, test_command=recipe.test_command.value, steps=tuple(steps))


def _interpreter(recipe: Recipe, folder: Path, home_hidden: bool) -> tuple[Path, list[str]]:
    """An interpreter that a sandbox can see: the system's, or a copy of one that lies in somebody's home."""
    for minor in (recipe.toolchain.value, *recipe.toolchain.alternatives):
        executable = find_executable(minor)
        if executable is None:
            continue
        if not home_hidden or str(executable).startswith(("/usr/", "/bin/")):
            return executable, [f"Python {minor} of this machine: ok"]
        found = find_interpreter(minor)
        if found is not None:
            with tarfile.open(fileobj=io.BytesIO(pack_interpreter(found, compiled=True))) as archive:
                archive.extractall(folder, filter="tar")
            return folder / "opt/python/bin" / f"python{minor}", [f"Python {found.version} copied: ok"]
    system = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
    if system is None:
        raise EnvironmentBuildError("this machine has no Python for sandboxes", "install python3, or use Docker")
    step = f"Python {recipe.toolchain.value} is wanted and not on this machine; {system} is used"
    return Path(system), [step]


def _library_path(executable: Path, folder: Path) -> dict[str, str]:
    library = folder / "opt/python/lib"
    return {"LD_LIBRARY_PATH": str(library)} if executable.is_relative_to(folder) else {}


def _packages_folder(venv: Path) -> str:
    return str(next((venv / "lib").glob("python*/site-packages")))


def _install(recipe: Recipe, executable: Path, variables: dict[str, str], packages: Path, log: Log) -> list[str]:
    wanted = [line.value for line in recipe.requirements]
    if not wanted:
        return ["nothing to install: ok"]
    minor = packages.parent.name.removeprefix("python")
    log(f"installing {len(wanted)} packages beside the copy")
    with serve_registry("127.0.0.1", read_registry_settings()) as port:
        options = [
            "--target",
            str(packages),
            "--no-compile",
            "--only-binary",
            ":all:",
            "--python-version",
            minor,
            "--no-cache-dir",
        ]
        index = ["--trusted-host", HOST, "--index-url", python_index(recipe.cutoff), "--retries", "1"]
        command = [sys.executable, "-I", "-m", "pip", "install", "--quiet", "--implementation", "cp", *options, *index]
        # Only what pip needs: neither keys nor the user's pip configuration.
        environment = {"PATH": os.defpath, "http_proxy": f"http://127.0.0.1:{port}", "PIP_CONFIG_FILE": os.devnull}
        failed: list[str] = []
        if _pip([*command, *wanted], environment):
            return [f"{len(wanted)} packages as wheels: ok"]
        log("not all packages can be installed together as wheels; trying each")
        failed = [item for item in wanted if not _pip([*command, item], environment)]
    steps = [f"{len(wanted) - len(failed)} packages as wheels: ok"]
    return steps + [_borrow(item, packages) for item in failed]


def _compile(python: Path, packages: Path, variables: dict[str, str]) -> None:
    """Compile the packages once, by the interpreter that will import them: sandboxes cannot keep what they compile."""
    command = [str(python), "-I", "-S", "-m", "compileall", "-q", "-q", str(packages)]
    environment = {"PATH": os.defpath, **variables}
    subprocess.run(command, capture_output=True, check=False, env=environment, timeout=_PIP_TIMEOUT, cwd=os.sep)


def _pip(command: list[str], environment: dict[str, str]) -> bool:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=_PIP_TIMEOUT, cwd=os.sep
    )
    return done.returncode == 0


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


def _roots(repository: Repository) -> list[str]:
    """Where in the copy packages lie: in the root, and in `src` or `lib` when these hold packages."""
    files = make_seed(repository).files
    folders = [
        folder
        for folder in ("src", "lib")
        if any(name.startswith(f"{folder}/") and name.endswith(".py") for name in files)
    ]
    return [*(f"{WORKDIR}/{folder}" for folder in folders), WORKDIR]
