"""Build an environment, collect its tests, heal it, build again."""

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from sweagent.environment.bases.base_image import Base, ensure_base_image
from sweagent.environment.bases.host_image import packages_archive
from sweagent.environment.build import lockfile
from sweagent.environment.build.build_network import BuildNetwork
from sweagent.environment.build.build_steps import Steps, build_image
from sweagent.environment.build.container_run import run_in_container
from sweagent.environment.build.dockerfile import context_files, render_dockerfile
from sweagent.environment.build.healing import heal
from sweagent.environment.build.model_advice import advised
from sweagent.environment.build.remedies import next_recipe
from sweagent.environment.build.test_collection import COLLECT_SECONDS, Collection, collect
from sweagent.environment.discover.own_names import own_names
from sweagent.environment.discover.python_project import read_metadata
from sweagent.environment.discover.python_tests import offered_packages
from sweagent.environment.docker_build import LABEL, Log, owner
from sweagent.environment.recipe import Image, Recipe, Step
from sweagent.environment.tree import GitTree
from sweagent.errors import EnvironmentBuildError
from sweagent.plurals import counted
from sweagent.policy.base import Policy
from sweagent.sandbox.engine import engine_failures
from sweagent.task import Repository

MAX_HEALINGS = 4
"""Times that an environment is built again with what the collection of its tests lacked."""

MAX_ATTEMPTS = 6
"""Attempts to build one recipe, the first included; each follows from the error of the one before."""


@dataclass(frozen=True)
class Builder:
    """Builds the recipes of one environment, one after the other.

    Attributes:
        client: of the engine.
        seed: the archive of the repository.
        network: that of builds.
        name: of the image.
        log: receives lines for people.
    """

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
                build_once(self.client, attempt, base, self.seed, self.network, self.name, self.log)
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
        image = described(self.client.images.get(self.name), self.name, recipe, lockfile.Lock(key=""), cached=False)
        started = time.monotonic()
        run = partial(run_in_container, self.client, image)
        collection = collect(run, image.test_command, own_names(recipe.ecosystem, tree), seconds=COLLECT_SECONDS)
        if collection.asked:
            told = f"{counted(collection.collected, 'test')} collected"
            detail = "; ".join(str(lack) for lack in collection.lacks)
            outcome: Literal["ok", "failed"] = "failed" if collection.lacks else "ok"
            steps.append(Step(action=told, outcome=outcome, seconds=time.monotonic() - started, detail=detail))
        return collection

    def _drop(self, image: str) -> None:
        """Remove an image whose name another one has taken; what both share stays."""
        if self.client.images.get(self.name).id != image:
            with suppress(*engine_failures()):
                self.client.images.remove(image)


def build_once(client: Any, recipe: Recipe, base: Base, seed: Path, network: BuildNetwork, name: str, log: Log) -> None:
    """Build an image from a recipe as it is.

    Raises:
        EnvironmentBuildError: a step of it failed.
    """
    files: dict[str, bytes | Path] = {"seed.tar": seed}
    if base.of_host:
        packages, missing = packages_archive(recipe)
        for requirement in missing:
            log(f"{requirement} is not on this machine and is left out")
        files["packages.tar"] = packages
    else:
        files |= context_files(recipe, base)
    labels = {
        LABEL: "environment",
        f"{LABEL}.owner": owner(),
        f"{LABEL}.repository": recipe.name,
        f"{LABEL}.commit": recipe.commit,
    }
    steps = Steps(network.mode, network.variables, network.bounds, log)
    build_image(client.api, render_dockerfile(recipe, base), files, steps, tag=name, labels=labels)


def described(image: Any, name: str, recipe: Recipe, lock: lockfile.Lock, *, cached: bool) -> Image:
    """An environment that is ready.

    Args:
        image: the engine's.
        name: its name.
        recipe: as it was asked for.
        lock: the record of its build.
        cached: whether nothing had to be built.
    """
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


def _tail(error: Exception, lines: int = 25) -> str:
    return "\n".join(str(error).splitlines()[-lines:])


def _gave_up(recipe: Recipe, steps: list[Step], error: EnvironmentBuildError) -> EnvironmentBuildError:
    tried = "; ".join(step.action for step in steps)
    return EnvironmentBuildError(
        f"the environment of {recipe.name} at {recipe.commit[:12]} could not be built ({tried}):\n{_tail(error)}",
        "look at the recipe with `fix-issue env show`, put what is missing under `environment:` in .fix-issue.yaml, "
        "or name an image that works with --image",
    )
