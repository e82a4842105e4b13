"""From a recipe to an image: built once, retried in bounded steps, recorded in a lock file."""

import io
import tarfile
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from sweagent.config import Settings
from sweagent.environment import disk, lockfile
from sweagent.environment.advice import advised, adviser_of
from sweagent.environment.base import Base, ensure_base_image
from sweagent.environment.collection import Collection, collect
from sweagent.environment.dockerfile import context_files, render_dockerfile
from sweagent.environment.engine import (
    IMAGES,
    LABEL,
    BuildNetwork,
    Log,
    build,
    build_network,
    connect,
    find_image,
    one_at_a_time,
    owner,
)
from sweagent.environment.healing import heal
from sweagent.environment.host_image import packages_archive
from sweagent.environment.python_project import read_metadata
from sweagent.environment.python_tests import is_local, offered_packages
from sweagent.environment.recipe import Image, Recipe, Step
from sweagent.environment.remedies import next_recipe
from sweagent.environment.tree import GitTree
from sweagent.errors import EnvironmentBuildError, UsageError
from sweagent.policy.base import Policy
from sweagent.repository import make_seed
from sweagent.sandbox.identity import owner_labels
from sweagent.task import Repository

MAX_HEALINGS = 4
"""Times that an environment is built again with what the collection of its tests lacked."""

MAX_ATTEMPTS = 6
"""Attempts to build one recipe, the first included; each follows from the error of the one before."""


