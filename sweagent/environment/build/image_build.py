"""Build an image from a recipe once, with bounded retries."""

import io
import tarfile
from typing import Any

from sweagent.config import SandboxSettings, Settings
from sweagent.environment.build import image_gc, lockfile
from sweagent.environment.build.attempts import Builder, described
from sweagent.environment.build.build_network import build_network
from sweagent.environment.build.model_advice import adviser_of
from sweagent.environment.build.test_collection import Collection
from sweagent.environment.docker_build import IMAGES, Log, one_at_a_time
from sweagent.environment.recipe import Image, Recipe, Step
from sweagent.errors import EnvironmentBuildError, UsageError
from sweagent.policy.base import Policy
from sweagent.policy.money.budget import Budget
from sweagent.repository import make_seed
from sweagent.sandbox.engine import connect, engine_failures, find_image
from sweagent.sandbox.identity import owner_labels
from sweagent.sizes import parse_size
from sweagent.task import Repository


def ensure_image(
    recipe: Recipe,
    repository: Repository,
    settings: Settings,
    *,
    log: Log,
    adviser: Policy | None = None,
    budget: Budget | None = None,
) -> Image:
    """The image of a recipe: found, or built once even when many callers want it at the same time.

    Args:
        recipe: from `discover`.
        repository: the repository at the recipe's commit; only its git directory is read.
        settings: the settings of the run; `sandbox.image` names an image to use as it is. After a build, the least
            recently used environments are removed until the rest takes no more than `images.disk`.
        log: receives lines for people.
        adviser: asked once about a build for which no remedy is known; None asks the settings' model when they say
            what that may cost.
        budget: of the run, in which advice counts.

    Raises:
        EnvironmentBuildError: every attempt failed; the message ends with the last output.
        UsageError: the limit is no size.
        SandboxError: no engine answers.
    """
    chosen = recipe.image or settings.sandbox.image
    limit = parse_size(settings.images.disk, may_be_zero=True)
    client = connect()
    try:
        if chosen:
            from sweagent.environment.build.prebuilt_image import use_as_it_is

            return use_as_it_is(client, chosen, recipe.test_command.value, log=log)
        name = f"{IMAGES}:{recipe.key()}"
        with one_at_a_time(recipe.key()):
            image = find_image(client, name)
            if image is not None:
                image_gc.touch(name)
                return described(image, name, recipe, lockfile.read(recipe.key()), cached=True)
            asked = adviser or adviser_of(settings, log, budget)
            built = _build_with_retries(client, recipe, repository, name, log, asked, settings.sandbox)
        for removed in image_gc.prune(limit, keep=name):
            log(f"removed {removed.name}, not used since {removed.used:%Y-%m-%d %H:%M}")
        return built
    finally:
        client.close()


def ensure_locked(lock: lockfile.Lock, repository: Repository, settings: Settings, *, log: Log) -> Image:
    """The environment that a lock file records: the recorded image when it is here, else one with the same packages.

    Args:
        lock: from `lockfile.load`.
        repository: the repository at the recorded commit.
        settings: the settings of the run.
        log: receives lines for people.

    Raises:
        EnvironmentBuildError: it cannot be built, or other packages came out.
        UsageError: the repository is at another commit.
        SandboxError: no engine answers.
    """
    recipe = lockfile.locked_recipe(lock)
    if repository.base_commit != recipe.commit:
        raise UsageError(
            f"the lock records commit {recipe.commit[:12]} and the repository is at {repository.base_commit[:12]}",
            "leave out --commit, or make a lock for this commit",
        )
    name = f"{IMAGES}:{lock.key}"
    client = connect()
    try:
        image = find_image(client, name)
        if image is not None and image.id == lock.image:
            image_gc.touch(name)
            return described(image, name, recipe, lock, cached=True)
    finally:
        client.close()
    built = ensure_image(recipe, repository, settings, log=log)
    differs = lockfile.difference(lock, lockfile.read(recipe.key()))
    if differs:
        raise EnvironmentBuildError(
            f"the image {built.name} has other packages than the lock records: {differs[:2000]}",
            "the registry no longer has what was recorded; make a new lock, or name that image with --image",
        )
    return built


def _build_with_retries(
    client: Any,
    recipe: Recipe,
    repository: Repository,
    name: str,
    log: Log,
    adviser: Policy | None,
    settings: SandboxSettings,
) -> Image:
    log(f"building the environment of {recipe.name} ({recipe.ecosystem} {recipe.toolchain.value})")
    steps: list[Step] = []
    seed = make_seed(repository.model_copy(update={"dirty_patch": ""})).archive
    # Under its own name an image is taken to be ready, also after this process was killed.
    unchecked = f"{name}-unchecked"
    with build_network(client, settings, log) as network:
        builder = Builder(client, seed, network, unchecked, log)
        try:
            attempt, base = builder.built(recipe, steps, adviser, key=recipe.key())
            attempt, base, collection = builder.healed(attempt, base, repository, steps)
        except EnvironmentBuildError as error:
            # The end of a run is recorded with its cause; without an environment nothing else would name the hosts.
            raise EnvironmentBuildError("\n".join((str(error), *network.contacts.lines())), error.hint) from error
        finally:
            for line in network.contacts.lines():
                log(line)
    steps += [Step(action=line, outcome="ok", seconds=0.0) for line in (*network.notes, *network.contacts.lines())]
    try:
        if not collection.usable:
            lockfile.write(recipe.key(), attempt, lockfile.Built(lacks=collection.lacks), steps)
            raise _nothing_collected(recipe, collection)
        client.api.tag(unchecked, *name.split(":"))
    finally:
        client.images.remove(unchecked, force=True)
    image = client.images.get(name)
    built = lockfile.Built(
        image=image.id,
        packages=_packages(client, name),
        base=_digest(client, base.name),
        collected=collection.collected if collection.asked else None,
        lacks=collection.lacks,
    )
    lockfile.write(recipe.key(), attempt, built, steps)
    image_gc.touch(name)
    return described(image, name, attempt, lockfile.read(recipe.key()), cached=False)


def _digest(client: Any, name: str) -> str:
    """The name of an image by its digest, when it came from a registry; else the name."""
    image = find_image(client, name)
    digests = image.attrs.get("RepoDigests") if image is not None else None
    return str(digests[0]) if digests else name


def _packages(client: Any, name: str) -> str:
    """The list of installed packages that the build wrote, read without starting anything of the image."""
    container = client.containers.create(
        name, command=["true"], network_disabled=True, labels=owner_labels("environment")
    )
    try:
        chunks, _ = container.get_archive("/opt/fix-issue/packages.txt")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            member = archive.extractfile(archive.getmembers()[0])
            return member.read(1_000_000).decode("utf-8", "replace") if member else ""
    except engine_failures(tarfile.TarError):
        return ""
    finally:
        container.remove(force=True)


def _nothing_collected(recipe: Recipe, collection: Collection) -> EnvironmentBuildError:
    said = "; ".join(str(lack) for lack in collection.lacks[:5])
    return EnvironmentBuildError(
        f"no test of {recipe.name} at {recipe.commit[:12]} can be collected in its environment: {said}\n"
        + "\n".join(collection.output.splitlines()[-15:]),
        "put what is missing under `environment:` in .fix-issue.yaml (`requirements: [NAME]`), give --setup-command, "
        "or name an image that works with --image",
    )
