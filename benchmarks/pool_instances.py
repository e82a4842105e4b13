"""What the pool judges: instances of a dataset, and source distributions into which one bug is planted."""

import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pool_variants import diff, with_a_dead_function

from sweagent.repository import open_repository
from sweagent.task import Issue, Repository, Task
from sweagent.testing import command_for, runner_of
from sweagent.testing.file_kinds import is_test_module
from sweagent.trajectory import Reproduction
from sweagent.verify.oracle import Oracle
from sweagent.verify.trees import open_trees

TEST_COMMANDS = {"sympy/sympy": "python bin/test", "django/django": "python tests/runtests.py"}
# Always the same commit, so that an environment that was built for it is found again.
_AUTHOR = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "Pool"), ("EMAIL", "pool@example.org"), ("DATE", "1600000000 +0000"))
}


@dataclass(frozen=True)
class Instance:
    """One instance, ready to be judged.

    Attributes:
        task: what the verifier is asked of.
        gold: the patch that is right.
        test_command: how the project runs its tests.
        named_tests: tests that are named to the verifier; for instances without an oracle.
        oracle: what the dataset knows.
    """

    task: Task
    gold: str
    test_command: str
    named_tests: tuple[str, ...] = ()
    oracle: Oracle | None = None

    @property
    def modes(self) -> tuple[str, ...]:
        """What the verifier can be told of this instance."""
        return ("named",) if self.named_tests else ("oracle", "free")


def of_dataset(dataset: Path, git_dirs: str) -> Iterator[Instance]:
    """The instances of a dataset with the fields of SWE-bench whose repository is there.

    Args:
        dataset: one JSON object a line.
        git_dirs: the pattern of the git directories, with {owner} and {name}.
    """
    for line in dataset.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        owner, name = row["repo"].split("/")
        git_dir = Path(git_dirs.format(owner=owner, name=name))
        if not git_dir.is_dir():
            continue
        repository = Repository(
            source=str(git_dir), git_dir=str(git_dir), base_commit=row["base_commit"], name=row["repo"]
        )
        oracle = Oracle(
            fail_to_pass=tuple(json.loads(row["FAIL_TO_PASS"])),
            pass_to_pass=tuple(json.loads(row["PASS_TO_PASS"])),
            test_patch=row["test_patch"],
        )
        title, _, body = row["problem_statement"].partition("\n")
        command = TEST_COMMANDS.get(row["repo"], "python -m pytest")
        task = Task(id=row["instance_id"], repository=repository, issue=Issue(title=title, body=body))
        yield Instance(task, row["patch"], command, oracle=oracle)


def of_archives(archives: Path, folder: Path) -> Iterator[Instance]:
    """Source distributions, each as a repository of one commit in which a function returns nothing; gold mends it.

    Args:
        archives: a folder of `*.tar.gz`.
        folder: where they are unpacked.

    An archive without a function that a test file named after its module calls is left out.
    """
    for archive in sorted(archives.glob("*.tar.gz")):
        name = archive.name.removesuffix(".tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        instance = _with_a_bug(name, folder / name)
        if instance:
            yield instance


def _with_a_bug(name: str, top: Path) -> Instance | None:
    files = {path.relative_to(top).as_posix() for path in top.rglob("*.py")}
    tests = {PurePosixPath(path).name: path for path in files if is_test_module(path)}
    best, path, test, broken = 0, "", "", ""
    for file in sorted(files):
        its_test = tests.get(f"test_{PurePosixPath(file).name.lstrip('_')}")
        if its_test is None or is_test_module(file):
            continue
        calls, changed = with_a_dead_function(_text(top / file), _text(top / its_test))
        if calls > best:
            best, path, test, broken = calls, file, its_test, changed
    if not best:
        return None
    whole = _text(top / path)
    (top / path).write_text(broken, encoding="utf-8")
    for arguments in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-q", "-m", "base"]):
        subprocess.run(["git", "-C", str(top), *arguments], check=True, env={**os.environ, **_AUTHOR})
    repository = open_repository(str(top)).model_copy(update={"name": name})
    task = Task(id=name, repository=repository, issue=Issue(title=f"A function of {path} returns None"))
    command = TEST_COMMANDS["django/django"] if name.lower().startswith("django-") else "python -m pytest"
    return Instance(task, diff({path: broken}, {path: whole}), command, (test,))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def reproduction_of(instance: Instance) -> Reproduction | None:
    """A test file of the test patch, with a command for those of FAIL_TO_PASS that it holds."""
    oracle, runner = instance.oracle or Oracle(), runner_of(instance.test_command)
    wanted = sorted({name.split("[")[0] for name in oracle.fail_to_pass})
    with open_trees(instance.task.repository) as trees:
        tree = trees.apply(oracle.test_patch)
        paths = [change.path for change in trees.changes(trees.base, tree) if change.new]
        contents = {
            path: data.decode("utf-8", "surrogateescape") for path, data in trees.read_many(tree, paths).items()
        }
    for path in filter(is_test_module, contents):
        held = [name for name in wanted if _holds(path, contents[path], name)]
        if held:
            ids = [name if "::" in name else f"{path}::{name}" for name in held]
            command = command_for(runner, ids, test_command=instance.test_command)
            return Reproduction(path=path, content=contents[path], command=command, kind="test")
    return None


def _holds(path: str, content: str, name: str) -> bool:
    return name.startswith(f"{path}::") if "::" in name else f"def {name}(" in content
