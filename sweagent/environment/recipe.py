"""Recipe of an environment; each line says where it was read."""

import hashlib
import json
import re
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from sweagent.environment.missing import Lack
from sweagent.frozen import Frozen
from sweagent.resources import resource

Ecosystem = Literal["python", "node", "go", "rust", "java"]

WORKDIR = "/testbed"
"""Where the repository lies in every image that is built here."""

RUST = "cargo"
"""The package that stands for Rust in a recipe of another ecosystem; a newer one is taken where there is one."""

DebianPackage = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]{0,99}$")]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4}){0,3}$|^$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
ImageName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}$")]
OneLine = Annotated[str, StringConstraints(pattern=r"^[^\n\r\x00]{1,2000}$")]
"""A shell command or a requirement: it runs only inside the sandboxed build, and cannot leave its line."""


class Line(Frozen):
    """One value of a recipe and the place it was read from."""

    value: OneLine
    source: str


class SystemPackage(Frozen):
    """A Debian package that the build or the tests need."""

    value: DebianPackage
    source: str


class Toolchain(Frozen):
    """The version of the interpreter or compiler, and others to try when a build with it fails."""

    value: Version
    source: str
    alternatives: tuple[Version, ...] = ()


class Recipe(Frozen):
    """How to make the environment of one repository at one commit.

    The order of the fields is the order of the layers: what changes most often between two commits comes last.
    """

    ecosystem: Ecosystem
    name: str
    """The repository's short name, for people and labels."""
    commit: str
    committed: date
    """The day of the commit, in UTC."""
    cutoff: date | None = None
    """Packages that were published later are not used; None takes the newest."""
    base: ImageName | None = None
    """An image to start from, named by the user; None lets the ladder of base images choose."""
    image: ImageName | None = None
    """An image to use as it is: nothing is built."""
    toolchain: Toolchain
    system: tuple[SystemPackage, ...] = ()
    installer: OneLine = "pip<25.3"
    """The pip of Python environments. Later ones no longer install editable what has a setup.py and a setuptools of
    before August 2022."""
    tools: tuple[Line, ...] = ()
    """What the package manager itself needs, for example `setuptools`."""
    requirements: tuple[Line, ...] = ()
    """Third-party packages installed before the repository enters, as the ecosystem writes them."""
    locked: bool = False
    """`requirements` is the whole list, from a lock file: nothing else is resolved, and no remedy changes it."""
    optional: tuple[Line, ...] = ()
    """Like `requirements`, but each may be left out when it cannot be installed."""
    extras: tuple[Name, ...] = ()
    """Extras of the project itself that its tests need."""
    environment: dict[Variable, OneLine] = {}
    prepare: tuple[Line, ...] = ()
    """Shell commands run in the repository before it is installed."""
    install: tuple[Line, ...] = ()
    """Shell commands that install the repository; empty when there is nothing to install."""
    finish: tuple[Line, ...] = ()
    """Shell commands run in the repository after it was installed."""
    added: tuple[Line, ...] = ()
    """Third-party packages whose absence the collection at the end of a build showed, each left out if it must be."""
    test_command: Line
    """Runs the whole suite from the repository's root; a test's path or id may be appended."""
    test_paths: tuple[OneLine, ...] = ()
    """Where the tests lie, for people and for a smoke run."""
    notes: tuple[str, ...] = ()
    """What the reader should know: guesses, files that could not be read."""

    def key(self) -> str:
        """A hash of everything that decides what the image holds, the templates' text included.

        Provenance and notes do not count.
        """
        data = self.model_dump(mode="json", exclude={"name", "committed", "notes", "test_paths"})
        said = json.dumps(_without_sources(data), sort_keys=True)
        return hashlib.sha256((said + _templates(self.ecosystem)).encode()).hexdigest()[:20]


def _templates(ecosystem: str) -> str:
    shared = (("system.j2",), ("cargo.j2",), ("repository.j2",))
    parts = [resource("environments", *part) for part in ((ecosystem, "Dockerfile.j2"), *shared)]
    parts += sorted(resource("environments", ecosystem).glob("context/*.j2"))
    return "".join(part.read_text(encoding="utf-8") for part in parts)


def _without_sources(data: object) -> object:
    if isinstance(data, dict):
        return {key: _without_sources(value) for key, value in data.items() if key != "source"}
    if isinstance(data, list):
        return [_without_sources(item) for item in data]
    return data


def normal_name(name: str) -> str:
    """The name of a Python distribution as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Image(Frozen):
    """An environment that is ready: an image, and how to work in it."""

    name: str
    id: str
    """The engine's id of the image, `sha256:…`."""
    workdir: str = WORKDIR
    test_command: str = ""
    environment: dict[str, str] = {}
    """Variables that commands need, `PATH` among them."""
    steps: tuple[str, ...] = ()
    """What was done and retried to get it."""
    cached: bool = False
    """True when nothing had to be built."""
    collected: int | None = None
    """So many tests were collected at the end of the build; None where the runner cannot be asked, or was not."""
    lacks: tuple[Lack, ...] = ()
    """What the collection showed to be missing."""


class Step(Frozen):
    """One attempt of a build and how it ended."""

    action: str
    outcome: Literal["ok", "failed"]
    seconds: float = Field(ge=0)
    detail: str = ""
