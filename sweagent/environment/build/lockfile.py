"""Record what was built, so that it can be built again."""

import re
from pathlib import Path

from pydantic import ValidationError

from sweagent.atomic_write import write_atomically
from sweagent.environment.docker_build import state_folder
from sweagent.environment.missing import Lack
from sweagent.environment.recipe import Line, Recipe, Step, normal_name
from sweagent.errors import UsageError
from sweagent.frozen import Frozen


class Lock(Frozen):
    """The record of one environment."""

    key: str
    image: str = ""
    """The engine's id of the image; empty when the build failed."""
    base: str = ""
    """The image that it was built upon; by its digest when it came from a registry."""
    recipe: Recipe | None = None
    """The recipe as it was built in the end, after all remedies."""
    steps: tuple[Step, ...] = ()
    packages: tuple[str, ...] = ()
    """Every installed package with its version."""
    collected: int | None = None
    """So many tests were collected at the end of the build; None where the runner cannot be asked."""
    lacks: tuple[Lack, ...] = ()
    """What the collection showed to be missing."""


class Built(Frozen):
    """What came out of a build; nothing of it after one that failed."""

    image: str = ""
    """The engine's id of the image."""
    packages: str = ""
    """The package manager's list, one package a line."""
    base: str = ""
    """The image that it was built upon."""
    collected: int | None = None
    lacks: tuple[Lack, ...] = ()


def lock_path(key: str) -> Path:
    """Return the path of the lock file of a recipe's key."""
    folder = state_folder() / "built"
    folder.mkdir(exist_ok=True)
    return folder / f"{key}.json"


def read(key: str) -> Lock:
    """The record of a key; an empty one when there is none or it cannot be read."""
    try:
        return Lock.model_validate_json(lock_path(key).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return Lock(key=key)


def load(path: Path) -> Lock:
    """A lock file that somebody kept.

    Raises:
        UsageError: it cannot be read, or records no environment that was built.
    """
    try:
        lock = Lock.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the lock file {path}: {error}", "make one with `env build --lock`") from error
    if lock.recipe is None or not lock.image:
        raise UsageError(f"{path} records no environment that was built", "make one with `env build --lock`")
    return lock


def save(lock: Lock, path: Path) -> None:
    """Write a lock file as a whole or not at all.

    Raises:
        StorageError: the disk refuses it.
    """
    write_atomically(path, lock.model_dump_json(indent=1) + "\n")


def locked_recipe(lock: Lock) -> Recipe:
    """The recipe that makes a recorded environment again: each package at the version that was installed.

    Ecosystems with lock files of their own are built as they were; of Python, each package is pinned, and nothing else
    is resolved but what a build of the project itself needs, which is sought as of the recorded day.

    Args:
        lock: of an environment that was built.
    """
    recipe = lock.recipe
    if recipe is None:
        raise ValueError("the lock records no recipe")
    toolchain = recipe.toolchain.model_copy(update={"alternatives": ()})
    base = recipe.base or (lock.base if "@sha256:" in lock.base else None)
    recipe = recipe.model_copy(update={"toolchain": toolchain, "base": base, "locked": True})
    if recipe.ecosystem != "python" or not lock.packages:
        return recipe
    pins = {
        normal_name(line.split("==")[0]): Line(value=line, source="the lock file")
        for line in lock.packages
        if re.fullmatch(r"[A-Za-z0-9._-]+==\S+", line)
    }
    installer = pins.pop("pip", None)
    tools = tuple(pins.pop(name) for name in ("setuptools", "wheel") if name in pins)
    alone = tuple(
        line.model_copy(update={"value": line.value.replace("pip install ", "pip install --no-deps ")})
        for line in recipe.install
    )
    return recipe.model_copy(
        update={
            "installer": installer.value if installer else recipe.installer,
            "tools": tools or recipe.tools,
            "requirements": tuple(pins.values()),
            "optional": (),
            "added": (),
            "install": alone,
        }
    )


def difference(wanted: Lock, built: Lock) -> str:
    """What the packages of two environments differ in, for people; empty when they are the same."""
    missing, added = set(wanted.packages) - set(built.packages), set(built.packages) - set(wanted.packages)
    return ", ".join([f"-{line}" for line in sorted(missing)] + [f"+{line}" for line in sorted(added)])


def write(key: str, recipe: Recipe, built: Built, steps: list[Step]) -> None:
    """Record what was built, in one atomic replacement.

    Args:
        key: the key of the recipe that was asked for.
        recipe: the recipe as built.
        built: what came out.
        steps: what was done.
    """
    lines = tuple(line.strip() for line in built.packages.splitlines() if line.strip())
    lock = Lock(
        key=key,
        image=built.image,
        base=built.base,
        recipe=recipe,
        steps=tuple(steps),
        packages=lines,
        collected=built.collected,
        lacks=built.lacks,
    )
    save(lock, lock_path(key))
