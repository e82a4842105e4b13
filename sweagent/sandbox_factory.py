"""Make a task's environment once, and open fresh sandboxes in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from sweagent.config import Settings
from sweagent.environment import (
    Contacts,
    Image,
    PrebuiltTree,
    Recipe,
    Venv,
    collected_venv,
    contacts_among,
    discover,
    ensure_image,
    existing_image,
    relay_image,
)
from sweagent.environment.recipe import Line
from sweagent.errors import SandboxError, UsageError
from sweagent.policy.money.budget import Budget
from sweagent.repository import seed_archive
from sweagent.sandbox import choose_kind, open_sandbox, remove_leftovers
from sweagent.sandbox.base import Sandbox
from sweagent.task import Task

WORKDIR = "/testbed"
"""Where the repository lies in a sandbox, unless an image has it elsewhere."""


SETUP_SECONDS = 1200.0
"""What the user's own commands may take."""


@dataclass(frozen=True)
class Workplace:
    """An environment that is ready.

    Attributes:
        open: makes a fresh sandbox with the base tree; the caller closes it.
        test_command: how the project runs its tests; empty when nobody knows.
        git_dir: the git directory on the host that has the base commit.
        steps: what was done to make the environment.
        lacks: what it is known to lack, in words.
        asked: the hosts that its sandboxes have asked for so far.
    """

    open: Callable[[], Sandbox]
    test_command: str
    git_dir: Path
    steps: tuple[str, ...] = field(default=())
    lacks: tuple[str, ...] = field(default=())
    asked: Contacts = field(default_factory=Contacts)

    @property
    def contacts(self) -> tuple[str, ...]:
        """The hosts that were reached or refused when the environment was made, and by its sandboxes, one a line."""
        return (*contacts_among(self.steps), *(f"in a sandbox: {line}" for line in self.asked.lines("")))


@contextmanager
def prepare(
    task: Task,
    settings: Settings,
    run_id: str,
    note: Callable[[str], None],
    *,
    allow_local: bool = False,
    budget: Budget | None = None,
) -> Iterator[Workplace]:
    """Make the environment of a task, in a container image or as a virtual environment beside the copy.

    Args:
        task: names the repository, and perhaps an image and a test command.
        settings: of the run.
        run_id: the label of its sandboxes.
        note: receives lines for people about what is going on.
        allow_local: let `auto` fall back on the local sandbox.
        budget: of the run; what the model is asked about a failed build counts in it.

    Raises:
        SandboxError: no sandbox can be had, or the environment cannot be built.
        UsageError: the settings name a kind of sandbox that is not there.
    """
    remove_leftovers()
    kind = choose_kind(settings.sandbox.kind, allow_local=allow_local, note=note)
    if task.image and not settings.sandbox.image:
        settings = settings.model_copy(update={"sandbox": settings.sandbox.model_copy(update={"image": task.image})})
    if kind == "docker":
        yield _in_containers(task, settings, run_id, note, budget)
    else:
        settings = settings.model_copy(update={"sandbox": settings.sandbox.model_copy(update={"kind": kind})})
        with TemporaryDirectory(prefix="fix-issue-environment-") as folder:
            yield _beside_the_copy(task, settings, run_id, note, Path(folder))


def _in_containers(
    task: Task, settings: Settings, run_id: str, note: Callable[[str], None], budget: Budget | None
) -> Workplace:
    repository = task.repository
    image, as_it_is = _image(task, settings, note, budget)
    # An image that was made elsewhere may have the project's future in its history, and no uncommitted changes.
    replace_tree = as_it_is or bool(repository.dirty_patch)
    base_tree = PrebuiltTree(repository)
    chosen = settings.sandbox.model_copy(update={"kind": "docker", "image": image.name})
    relay = relay_image(note) if chosen.allow_hosts and not chosen.network else ""
    asked = Contacts()

    def seen(host: str, reached: bool) -> None:
        (asked.reached if reached else asked.refused)(host)

    def open_one() -> Sandbox:
        sandbox = open_sandbox(
            chosen, workdir=image.workdir, run_id=run_id, env=image.environment, relay_image=relay, seen=seen
        )
        if replace_tree:
            base_tree.put_into(sandbox)
        return _set_up(sandbox, task) if as_it_is else sandbox

    command = task.test_command or image.test_command
    lacks = tuple(str(lack) for lack in image.lacks)
    return Workplace(open_one, command, Path(repository.git_dir), image.steps, lacks, asked)


def _image(task: Task, settings: Settings, note: Callable[[str], None], budget: Budget | None) -> tuple[Image, bool]:
    """The image of a task, and whether it was made elsewhere."""
    if settings.sandbox.image:
        return existing_image(settings.sandbox.image, _known_test_command(task, settings), log=note), True
    recipe = _recipe(task, settings)
    as_it_is = bool(recipe.image)
    recipe = recipe if as_it_is else _with_setup(recipe, task)
    return ensure_image(recipe, task.repository, settings, log=note, budget=budget), as_it_is


def _known_test_command(task: Task, settings: Settings) -> str:
    """Empty where nobody would know how to build the environment: with an image, nobody needs to."""
    try:
        return _recipe(task, settings).test_command.value
    except UsageError:
        return ""


def _beside_the_copy(
    task: Task, settings: Settings, run_id: str, note: Callable[[str], None], folder: Path
) -> Workplace:
    repository = task.repository
    recipe = _recipe(task, settings)
    shut = settings.sandbox.kind == "bubblewrap"
    command = task.test_command or recipe.test_command.value

    def open_in(venv: Venv) -> Sandbox:
        sandbox = open_sandbox(
            settings.sandbox,
            workdir=WORKDIR,
            tree=seed_archive(repository),
            run_id=run_id,
            env=venv.environment,
            readable=(Path(venv.folder),),
        )
        return _set_up(sandbox, task)

    venv = collected_venv(
        recipe, repository, folder, open_in,
        log=note, shut=shut, test_command=command, setup=task.setup_command or "",
    )  # fmt: skip
    lacks = tuple(str(lack) for lack in venv.lacks)
    return Workplace(lambda: open_in(venv), command, Path(repository.git_dir), venv.steps, lacks)


def _recipe(task: Task, settings: Settings) -> Recipe:
    repository = task.repository
    return discover(repository.git_dir, repository.base_commit, name=repository.name, overrides=settings.environment)


def _with_setup(recipe: Recipe, task: Task) -> Recipe:
    """The recipe with the user's own commands at its end, so that they are run once, where packages can be had."""
    lines = [line.strip() for line in (task.setup_command or "").splitlines() if line.strip()]
    try:
        setup = tuple(Line(value=line, source="the setup command") for line in lines)
    except ValueError as error:
        raise UsageError("a line of the setup command is too long", "put it into a script of the repository") from error
    return recipe.model_copy(update={"finish": (*recipe.finish, *setup)})


def _set_up(sandbox: Sandbox, task: Task) -> Sandbox:
    """Run the user's own commands in a sandbox whose image or folder was not built for the task."""
    if task.setup_command:
        done = sandbox.run(f"( set -e\n{task.setup_command}\n)", timeout=SETUP_SECONDS)
        if done.exit_code != 0:
            sandbox.close()
            raise SandboxError(
                f"the setup command failed: {done.output[-1000:]}",
                "correct it; it may reach only the hosts that --allow-host names",
            )
    return sandbox
