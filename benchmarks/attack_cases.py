"""Projects and cases of the attack kit, read from `benchmarks/attacks/`."""

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue

HOME = Path(__file__).resolve().parent / "attacks"


class Kind(StrEnum):
    """What a case is in truth."""

    DISHONEST = "dishonest"
    HONEST = "honest"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Fact(_Data):
    """One expression and the value that it has once the issue is resolved.

    Attributes:
        call: an expression of the project's language; `raises` of its class stands for an exception.
        expect: its value as JSON; see the drivers for what is not JSON.
    """

    call: str
    expect: JsonValue


class Truth(_Data):
    """Facts of a project that neither its suite nor the reproduction asks for.

    Attributes:
        setup: statements that are run before the facts.
        facts: what holds once the issue is resolved, and what held before.
    """

    setup: str = ""
    facts: tuple[Fact, ...]


class Project(_Data):
    """A small project with a bug.

    Attributes:
        name: its folder.
        language: `python` or `node`.
        suite: how its tests are run; `python` and `node` stand for the interpreters of the check.
        reproduction: how the files of its reproduction are run; `{files}` are their paths.
        packages: modules that have to be importable, or the project cannot be checked.
    """

    name: str
    language: str
    suite: str
    reproduction: str
    packages: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return HOME / "projects" / self.name

    @cached_property
    def issue(self) -> str:
        """The issue as its user wrote it."""
        return (self.folder / "issue.md").read_text(encoding="utf-8")

    @cached_property
    def truth(self) -> Truth:
        """What tells a fix from what only looks like one."""
        return Truth(**yaml.safe_load((self.folder / "truth.yaml").read_text(encoding="utf-8")))

    @cached_property
    def reproduction_files(self) -> dict[str, str]:
        """Path and text of each file that shows the issue."""
        root = self.folder / "reproduction"
        found = sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in found}

    def missing(self, python: str) -> str:
        """What an interpreter, or this machine, lacks to check the project, or nothing."""
        if self.language == "node":
            return "" if shutil.which("node") else "node"
        tried = {name: subprocess.run([python, "-c", f"import {name}"], capture_output=True) for name in self.packages}
        return ", ".join(name for name, done in tried.items() if done.returncode)

    def lay(self, folder: Path) -> None:
        """Copy the base to a new folder."""
        shutil.copytree(self.folder / "base", folder, ignore=shutil.ignore_patterns("__pycache__"))


class Edit(_Data):
    """Whole lines of a file that occur once, and what takes their place.

    Both are told without the indentation that their first line has in the file.
    """

    path: str
    old: str
    new: str

    def apply(self, text: str) -> str:
        """The changed text.

        Raises:
            ValueError: the lines do not occur exactly once.
        """
        lines, old = text.split("\n"), self.old.rstrip("\n").split("\n")
        places = [
            (index, indent)
            for index in range(len(lines) - len(old) + 1)
            for indent in [lines[index][: len(lines[index]) - len(lines[index].lstrip())]]
            if lines[index : index + len(old)] == _indented(old, indent)
        ]
        if len(places) != 1:
            raise ValueError(f"{self.path} holds {len(places)} times: {self.old!r}")
        index, indent = places[0]
        lines[index : index + len(old)] = _indented(self.new.rstrip("\n").split("\n"), indent)
        return "\n".join(lines)


def _indented(lines: list[str], indent: str) -> list[str]:
    return [indent + line if line.strip() else line for line in lines]


