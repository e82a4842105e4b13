"""Choose or build the base image of an environment."""

import time
from typing import Any

from sweagent.environment.bases.host_image import NAME, host_base
from sweagent.environment.bases.interpreters import PREFIX, find_interpreter, find_node
from sweagent.environment.bases.offline_base import debian_image, node_image, python_image
from sweagent.environment.docker_build import Log, state_folder
from sweagent.environment.recipe import Recipe
from sweagent.errors import EnvironmentBuildError
from sweagent.frozen import Frozen
from sweagent.sandbox.engine import connect, engine_failures, engine_message, find_image

_REGISTRY_IMAGES = {"python": "python", "node": "node", "go": "golang", "rust": "rust"}
_SUITES = ("bookworm", "bullseye", "buster")
"""Releases of Debian, newest first."""

_DEBIAN_PYTHON = "3.11"
_MISSING_VERSION = "install that version with pyenv or `uv python install`, or name an image with --image"


class Base(Frozen):
    """An image to start from."""

    name: str
    interpreter: str = "python3"
    """The path of the interpreter of the wanted version in it."""
    of_host: bool = False
    """It holds this machine's files; packages are copied into it, not installed."""
    steps: tuple[str, ...] = ()
    """How it was found or made."""


def ensure_base_image(recipe: Recipe, *, log: Log) -> Base:
    """Find or make the image that a recipe starts from.

    The first of these that works: the image that the recipe names (`host` asks for the last rung); the ecosystem's
    image of that version, present or pulled; an image made from Debian packages, with the interpreter of the host
    copied into it where Debian has another; for Python, an image of this machine's own files.

    Args:
        recipe: what is wanted.
        log: receives lines for people.

    Raises:
        EnvironmentBuildError: none of them works.
    """
    client = connect()
    try:
        if recipe.base == NAME:
            return Base(name=host_base(client, log), of_host=True, steps=("base made of this machine's files",))
        if recipe.base:
            _present_or_pulled(client, recipe.base, log)
            return Base(name=recipe.base, steps=(f"base {recipe.base}, named by the user",))
        for wanted in registry_images(recipe):
            if find_image(client, wanted) is not None or _pull(client, wanted, log):
                return Base(name=wanted, steps=(f"base {wanted} from the registry",))
        try:
            return _offline(client, recipe, log)
        except EnvironmentBuildError as error:
            if recipe.ecosystem != "python" or error.hint == _MISSING_VERSION:
                raise
            step = f"base made of this machine's files, since {error}"
            return Base(name=host_base(client, log), of_host=True, steps=(step,))
    finally:
        client.close()


def registry_images(recipe: Recipe) -> tuple[str, ...]:
    """The images of an ecosystem and its version that Docker's registry may have, the best first.

    Versions that ended before a release of Debian were never built upon it.
    """
    version = recipe.toolchain.value
    if recipe.ecosystem == "java":
        gradle = [tool.value for tool in recipe.tools if tool.value.startswith("gradle")]
        words = [*gradle[0].split()[1:], f"jdk{version}"] if gradle else []
        return (f"gradle:{'-'.join(words)}" if gradle else f"maven:3-eclipse-temurin-{version}",)
    suites = _SUITES if version else _SUITES[:1]
    return tuple(f"{_REGISTRY_IMAGES[recipe.ecosystem]}:{f'{version}-' if version else ''}{suite}" for suite in suites)


def _offline(client: Any, recipe: Recipe, log: Log) -> Base:
    debian = debian_image(client, log)
    step = f"base {debian} made from Debian packages: no image registry answers"
    node = find_node() if recipe.ecosystem == "node" else None
    if node is not None:
        copied = f"Node {node.version} copied from this machine"
        if recipe.toolchain.value not in ("", node.version.split(".")[0]):
            copied += f"; {recipe.toolchain.value} is wanted and cannot be had"
        return Base(name=node_image(client, debian, node, log), steps=(step, copied))
    if recipe.ecosystem != "python":
        return Base(name=debian, steps=(step,))
    minor = recipe.toolchain.value
    interpreter = find_interpreter(minor)
    if interpreter is None and minor != _DEBIAN_PYTHON:
        raise EnvironmentBuildError(
            f"there is no Python {minor}: no image registry answers and this machine has none to copy",
            _MISSING_VERSION,
        )
    if interpreter is None:
        return Base(name=debian, interpreter=f"python{minor}", steps=(step,))
    name = python_image(client, debian, interpreter, log)
    path = f"/{PREFIX}/bin/python{interpreter.minor}"
    return Base(name=name, interpreter=path, steps=(step, f"Python {interpreter.version} copied from this machine"))


def _present_or_pulled(client: Any, name: str, log: Log) -> None:
    if find_image(client, name) is None and not _pull(client, name, log):
        raise EnvironmentBuildError(
            f"the image {name} is not on this machine and cannot be pulled",
            "check its name, log in to its registry with `docker login`, or load it with `docker load`",
        )


def _pull(client: Any, name: str, log: Log) -> bool:
    """Pull an image; a registry that did not answer is not asked again for an hour."""
    unreachable = state_folder() / "registry-unreachable"
    if unreachable.exists() and time.time() - unreachable.stat().st_mtime < 3600:
        return False
    log(f"pulling {name}")
    try:
        client.images.pull(name)
    except engine_failures() as error:
        log(f"cannot pull {name}: {engine_message(error)}")
        if not any(word in str(error) for word in ("not found", "manifest unknown", "denied")):
            unreachable.touch()
        return False
    return True
