"""Fixtures that several rooms share: git repositories, and a work tree made of plain files."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.append(str(Path(__file__).parent / "support"))

from shared_venvs import SHARED

from sweagent.repository import make_seed, open_repository
from sweagent.task import Repository

_WHO = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "A"), ("EMAIL", "a@example.org"), ("DATE", "1600000000 +0000"))
}


def run_git(*arguments: str | bytes, cwd: Path) -> str:
    """git as a user runs it, but with none of this machine's settings."""
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C", **_WHO}
    # Maintenance in the background would touch the repository while a test looks at it.
    quiet = ["-c", "maintenance.auto=false", "-c", "gc.auto=0"]
    done = subprocess.run(["git", *quiet, *arguments], cwd=cwd, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return os.fsdecode(done.stdout).strip()


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def make_git_repository(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    folder.mkdir(parents=True)
    run_git("init", "-q", "-b", "main", cwd=folder)
    write_files(folder, files)
    run_git("add", "-A", "-f", cwd=folder)
    run_git("commit", "-q", "--allow-empty", "-m", "base", cwd=folder)
    return folder


class PlainTree:
    """A work tree of plain files with a shell: what `extract_patch` needs of a sandbox, without starting one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workdir = str(folder)

    @dataclass(frozen=True)
    class Ended:
        exit_code: int | None
        output: str

    def run(self, command: str, *, timeout: float | None = None, fresh: bool = False) -> "PlainTree.Ended":
        done = subprocess.run(["sh", "-c", command], cwd="/", capture_output=True, timeout=timeout, check=False)
        return self.Ended(done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace"))

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        with open(path, "rb") as file:
            return file.read(-1 if limit is None else limit)

    def write(self, path: str, data: bytes) -> None:
        Path(path).write_bytes(data)


# How long an example takes says more of the machine than of the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


def pytest_configure() -> None:
    """A test run that was put in the background ignores interrupts, and so would all that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without an engine, tests that need one are skipped; where one must be, as in CI, they fail."""
    if item.get_closest_marker("docker") is None:
        return
    problem = engine_problem()
    if problem and os.environ.get("FIX_ISSUE_REQUIRE_DOCKER"):
        pytest.fail(f"a Docker engine must be here: {problem}", pytrace=False)
    elif problem:
        pytest.skip(problem)


@cache
def engine_problem() -> str:
    from sweagent.sandbox import probe

    return probe("docker").problem


@dataclass(frozen=True)
class Workshop:
    """A user's repository, and the seed of it unpacked as a sandbox would have it."""

    user: Path
    repository: Repository
    tree: PlainTree
    cache: Path

    @property
    def path(self) -> Path:
        return self.tree.folder


def of_all_workers(factory: pytest.TempPathFactory) -> Path:
    """The folder of temporary files that the workers of a test run share."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", autouse=True)
def shared_venvs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The folder of virtual environments for `share_venvs`."""
    folder = of_all_workers(tmp_path_factory) / "venvs"
    folder.mkdir(exist_ok=True)
    os.environ[SHARED] = str(folder)


@pytest.fixture(scope="session")
def offline_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a small image made from this machine's own programs, shared by all workers of a test run.

    It has a shell, coreutils, git, and Python with pytest. The last worker removes it.
    """
    shared = of_all_workers(tmp_path_factory)
    name = f"fix-issue-test:{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
    maker = Path(__file__).parent / "support" / "offline_image.py"
    with _counted(shared / "offline-image") as users:
        if users == 1:
            subprocess.run([sys.executable, maker, name], check=True, timeout=200)
    yield name
    with _counted(shared / "offline-image", -1) as users:
        if users == 0:
            subprocess.run(["docker", "rmi", "-f", name], check=False, timeout=60, stdout=subprocess.DEVNULL)


@contextmanager
def _counted(path: Path, change: int = 1) -> Iterator[int]:
    """Count the users of something shared; the lock is held inside."""
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        users = int(file.read() or 0) + change
        yield users
        file.truncate(0)
        file.write(str(users))


@pytest.fixture
def git_command() -> Callable[..., str]:
    return run_git


@pytest.fixture
def git_repository(tmp_path: Path) -> Callable[..., Path]:
    """Make a repository with one commit: `git_repository({"a.py": "x\\n"}, name="repo")`."""

    def make(files: Mapping[str, str | bytes], name: str = "repo") -> Path:
        return make_git_repository(tmp_path / name, files)

    return make


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Callable[..., Workshop]]:
    """Make a user's repository and unpack its seed; each call starts anew."""
    made: list[Path] = []

    def make(files: Mapping[str, str | bytes], prepare: Callable[[Path], object] | None = None) -> Workshop:
        root = tmp_path / f"workshop{len(made)}"
        made.append(root)
        user = make_git_repository(root / "user", files)
        if prepare:
            prepare(user)
        repository = open_repository(str(user), cache_dir=root / "cache")
        seed = make_seed(repository, cache_dir=root / "cache")
        tree = root / "tree"
        with tarfile.open(seed.archive) as archive:
            archive.extractall(tree, filter="tar")
        return Workshop(user, repository, PlainTree(tree), root / "cache")

    yield make
    for root in made:
        shutil.rmtree(root, ignore_errors=True)
