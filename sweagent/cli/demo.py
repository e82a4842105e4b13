"""`fix-issue demo`: the main job on a bundled repository."""

from pathlib import Path
from typing import Annotated

import typer

from sweagent.cli import options


def command(
    sandbox: options.SandboxKind = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The run's folder.")] = None,
    verbose: options.Verbose = 0,
    as_json: options.Json = False,
) -> None:
    """Resolve an issue of a small bundled repository: in a container when an engine answers, else locally."""
    from sweagent.cli.heartbeat import first_word

    first_word("an issue of a bundled repository, resolved by a recorded model and verified")
    import shutil
    import tempfile

    from sweagent.cli.run import start
    from sweagent.resources import resource
    from sweagent.sandbox import choose_kind
    from sweagent.settings_sources import read_sources

    source = resource("trajectories", "demo")
    kind = choose_kind(sandbox or "auto", allow_local=True, note=first_word)
    if sandbox == "local":
        first_word("the sandbox is local, as asked; it isolates nothing")
    given = options.settings_options(sandbox=kind)
    sources = read_sources({**given, "policy": str(source / "run.jsonl"), "profile": "default"})
    with tempfile.TemporaryDirectory(prefix="fix-issue-demo-") as folder:
        repository = Path(folder) / "intervals"
        shutil.copytree(source / "repository", repository)
        commit_all(repository)
        issue = str(source / "issue.md")
        code = start(str(repository), issue, sources, output=output, verbosity=1 + verbose, as_json=as_json, keep=False)
    raise typer.Exit(code)


def commit_all(repository: Path) -> None:
    """Make a git repository of a folder, with everything in one commit."""
    from git import Actor, Repo

    author, date = Actor("fix-issue demo", "demo@localhost"), "2026-01-05T12:00:00"
    with Repo.init(repository, initial_branch="main") as repo:
        repo.git.add(all=True)
        # The same commit every time, so that its environment is built once.
        repo.index.commit("Release 1.2.0", author=author, committer=author, author_date=date, commit_date=date)
