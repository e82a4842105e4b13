"""A temporary git directory of our own.

It reads the objects of another repository through `objects/info/alternates`, writes only to itself, and so never runs
what the other one's configuration says, nor changes it.
"""

import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sweagent.errors import UsageError
from sweagent.git import Argument, GitDone, GitError, git
from sweagent.task import Repository

# What a repository says of how its files are to be diffed is left aside: their content tells whether they are text.
_ATTRIBUTES = b"* !diff\n"


@dataclass(frozen=True)
class TrustedTree:
    """A private git directory with an empty work tree and an index that holds the tree the work starts from.

    Attributes:
        git_dir: the private git directory.
        work_tree: an empty folder beside it.
        tree: the hash of the tree of the base commit with the user's uncommitted changes, if any.
    """

    git_dir: Path
    work_tree: Path
    tree: str

    def git(
        self, *arguments: Argument, stdin: bytes = b"", index: Path | None = None, allowed: tuple[int, ...] = (0,)
    ) -> GitDone:
        """Run git in this directory."""
        return git(
            *arguments, git_dir=self.git_dir, work_tree=self.work_tree, stdin=stdin, index=index, allowed=allowed
        )

    def paths(self) -> tuple[str, ...]:
        """All paths of the tree."""
        names = self.git("ls-tree", "-r", "-z", "--name-only", self.tree).stdout.split(b"\0")
        return tuple(os.fsdecode(name) for name in names if name)

    def read_many(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of files of the tree by path; what is no file there is left out."""
        wanted = [path for path in paths if "\n" not in path]
        names = b"".join(os.fsencode(f"{self.tree}:{path}") + b"\n" for path in wanted)
        stream = io.BytesIO(self.git("cat-file", "--batch", stdin=names).stdout if wanted else b"")
        found = {}
        for path in wanted:
            header = stream.readline().split()
            if len(header) != 3 or header[-1] == b"missing":
                continue
            content = stream.read(int(header[2]))
            stream.read(1)
            if header[1] == b"blob":
                found[path] = content
        return found


@contextmanager
def trusted_tree(repository: Repository) -> Iterator[TrustedTree]:
    """Make a private git directory whose index holds the tree that the work on a repository starts from.

    Raises:
        UsageError: the base commit, or the uncommitted changes, are no longer there.
    """
    with tempfile.TemporaryDirectory(prefix="fix-issue-git-") as folder:
        git_dir, work_tree = Path(folder, "git"), Path(folder, "tree")
        work_tree.mkdir()
        make_git_dir(git_dir, Path(repository.git_dir), repository.base_commit)
        try:
            git("read-tree", f"{repository.base_commit}^{{tree}}", git_dir=git_dir, work_tree=work_tree)
            if repository.dirty_patch:
                patch = repository.dirty_patch.encode("utf-8", "surrogateescape")
                git("apply", "--cached", "-", git_dir=git_dir, work_tree=work_tree, stdin=patch)
            tree = git("write-tree", git_dir=git_dir, work_tree=work_tree).text
        except GitError as error:
            raise UsageError(
                f"the base commit {repository.base_commit} cannot be read: {error}", "check the repository at --base"
            ) from error
        yield TrustedTree(git_dir, work_tree, tree)


@contextmanager
def empty_git_dir() -> Iterator[Path]:
    """A git directory without objects and without settings, for commands that need none but would look for one."""
    with tempfile.TemporaryDirectory(prefix="fix-issue-git-") as folder:
        git_dir = Path(folder, "git")
        _write_git_dir(git_dir, "sha1")
        yield git_dir


def make_git_dir(git_dir: Path, objects_of: Path, commit: str) -> None:
    """Make an empty git directory that reads the objects of another one.

    Args:
        git_dir: the new folder.
        objects_of: the other git directory.
        commit: any full hash of the other one; its length tells the kind of hash.
    """
    _write_git_dir(git_dir, object_format(commit))
    alternates = str(objects_of.resolve() / "objects")
    (git_dir / "objects" / "info" / "alternates").write_text(_quoted(alternates) + "\n", "utf-8", "surrogateescape")
    if (objects_of / "shallow").exists():
        shutil.copy(objects_of / "shallow", git_dir / "shallow")


def object_format(commit: str) -> str:
    """The kind of hash, as git calls it, that a full hash is of."""
    return "sha256" if len(commit) == 64 else "sha1"


def _write_git_dir(git_dir: Path, kind: str) -> None:
    """Do what `git init` does, without starting a process: extraction and delivery make many of these."""
    for folder in ("objects/info", "refs/heads", "info"):
        (git_dir / folder).mkdir(parents=True)
    (git_dir / "HEAD").write_text("ref: refs/heads/main\n")
    (git_dir / "info" / "attributes").write_bytes(_ATTRIBUTES)
    version = "0" if kind == "sha1" else f"1\n[extensions]\n\tobjectFormat = {kind}"
    (git_dir / "config").write_text(f"[core]\n\tbare = false\n\trepositoryFormatVersion = {version}\n")


def dirty_patch(top: Path, own_git_dir: Path, common_dir: Path, commit: str) -> str:
    """The uncommitted changes of a work tree, new files that are not ignored too, as a diff to a commit.

    The work tree and its index are only read: the changes are collected in an index of our own.

    Args:
        top: the work tree's root.
        own_git_dir: its git directory, which holds its index.
        common_dir: the git directory that holds the objects.
        commit: what to compare with.
    """
    with _index_with_changes(top, own_git_dir, common_dir, commit) as tree:
        return textual_diff(tree, "--no-renames")


def dirty_files(top: Path, own_git_dir: Path, common_dir: Path, commit: str) -> tuple[str, ...]:
    """The paths of which `dirty_patch` has the changes."""
    with _index_with_changes(top, own_git_dir, common_dir, commit) as tree:
        names = tree.git("diff-index", "--cached", "--name-only", "--no-renames", "-z", commit, "--").stdout
    return tuple(os.fsdecode(name) for name in names.split(b"\0") if name)


@contextmanager
def _index_with_changes(top: Path, own_git_dir: Path, common_dir: Path, commit: str) -> Iterator[TrustedTree]:
    """A private git directory whose index holds a work tree as it is now."""
    with tempfile.TemporaryDirectory(prefix="fix-issue-git-") as folder:
        git_dir = Path(folder, "git")
        make_git_dir(git_dir, common_dir, commit)
        exclude = common_dir / "info" / "exclude"
        if exclude.is_file():
            shutil.copy(exclude, git_dir / "info" / "exclude")
        # The copied index spares hashing what did not change; one that needs files beside it cannot be copied.
        try:
            shutil.copy(own_git_dir / "index", git_dir / "index")
            git("ls-files", "--error-unmatch", ":/", git_dir=git_dir, work_tree=top, allowed=(0, 1))
        except (OSError, GitError):
            (git_dir / "index").unlink(missing_ok=True)
            git("read-tree", commit, git_dir=git_dir, work_tree=top)
        git("add", "--all", "--ignore-errors", "--", ".", git_dir=git_dir, work_tree=top, allowed=(0, 1))
        yield TrustedTree(git_dir, top, commit)


def textual_diff(tree: TrustedTree, *options: str) -> str:
    """The diff from the tree to the index, as text that is UTF-8 whatever the files hold.

    A file whose lines are not UTF-8 comes as a `GIT binary patch`, like the binary ones.

    Args:
        tree: where; its index holds the new state.
        options: of `git diff-index`, `-M` or `--no-renames` say.
    """
    command = ("diff-index", "--cached", "--patch", "--binary", "--full-index", "--no-color", "--no-ext-diff")
    plain = (*command, "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/", *options, tree.tree, "--")
    raw = tree.git(*plain).stdout
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    names = tree.git("diff-index", "--cached", "--name-only", "--no-renames", "-z", tree.tree, "--").stdout
    odd = [name for name in names.split(b"\0") if name and not _is_utf8(tree, name)]
    attributes = tree.git_dir / "info" / "attributes"
    attributes.write_bytes(_ATTRIBUTES + b"".join(b"%s -diff\n" % _pattern(name) for name in odd))
    try:
        return tree.git(*plain).stdout.decode("utf-8")
    finally:
        attributes.write_bytes(_ATTRIBUTES)


def _is_utf8(tree: TrustedTree, name: bytes) -> bool:
    diff = tree.git("--literal-pathspecs", "diff-index", "--cached", "--patch", "--no-renames", tree.tree, "--", name)
    try:
        diff.stdout.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _pattern(name: bytes) -> bytes:
    """A line of an attributes file that matches exactly one path."""
    escaped = b"".join(b"\\" + bytes([byte]) if byte in b'*?[\\ !#"' else bytes([byte]) for byte in name)
    quoted = b"".join(
        b"\\%03o" % byte if byte < 32 or byte > 126 or byte in b'"\\' else bytes([byte]) for byte in b"/" + escaped
    )
    return b'"' + quoted + b'"'


def _quoted(path: str) -> str:
    """A path as `alternates` wants it: quoted when it would be taken for something else."""
    if path.startswith('"') or "\n" in path:
        return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return path
