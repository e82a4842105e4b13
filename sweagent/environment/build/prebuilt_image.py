"""Images that were made elsewhere and are used as they are."""

import re
from http.client import NOT_FOUND
from typing import Any

from sweagent.environment.docker_build import Log
from sweagent.environment.recipe import Image
from sweagent.errors import EnvironmentBuildError
from sweagent.sandbox.engine import connect, engine_failures, engine_message, find_image
from sweagent.sandbox.identity import owner_labels

_CANDIDATES = ("/testbed", "/workspace", "/workspaces", "/repo", "/src", "/app", "/code")

_looked_into: dict[str, tuple[str, dict[str, str]]] = {}
"""What was found in images, by id: it never changes, and a container costs a tenth of a second."""


def existing_image(name: str, test_command: str, *, log: Log) -> Image:
    """Do what `use_as_it_is` does, with a connection of its own.

    Raises:
        EnvironmentBuildError: the image cannot be had.
        SandboxError: no engine answers.
    """
    client = connect()
    try:
        return use_as_it_is(client, name, test_command, log=log)
    finally:
        client.close()


def use_as_it_is(client: Any, name: str, test_command: str, *, log: Log) -> Image:
    """An image that holds the repository and its environment already.

    The work tree is the image's working directory when that is a repository, else the first usual place that is one.

    Args:
        client: from `connect`.
        name: the image's name; it is pulled when it is missing.
        test_command: which an image cannot tell; empty when nobody knows.
        log: receives lines for people.

    Raises:
        EnvironmentBuildError: the image cannot be had.
    """
    image = find_image(client, name)
    if image is None:
        log(f"pulling {name}")
        try:
            image = client.images.pull(name)
        except engine_failures() as error:
            raise EnvironmentBuildError(
                f"the image {name} is not on this machine and cannot be pulled: {engine_message(error)}",
                "check its name, `docker login`, or load it with `docker load`",
            ) from error
        image = image[0] if isinstance(image, list) else image
    if image.id not in _looked_into:
        _looked_into[image.id] = _look_into(client, image)
    workdir, environment = _looked_into[image.id]
    return Image(
        name=name,
        id=image.id,
        workdir=workdir,
        test_command=test_command,
        environment=dict(environment),
        steps=(f"image {name} used as it is: ok",),
        cached=True,
    )


def _look_into(client: Any, image: Any) -> tuple[str, dict[str, str]]:
    """The work tree and the environment variables of an image, found in a container that never runs."""
    config = image.attrs["Config"]
    variables = dict(item.split("=", 1) for item in config.get("Env") or [] if "=" in item)
    # Labelled like a sandbox, so that one whose program was killed is found and removed.
    labels = owner_labels("environment")
    container = client.containers.create(image.id, command=["true"], network_disabled=True, labels=labels)
    try:
        return _workdir(container, config.get("WorkingDir") or ""), _with_conda(container, variables)
    finally:
        container.remove(force=True)


def _workdir(container: Any, declared: str) -> str:
    places = [place for place in (declared, *_CANDIDATES) if re.fullmatch(r"/[A-Za-z0-9._/-]+", place)]
    for place in places:
        if _exists(container, f"{place}/.git"):
            return place
    return places[0] if declared else "/testbed"


def _with_conda(container: Any, variables: dict[str, str]) -> dict[str, str]:
    """SWE-bench's images keep their interpreter in a conda environment that only a login shell would activate."""
    prefix = "/opt/miniconda3/envs/testbed"
    if not _exists(container, f"{prefix}/bin/python"):
        return variables
    path = variables.get("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    return variables | {"PATH": f"{prefix}/bin:{path}", "CONDA_PREFIX": prefix}


def _exists(container: Any, path: str) -> bool:
    """Ask for the path's state only: its content, perhaps all of a history, would be packed for nothing."""
    api = container.client.api
    url = f"{api.base_url}/v{api.api_version}/containers/{container.id}/archive"
    answer = api.head(url, params={"path": path}, timeout=api.timeout)
    if answer.status_code == NOT_FOUND:
        return False
    answer.raise_for_status()
    return True