def ensure_image(
    recipe: Recipe, repository: Repository, settings: Settings, *, log: Log, adviser: Policy | None = None
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

    Raises:
        EnvironmentBuildError: every attempt failed; the message ends with the last output.
        UsageError: the limit is no size.
        SandboxError: no engine answers.
    """
    chosen = recipe.image or settings.sandbox.image
    limit = disk.read_size(settings.images.disk)
    client = connect()
    try:
        if chosen:
            from sweagent.environment.prebuilt import use_as_it_is

            return use_as_it_is(client, chosen, recipe.test_command.value, log=log)
        name = f"{IMAGES}:{recipe.key()}"
        with one_at_a_time(recipe.key()):
            image = find_image(client, name)
            if image is not None:
                disk.touch(name)
                return _described(image, name, recipe, lockfile.read(recipe.key()), cached=True)
            built = _build_with_retries(client, recipe, repository, name, log, adviser or adviser_of(settings, log))
        for removed in disk.prune(limit, keep=name):
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
            disk.touch(name)
            return _described(image, name, recipe, lock, cached=True)
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
    client: Any, recipe: Recipe, repository: Repository, name: str, log: Log, adviser: Policy | None
) -> Image:
    log(f"building the environment of {recipe.name} ({recipe.ecosystem} {recipe.toolchain.value})")
    steps: list[Step] = []
    seed = make_seed(repository.model_copy(update={"dirty_patch": ""})).archive
    with build_network(client) as network:
        builder = _Builder(client, seed, network, name, log)
        attempt, base = builder.built(recipe, steps, adviser, key=recipe.key())
        attempt, base, collection = builder.healed(attempt, base, repository, steps)
    image = client.images.get(name)
    if not collection.usable:
        lockfile.write(recipe.key(), attempt, lockfile.Built(lacks=collection.lacks), steps)
        client.images.remove(name, force=True)
        raise _nothing_collected(recipe, collection)
    built = lockfile.Built(
        image=image.id,
        packages=_packages(client, name),
        base=_digest(client, base.name),
        collected=collection.collected if collection.asked else None,
        lacks=collection.lacks,
    )
    lockfile.write(recipe.key(), attempt, built, steps)
    disk.touch(name)
    return _described(image, name, attempt, lockfile.read(recipe.key()), cached=False)


@dataclass(frozen=True)
class _Builder:
    """Builds the recipes of one environment, one after the other."""

    client: Any
    seed: Path
    network: BuildNetwork
    name: str
    log: Log

    def built(self, recipe: Recipe, steps: list[Step], adviser: Policy | None, *, key: str = "") -> tuple[Recipe, Base]:
        """Build a recipe, or what its failures lead to; what was done is added to the steps.

        Raises:
            EnvironmentBuildError: every attempt failed.
        """
        attempt = recipe
        # The last attempt is the adviser's.
        for number in range(1, MAX_ATTEMPTS + 2):
            started = time.monotonic()
            try:
                base = ensure_base_image(attempt, log=self.log)
                _build_once(self.client, attempt, base, self.seed, self.network, self.name, self.log)
            except EnvironmentBuildError as error:
                seconds = time.monotonic() - started
                steps.append(Step(action=f"attempt {number}", outcome="failed", seconds=seconds, detail=_tail(error)))
                remedy = next_recipe(attempt, str(error)) if number < MAX_ATTEMPTS else None
                if remedy is None and adviser is not None and not attempt.locked:
                    remedy, adviser = advised(adviser, attempt, str(error), self.log), None
                if remedy is None:
                    lockfile.write(key, attempt, lockfile.Built(), steps)
                    raise _gave_up(recipe, steps, error) from error
                self.log(f"attempt {number} failed; next: {remedy.what}")
                steps.append(Step(action=remedy.what, outcome="ok", seconds=0.0))
                attempt = remedy.recipe
            else:
                break
        steps += [Step(action=step, outcome="ok", seconds=0.0) for step in base.steps]
        steps.append(Step(action=f"attempt {number}", outcome="ok", seconds=time.monotonic() - started))
        return attempt, base

    def healed(
        self, recipe: Recipe, base: Base, repository: Repository, steps: list[Step]
    ) -> tuple[Recipe, Base, Collection]:
        """Collect the tests of what was built, and build it again with what they lack, a few times at most.

        The recipe under which most tests are collected is the one that stays.
        """
        tree = GitTree(repository.git_dir, recipe.commit)
        offered = offered_packages(read_metadata(tree)) if recipe.ecosystem == "python" else {}
        best = (recipe, base, self._collected(recipe, tree, steps))
        for _ in range(MAX_HEALINGS):
            remedy = heal(best[0], best[2], offered)
            if remedy is None:
                break
            self.log(f"not all tests can be collected; next: {remedy.what}")
            steps.append(Step(action=remedy.what, outcome="ok", seconds=0.0))
            before = self.client.images.get(self.name).id
            try:
                attempt, base = self.built(remedy.recipe, steps, None)
                collection = self._collected(attempt, tree, steps)
            except EnvironmentBuildError:
                collection = Collection()
            if not collection.asked or collection.collected < best[2].collected:
                steps.append(Step(action="go back: that was no better", outcome="ok", seconds=0.0))
                self.built(best[0], steps, None)
                break
            best = (attempt, base, collection)
            self._drop(before)
        return best

    def _collected(self, recipe: Recipe, tree: GitTree, steps: list[Step]) -> Collection:
        image = _described(self.client.images.get(self.name), self.name, recipe, lockfile.Lock(key=""), cached=False)
        started = time.monotonic()
        collection = collect(self.client, image, partial(is_local, tree))
        if collection.asked:
            told = f"{collection.collected} tests collected"
            detail = "; ".join(str(lack) for lack in collection.lacks)
            outcome: Literal["ok", "failed"] = "failed" if collection.lacks else "ok"
            steps.append(Step(action=told, outcome=outcome, seconds=time.monotonic() - started, detail=detail))
        return collection

    def _drop(self, image: str) -> None:
        """Remove an image whose name another one has taken; what both share stays."""
        from docker.errors import DockerException

        if self.client.images.get(self.name).id != image:
            with suppress(DockerException):
                self.client.images.remove(image)


def _build_once(
    client: Any, recipe: Recipe, base: Base, seed: Path, network: BuildNetwork, name: str, log: Log
) -> None:
    files = {"Dockerfile": render_dockerfile(recipe, base).encode()}
    if base.of_host:
        packages, missing = packages_archive(recipe)
        for requirement in missing:
            log(f"{requirement} is not on this machine and is left out")
        files["packages.tar"] = packages
    else:
        files |= context_files(recipe, base)
    with tempfile.TemporaryFile() as context:
        with tarfile.open(fileobj=context, mode="w") as archive:
            archive.add(seed, "seed.tar", filter=_anonymous)
            for file, data in files.items():
                member = tarfile.TarInfo(file)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        context.seek(0)
        labels = {
            LABEL: "environment",
            f"{LABEL}.owner": owner(),
            f"{LABEL}.repository": recipe.name,
            f"{LABEL}.commit": recipe.commit,
        }
        build(client, context, network=network, arguments={}, tag=name, labels=labels, log=log)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member


def _described(image: Any, name: str, recipe: Recipe, lock: lockfile.Lock, *, cached: bool) -> Image:
    variables = dict(item.split("=", 1) for item in image.attrs["Config"].get("Env") or [] if "=" in item)
    return Image(
        name=name,
        id=image.id,
        test_command=recipe.test_command.value,
        environment=variables,
        steps=tuple(f"{step.action}: {step.outcome}" for step in lock.steps),
        cached=cached,
        collected=lock.collected,
        lacks=lock.lacks,
    )


def _digest(client: Any, name: str) -> str:
    """The name of an image by its digest, when it came from a registry; else the name."""
    image = find_image(client, name)
    digests = image.attrs.get("RepoDigests") if image is not None else None
    return str(digests[0]) if digests else name


def _packages(client: Any, name: str) -> str:
    """The list of installed packages that the build wrote, read without starting anything of the image."""
    from docker.errors import DockerException

    container = client.containers.create(
        name, command=["true"], network_disabled=True, labels=owner_labels("environment")
    )
    try:
        chunks, _ = container.get_archive("/opt/fix-issue/packages.txt")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            member = archive.extractfile(archive.getmembers()[0])
            return member.read(1_000_000).decode("utf-8", "replace") if member else ""
    except (DockerException, tarfile.TarError):
        return ""
    finally:
        container.remove(force=True)


def _tail(error: Exception, lines: int = 25) -> str:
    return "\n".join(str(error).splitlines()[-lines:])


def _nothing_collected(recipe: Recipe, collection: Collection) -> EnvironmentBuildError:
    said = "; ".join(str(lack) for lack in collection.lacks[:5])
    return EnvironmentBuildError(
        f"no test of {recipe.name} at {recipe.commit[:12]} can be collected in its environment: {said}\n"
        + "\n".join(collection.output.splitlines()[-15:]),
        "put what is missing under `environment:` in .fix-issue.yaml (`requirements: [NAME]`), give --setup-command, "
        "or name an image that works with --image",
    )


def _gave_up(recipe: Recipe, steps: list[Step], error: EnvironmentBuildError) -> EnvironmentBuildError:
    tried = "; ".join(step.action for step in steps)
    return EnvironmentBuildError(
        f"the environment of {recipe.name} at {recipe.commit[:12]} could not be built ({tried}):\n{_tail(error)}",
        "look at the recipe with `fix-issue env show`, put what is missing under `environment:` in .fix-issue.yaml, "
        "or name an image that works with --image",
    )
