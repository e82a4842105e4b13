"""What was built, recorded so that it can be built again later."""

import os
import tempfile
from pathlib import Path

from pydantic import ValidationError

from sweagent.environment.engine import state_folder
from sweagent.environment.recipe import Recipe, Step
from sweagent.model import Frozen


class Lock(Frozen):
    """The record of one environment."""

    key: str
    image: str = ""
    """The engine's id of the image; empty when the build failed."""
    recipe: Recipe | None = None
    """The recipe as it was built in the end, after all remedies."""
    steps: tuple[Step, ...] = ()
    packages: tuple[str, ...] = ()
    """Every installed package with its version."""


def lock_path(key: str) -> Path:
    """Where the lock file of a recipe's key lies."""
    folder = state_folder() / "built"
    folder.mkdir(exist_ok=True)
    return folder / f"{key}.json"


def read(key: str) -> Lock:
    """The record of a key; an empty one when there is none or it cannot be read."""
    try:
        return Lock.model_validate_json(lock_path(key).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return Lock(key=key)


def write(key: str, recipe: Recipe, image: str, steps: list[Step], packages: str) -> None:
    """Record what was built, in one atomic replacement.

    Args:
        key: the key of the recipe that was asked for.
        recipe: the recipe as built.
        image: the engine's id of the image, or nothing after a failure.
        steps: what was done.
        packages: the package manager's list, one package a line.
    """
    lines = tuple(line.strip() for line in packages.splitlines() if line.strip())
    lock = Lock(key=key, image=image, recipe=recipe, steps=tuple(steps), packages=lines)
    path = lock_path(key)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(lock.model_dump_json(indent=1))
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)
