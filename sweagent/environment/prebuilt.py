"""Images that were made elsewhere and are used as they are."""

import re
from typing import Any

from sweagent.environment.engine import Log, find_image
from sweagent.environment.recipe import Image, Recipe
from sweagent.errors import EnvironmentBuildError

_CANDIDATES = ("/testbed", "/workspace", "/workspaces", "/repo", "/src", "/app", "/code")


def use_as_it_is(client: Any, name: str, recipe: Recipe, *, log: Log) -> Image:
    """An image that holds the repository and its environment already.

    The work tree is the image's working directory when that is a repository, else the first usual place that is one.

    Args:
        client: from `connect`.
        name: the image's name; it is pulled when it is missing.
        recipe: gives the test command, which an image cannot tell.
        log: receives lines for people.

    Raises:
        EnvironmentBuildError: the image cannot be had.
    """
    from docker.errors import DockerException

    image = find_image(client, name)
    if image is None:
        log(f"pulling {name}")
        try:
            image = client.images.pull(name)
        except DockerException as error:
            raise EnvironmentBuildError(
                f"the image {name} is not on this machine and cannot be pulled: {error}",
                "check its name, `docker login`, or load it with `docker load`",
            ) from error
        image = image[0] if isinstance(image, list) else image
    config = image.attrs["Config"]
    variables = dict(item.split("=", 1) for item in config.get("Env") or [] if "=" in item)
    return Image(
        name=name,
        id=image.id,
        workdir=_workdir(client, image, config.get("WorkingDir") or ""),
        test_command=recipe.test_command.value,
        environment=_with_conda(client, image, variables),
        steps=(f"image {name} used as it is: ok",),
        cached=True,
    )


def _workdir(client: Any, image: Any, declared: str) -> str:
    places = [place for place in (declared, *_CANDIDATES) if re.fullmatch(r"/[A-Za-z0-9._/-]+", place)]
    container = client.containers.create(image.id, command=["true"], network_disabled=True)
    try:
        for place in places:
            if _exists(container, f"{place}/.git"):
                return place
    finally:
        container.remove(force=True)
    return places[0] if declared else "/testbed"


def _with_conda(client: Any, image: Any, variables: dict[str, str]) -> dict[str, str]:
    """SWE-bench's images keep their interpreter in a conda environment that only a login shell would activate."""
    prefix = "/opt/miniconda3/envs/testbed"
    container = client.containers.create(image.id, command=["true"], network_disabled=True)
    try:
        if not _exists(container, f"{prefix}/bin/python"):
            return variables
    finally:
        container.remove(force=True)
    path = variables.get("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    return variables | {"PATH": f"{prefix}/bin:{path}", "CONDA_PREFIX": prefix}


def _exists(container: Any, path: str) -> bool:
    from docker.errors import NotFound

    try:
        container.get_archive(path)
    except NotFound:
        return False
    return True
