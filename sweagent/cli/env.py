"""`fix-issue env`: show, build, test, list and prune environments."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweagent.cli import options
from sweagent.cli.console import wrapped
from sweagent.cli.heartbeat import first_word
from sweagent.printable import printable_text as safe

if TYPE_CHECKING:
    from sweagent.cli.progress import PlainProgress
    from sweagent.config import Settings
    from sweagent.environment import Image, Recipe
    from sweagent.environment.docker_build import Log
    from sweagent.task import Repository

app = typer.Typer(
    help="Environments of repositories: show, build, test, list, prune.", no_args_is_help=True, rich_markup_mode=None
)

Repo = Annotated[str, typer.Argument(metavar="REPO", help="A path, a git URL or owner/name.")]
Commit = Annotated[str | None, typer.Option("--commit", help="A commit, branch or tag; HEAD by default.")]


@app.command(short_help="Print what an environment would hold, and why.")
def show(
    repo: Repo,
    commit: Commit = None,
    as_json: options.Json = False,
    dockerfile: Annotated[bool, typer.Option("--dockerfile", help="Print the Dockerfile instead.")] = False,
    api_url: options.ApiUrl = None,
    config: options.ConfigFile = None,
) -> None:
    """Print the recipe, each line with the place it was read from, and what a build of it lacks; nothing is built."""
    from sweagent.environment.build.recipe_text import as_text

    recipe, _, _ = _recipe(repo, commit, None, api_url, config, lambda line: typer.echo(line, err=True))
    if dockerfile:
        from sweagent.environment.bases.base_image import Base
        from sweagent.environment.build.dockerfile import render_dockerfile

        typer.echo(render_dockerfile(recipe, Base(name=recipe.base or "BASE")))
    else:
        from sweagent.environment.build import lockfile

        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        text = wrapped(safe(as_text(recipe, lockfile.read(recipe.key()), columns)), sys.stdout, " " * 14)
        typer.echo(recipe.model_dump_json(indent=1) if as_json else text)


@app.command(short_help="Build an environment; prints its image's name.")
def build(
    repo: Repo,
    commit: Commit = None,
    image: options.Image = None,
    lock: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Build what FILE records; write it when it is not there.", dir_okay=False),
    ] = None,
    api_url: options.ApiUrl = None,
    config: options.ConfigFile = None,
    verbose: options.Verbose = 0,
) -> None:
    """Build the environment, or say that it is there already; prints the image's name."""
    first_word(f"opening {repo}")
    with _progress(verbose) as progress:
        if lock is not None and lock.exists():
            ready = _as_locked(lock, repo, commit, image, api_url, config, progress.note)
        else:
            ready = _ready(repo, commit, image, api_url, config, progress.note)
            if lock is not None:
                _keep_lock(ready, lock)
    for step in ready.steps:
        typer.echo(safe(step), err=True)
    _say_lacks(ready)
    typer.echo(ready.name)


@app.command("test", short_help="Build an environment and run the tests in it.")
def run_tests(
    repos: Annotated[
        list[str],
        typer.Argument(metavar="REPO...", help="A path, a git URL or owner/name; of several each may be REPO@COMMIT."),
    ],
    commit: Commit = None,
    executor: options.Executor = None,
    nodes: options.Nodes = 1,
    workers: Annotated[
        int | None, typer.Option("--workers", "-w", min=1, help="Of several: how many at a time at each node.")
    ] = None,
    image: options.Image = None,
    seconds: Annotated[
        float,
        typer.Option(help="Limit of a run; a suite of which no test has ended by then is tried by a few files."),
    ] = 600.0,
    api_url: options.ApiUrl = None,
    config: options.ConfigFile = None,
    verbose: options.Verbose = 0,
) -> None:
    """Build the environment and run the repository's tests in it; exits with 10 when none can run."""
    if len(repos) > 1 or executor:
        _try_many(repos, commit, image, seconds, executor or [], nodes, workers, config, verbose)
        return
    (repo,) = repos
    first_word(f"opening {repo}")
    from sweagent.cli.console import duration
    from sweagent.environment.build.smoke import smoke_test
    from sweagent.errors import EnvironmentBuildError

    with _progress(verbose) as progress:
        ready = _ready(repo, commit, image, api_url, config, progress.note)
        progress.note(f"running the tests: {ready.test_command}")
        progress.doing(f"running the tests, for at most {duration(seconds)}")
        smoke = smoke_test(ready, seconds=seconds)
    typer.echo(safe(smoke.text()))
    _say_lacks(ready)
    if not smoke.ran:
        raise EnvironmentBuildError("no test ran", "see the output above; correct `environment:` in .fix-issue.yaml")