class Case(_Data):
    """A patch, and whether it is honest.

    Attributes:
        id: its file, without the suffix.
        project: the project that it patches.
        kind: what it is in truth.
        attack: the class that it belongs to (`class` in the file).
        title: what it does, in a few words.
        why: one sentence: why it is dishonest, or why an honest author writes it.
        edits: changes of files of the base.
        files: whole new files, or new contents of old ones, by path.
        binary: the same in base 64.
        links: symbolic links, by path.
        removed: paths that go.
        renamed: old path to new path; done before the edits.
        reproduction: files in place of the project's own; an empty mapping: only the issue is there.
        command: how the reproduction is run, in place of the project's own.
        given: say the command to the verifier too.
        issue: an issue in place of the project's own.
        marks: variables by which the patch tells the harness; the check sets them where the reproduction runs.
        options: further options of `fix-issue verify`.
        facts: facts of its own, after the project's.
        author: who wrote it: an `outsider`, who has not read the verifier's rules, or an `insider`, who made them.
    """

    id: str
    project: str
    kind: Kind
    attack: str = Field(alias="class")
    title: str
    why: str
    edits: tuple[Edit, ...] = ()
    files: dict[str, str] = {}
    binary: dict[str, str] = {}
    links: dict[str, str] = {}
    removed: tuple[str, ...] = ()
    renamed: dict[str, str] = {}
    reproduction: dict[str, str] | None = None
    command: str = ""
    given: bool = False
    issue: str = ""
    marks: dict[str, str] = {}
    options: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    author: Literal["outsider", "insider"] = "outsider"

    @classmethod
    def read(cls, path: Path) -> Self:
        """The case of a file `cases/PROJECT/ID.yaml`."""
        data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        return cls(id=path.stem, project=path.parent.name, **data)

    @property
    def name(self) -> str:
        """Its project and id."""
        return f"{self.project}/{self.id}"

    def apply(self, folder: Path) -> None:
        """Patch a copy of the base.

        Raises:
            ValueError: the lines to replace do not occur exactly once.
        """
        for old, new in self.renamed.items():
            (folder / new).parent.mkdir(parents=True, exist_ok=True)
            (folder / old).rename(folder / new)
        for edit in self.edits:
            file = folder / edit.path
            file.write_text(edit.apply(file.read_text(encoding="utf-8")), encoding="utf-8")
        for path in self.removed:
            (folder / path).unlink()
        lay_files(folder, {path: text.encode() for path, text in self.files.items()})
        lay_files(folder, {path: base64.b64decode(text) for path, text in self.binary.items()})
        for path, target in self.links.items():
            (folder / path).unlink(missing_ok=True)
            (folder / path).symlink_to(target)

    def reproduction_of(self, project: Project) -> dict[str, str]:
        """The files that show the issue: its own, or the project's."""
        return project.reproduction_files if self.reproduction is None else self.reproduction


def lay_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write files below a folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def projects() -> dict[str, Project]:
    """All projects by name."""
    found = {}
    for path in sorted((HOME / "projects").glob("*/project.yaml")):
        found[path.parent.name] = Project(name=path.parent.name, **yaml.safe_load(path.read_text(encoding="utf-8")))
    return found


def cases() -> Iterator[Case]:
    """All cases, by project and id."""
    for path in sorted((HOME / "cases").glob("*/*.yaml")):
        yield Case.read(path)


def patch_of(case: Case, project: Project, checkout: Path) -> bytes:
    """Make a repository of the base at `checkout`, and give the case's patch against its only commit."""
    project.lay(checkout)
    _git(checkout, "init", "-q", "-b", "main")
    _git(checkout, "add", "-A", "-f")
    _git(checkout, "commit", "-q", "-m", "Base")
    case.apply(checkout)
    _git(checkout, "add", "-A", "-f")
    patch = _git(checkout, "diff", "--cached", "--binary", "--no-renames", "HEAD")
    _git(checkout, "reset", "-q", "--hard")
    return patch


def _git(folder: Path, *words: str) -> bytes:
    # The commit has the same id each time, so that what the product keeps of it is found again.
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _WHO.items()}
    command = ["git", "-c", "core.hooksPath=/dev/null", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, env={**os.environ, **who}).stdout


_WHO = {"NAME": "kit", "EMAIL": "kit@example.org", "DATE": "2026-01-01T00:00:00Z"}
