"""Start a run from the command line and show its result."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sweagent.agent.steering import Steering
from sweagent.cli.console import interactive
from sweagent.cli.delivery import Delivery
from sweagent.cli.ending import report
from sweagent.cli.hooks import Hooks
from sweagent.cli.progress import PlainProgress, open_progress
from sweagent.cli.signals import stoppable
from sweagent.cli.steer import interrupt_menu, terminal_confirm
from sweagent.config import Origin, Settings
from sweagent.own_folders import remember
from sweagent.run_folder import RunFolder, new_run_id, runs_folder
from sweagent.settings_sources import Sources
from sweagent.task import Issue, Repository, Task

_NOWHERE = Delivery()


def open_with_settings(
    repo: str,
    sources: Sources,
    note: Callable[[str], None],
    *,
    base: str | None = None,
    include_dirty: bool = False,
    api_url: str | None = None,
) -> tuple[Repository, Settings, Origin]:
    """Open a repository, with the token where it needs one, and settle the settings for it.

    Args:
        repo: as the user gave it.
        sources: what the user said of the settings.
        note: receives lines on which files were read, and what the repository's own said in vain.
        base: the commit to work on; None takes HEAD.
        include_dirty: the uncommitted changes belong to the base.
        api_url: the forge's REST API.

    Raises:
        UsageError: a setting, the repository or the base cannot be used.
        ForgeError: the remote refused or cannot be reached.
    """
    from sweagent.forge.api.address import remote_options
    from sweagent.project_file import settings_for
    from sweagent.repository import open_repository

    sources.settings()  # what is wrong with the user's own words is told before anything is fetched
    repository = open_repository(repo, base=base, include_dirty=include_dirty, **remote_options(repo, api_url))
    settings, origin = settings_for(sources, repository)
    for line in origin.lines():
        note(line)
    return repository, settings, origin


def start(
    repo: str,
    issue_text: str,
    sources: Sources,
    *,
    base: str | None = None,
    include_dirty: bool = False,
    test_command: str | None = None,
    setup_command: str | None = None,
    output: Path | None = None,
    delivery: Delivery = _NOWHERE,
    verbosity: int = 1,
    as_json: bool = False,
    confirm: bool = False,
    keep: bool = True,
) -> int:
    """Run the main job and return the exit code.

    `keep` is whether the repository outlives the run, so that something can be done with the patch.

    Raises:
        FixIssueError: what was asked for cannot be done.
    """
    from sweagent.cli.delivery import check_before, check_repository, deliver
    from sweagent.repository.intake import DEFAULT_SERVER
    from sweagent.repository.source import RemoteSource, parse_source
    from sweagent.solve import solve

    said = sources.settings()
    check_before(delivery, output)
    if isinstance(parse_source(repo, server=DEFAULT_SERVER), RemoteSource):
        _check_policy(said)  # what is wrong with it must not wait for a clone
    with live(said, verbosity=verbosity, confirm=confirm) as (progress, steering):
        repository, settings, origin = open_with_settings(
            repo, sources, progress.note, base=base, include_dirty=include_dirty, api_url=delivery.api_url
        )
        _check_policy(settings)
        check_repository(delivery, repository, progress.note)
        progress.bounds(budget=settings.limits.cost, steps=settings.limits.steps)
        issue = _read_issue(issue_text, repository, delivery.api_url, progress.note)
        task = Task.of(
            repository,
            issue,
            image=settings.sandbox.image,
            test_command=test_command,
            setup_command=setup_command,
        )
        run_id = new_run_id(task.id)
        folder = RunFolder(output or runs_folder() / run_id)
        progress.note(f"the run's folder is {folder.path}")
        remember(folder.path)
        hooks = Hooks(settings.hooks, settings.notify, folder, progress.note)
        result = solve(
            task,
            settings,
            folder,
            run_id=run_id,
            listeners=[progress, hooks],
            note=progress.note,
            origin=origin,
            waiting=progress.waiting,
            verifying=progress.verifying,
            steering=steering,
        )
        hooks.ended(result)
    report(result, keep=keep, as_json=as_json, quiet=verbosity == 0, delivered=deliver(result, repository, delivery))
    return result.exit_code


def _read_issue(text: str, repository: Repository, api_url: str | None, note: Callable[[str], None]) -> Issue:
    from sweagent.forge import read_issue_with_findings

    read = read_issue_with_findings(text, repository.source, repository.name, api_url, token=None, until=None)
    for finding in read.findings:
        note(f"in the issue: {finding}")
    return read.issue


@contextmanager
def live(settings: Settings, *, verbosity: int, confirm: bool = False) -> Iterator[tuple[PlainProgress, Steering]]:
    """Show a run while the block runs, and let a person at the terminal steer and stop it.

    Args:
        settings: of the run.
        verbosity: as for `PlainProgress`.
        confirm: ask before actions that change something.

    Raises:
        UsageError: nobody can be asked.
    """
    steering = Steering()
    human = settings.policy == "human"
    display = open_progress(verbosity=verbosity, budget=settings.limits.cost, steps=settings.limits.steps, person=human)
    if confirm:
        steering.confirm = terminal_confirm(display)
    ask = (lambda: interrupt_menu(steering, display)) if interactive() and not human and verbosity else None
    with display as progress, stoppable(ask):
        yield progress, steering


def _check_policy(settings: Settings) -> None:
    """Refuse a model that cannot be asked, or a script that cannot be played, before anything is built.

    Raises:
        UsageError, StorageError: as `policy_for`.
    """
    from sweagent.policy import Budget, policy_for, with_token_limit

    kept = with_token_limit(settings)
    policy_for(kept, Budget(kept.limits.cost, kept.limits.tokens))