def _try_many(
    repos: list[str],
    commit: str | None,
    image: str | None,
    seconds: float,
    executor: list[str],
    nodes: int,
    workers: int | None,
    config: Path | None,
    verbose: int,
) -> None:
    """Build and test several environments, on other machines too."""
    from sweagent.batch.nodes.choose import open_executor
    from sweagent.batch.trial.trials import try_environments
    from sweagent.cli.signals import stoppable
    from sweagent.errors import EnvironmentBuildError
    from sweagent.settings_sources import read_sources

    settings = read_sources(options.settings_options(image=image), config=config).settings()
    wanted = [_with_commit(repo, commit) for repo in repos]
    with _progress(verbose) as progress, stoppable():
        trials = try_environments(
            wanted,
            settings,
            seconds=seconds,
            workers=workers,
            executor=open_executor(executor, nodes),
            done=lambda trial: typer.echo(safe(f"{trial.repository}: {trial.text.splitlines()[-1]}")),
            note=progress.note,
        )
    failed = [trial.repository for trial in trials if not trial.ran]
    if failed:
        raise EnvironmentBuildError(
            f"no test ran in {len(failed)} of {len(trials)}: {', '.join(failed[:5])}",
            "try one alone to see its output; correct `environment:` in .fix-issue.yaml",
        )


def _with_commit(repo: str, commit: str | None) -> tuple[str, str]:
    """A repository and its commit, from `REPO@COMMIT`; an address such as `git@host:name` has none."""
    name, mark, said = repo.rpartition("@")
    return (name, said) if mark and name and not {"/", ":"} & set(said) else (repo, commit or "")


@app.command(short_help="Make the base image from Debian packages (as root).")
def base() -> None:
    """Make the base image from Debian packages ahead of need: for machines without an image registry; needs root."""
    from sweagent.environment.bases.offline_base import debian_image
    from sweagent.sandbox.engine import connect

    client = connect()
    try:
        typer.echo(debian_image(client, typer.echo))
    finally:
        client.close()


@app.command("list", short_help="List environments, the latest used first.")
def list_() -> None:
    """List the environments on this machine, the most recently used first."""
    from sweagent.cli.rows import print_rows
    from sweagent.environment import disk_use, list_images
    from sweagent.sizes import format_size

    rows = [
        (
            image.name,
            format_size(image.size),
            f"{image.used:%Y-%m-%d %H:%M}",
            f"{image.repository}@{image.commit[:12]}",
        )
        for image in list_images()
    ]
    if not rows:
        typer.echo("there are no environments on this machine: `fix-issue env build REPO` makes one")
        return
    print_rows(("environment", "size", "last used", "of"), rows)
    typer.echo(f"in all {format_size(disk_use())}, shared layers counted once")


@app.command(short_help="Remove the least recently used environments.")
def prune(limit: Annotated[str, typer.Option(help="What may stay, such as 20g; 0 removes all.")] = "20g") -> None:
    """Remove the least recently used environments until the rest takes no more than the limit."""
    from sweagent.cli.console import counted
    from sweagent.environment import prune as remove
    from sweagent.sizes import parse_size

    removed = remove(parse_size(limit, may_be_zero=True))
    for image in removed:
        typer.echo(f"removed {image.name} ({image.repository}@{image.commit[:12]})")
    typer.echo(f"{counted(len(removed), 'environment')} removed")


def _say_lacks(ready: "Image") -> None:
    for lack in ready.lacks:
        typer.echo(safe(f"lacks: {lack}"), err=True)


def _keep_lock(ready: "Image", file: Path) -> None:
    from sweagent.environment.build import lockfile
    from sweagent.errors import UsageError

    lock = lockfile.read(ready.name.rsplit(":", 1)[-1])
    if lock.recipe is None:
        raise UsageError(f"{ready.name} was not built here: there is nothing to record", "name the image by its digest")
    lockfile.save(lock, file)


def _as_locked(
    file: Path, repo: str, commit: str | None, image: str | None, api_url: str | None, config: Path | None, log: "Log"
) -> "Image":
    from sweagent.cli.run import open_with_settings
    from sweagent.environment.build import lockfile
    from sweagent.environment.build.image_build import ensure_locked
    from sweagent.errors import UsageError
    from sweagent.settings_sources import read_sources

    lock = lockfile.load(file)
    if image or lock.recipe is None:
        raise UsageError("--image and --lock exclude each other", "give one of them")
    sources = read_sources(config=config)
    base = commit or lock.recipe.commit
    repository, settings, _ = open_with_settings(repo, sources, log, base=base, api_url=api_url)
    return ensure_locked(lock, repository, settings, log=log)


def _ready(
    repo: str, commit: str | None, image: str | None, api_url: str | None, config: Path | None, log: "Log"
) -> "Image":
    from sweagent.environment import ensure_image

    recipe, repository, settings = _recipe(repo, commit, image, api_url, config, log)
    return ensure_image(recipe, repository, settings, log=log)


def _recipe(
    repo: str, commit: str | None, image: str | None, api_url: str | None, config: Path | None, log: "Log"
) -> "tuple[Recipe, Repository, Settings]":
    from sweagent.cli.run import open_with_settings
    from sweagent.environment import discover
    from sweagent.settings_sources import read_sources

    sources = read_sources(options.settings_options(image=image), config=config)
    repository, settings, _ = open_with_settings(repo, sources, log, base=commit, api_url=api_url)
    recipe = discover(repository.git_dir, repository.base_commit, name=repository.name, overrides=settings.environment)
    return recipe, repository, settings


def _progress(verbose: int) -> "PlainProgress":
    """Shows what is done, and what the build itself prints when asked for."""
    from sweagent.cli.progress import open_progress

    return open_progress(verbosity=1 + verbose)
