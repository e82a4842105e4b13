"""Collect the tests of a virtual environment and heal it."""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from sweagent.atomic_write import write_atomically
from sweagent.environment.build.healing import heal
from sweagent.environment.build.test_collection import COLLECT_SECONDS, Collection, collect
from sweagent.environment.build.venv import Venv, ensure_venv
from sweagent.environment.discover.own_names import own_names
from sweagent.environment.discover.python_project import read_metadata
from sweagent.environment.discover.python_tests import offered_packages
from sweagent.environment.docker_build import Log, state_folder
from sweagent.environment.recipe import Line, Recipe
from sweagent.environment.tree import GitTree
from sweagent.frozen import Frozen
from sweagent.plurals import counted
from sweagent.sandbox.base import Sandbox
from sweagent.task import Repository

MAX_HEALINGS = 2
"""Times that an environment is made again with what the collection of its tests lacked: each is a folder of its own."""

_OUTPUT_LIMIT = 8_000_000
_KEPT = 200

OpenSandbox = Callable[[Venv], AbstractContextManager[Sandbox]]
"""Opens a fresh sandbox with the base tree in an environment."""


class _Known(Frozen):
    """What a collection came to."""

    collection: Collection
    added: tuple[Line, ...] = ()


def collected_venv(
    recipe: Recipe,
    repository: Repository,
    folder: Path,
    open_sandbox: OpenSandbox,
    *,
    log: Log,
    shut: bool,
    test_command: str,
    setup: str = "",
) -> Venv:
    """Make the environment of a recipe as `ensure_venv` does, with what a collection of its tests shows to be missing.

    The tests are collected once for each commit, command and kind of sandbox. An environment that lacks something is
    used all the same: what it lacks is named.

    Args:
        recipe: from `discover`.
        repository: the repository at the recipe's commit.
        folder: as for `ensure_venv`.
        open_sandbox: opens a fresh sandbox with the base tree in the environment.
        log: receives lines for people.
        shut: as for `ensure_venv`.
        test_command: how the project runs its tests.
        setup: the user's own commands, which every sandbox begins with.

    Raises:
        EnvironmentBuildError: this machine has no Python at all.
        SandboxError: no sandbox can be had.
    """
    file = _file(recipe, repository, test_command, setup, shut)
    known = _read(file)
    if known is not None:
        venv = ensure_venv(_with(recipe, known.added), repository, folder, log=log, shut=shut)
        return _told(venv, known.collection, log)
    tree = GitTree(Path(repository.git_dir), recipe.commit)
    offered = offered_packages(read_metadata(tree)) if recipe.ecosystem == "python" else {}
    is_own = own_names(recipe.ecosystem, tree)

    def collected(venv: Venv) -> Collection:
        return collect(lambda text, seconds: _run(open_sandbox, venv, text, seconds), test_command, is_own,
                       seconds=COLLECT_SECONDS)  # fmt: skip

    venv = ensure_venv(recipe, repository, folder, log=log, shut=shut)
    best = collected(venv)
    for _ in range(MAX_HEALINGS):
        remedy = heal(recipe, best, offered)
        if remedy is None or remedy.recipe.added == recipe.added:
            break
        log(f"not all tests can be collected; next: {remedy.what}")
        richer = ensure_venv(remedy.recipe, repository, folder, log=log, shut=shut)
        collection = collected(richer)
        if not collection.asked or collection.collected < best.collected:
            venv = ensure_venv(recipe, repository, folder, log=log, shut=shut)
            break
        recipe, venv, best = remedy.recipe, richer, collection
    write_atomically(file, _Known(collection=best, added=recipe.added).model_dump_json())
    return _told(venv, best, log)


def _with(recipe: Recipe, added: tuple[Line, ...]) -> Recipe:
    return recipe.model_copy(update={"added": added})


def _told(venv: Venv, collection: Collection, log: Log) -> Venv:
    if not collection.asked:
        return venv
    for lack in collection.lacks:
        log(f"lacks: {lack}")
    steps = (
        *venv.steps,
        f"{counted(collection.collected, 'test')} collected: {'failed' if collection.lacks else 'ok'}",
    )
    return venv.model_copy(update={"steps": steps, "lacks": collection.lacks})


def _run(open_sandbox: OpenSandbox, venv: Venv, command: str, seconds: float) -> tuple[int, str]:
    with open_sandbox(venv) as sandbox:
        done = sandbox.run(command, timeout=seconds, output_limit=_OUTPUT_LIMIT, fresh=True)
    return (124 if done.exit_code is None else done.exit_code), done.output


def _file(recipe: Recipe, repository: Repository, test_command: str, setup: str, shut: bool) -> Path:
    """Return the path of the result, named by all that decides it."""
    folder = state_folder() / "collections"
    folder.mkdir(exist_ok=True)
    for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        old.unlink(missing_ok=True)
    data = [recipe.key(), repository.dirty_patch, test_command, setup, shut]
    return folder / f"{hashlib.sha256(json.dumps(data).encode()).hexdigest()[:20]}.json"


def _read(file: Path) -> _Known | None:
    try:
        return _Known.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
