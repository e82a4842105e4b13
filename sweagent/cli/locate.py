"""`fix-issue locate REPO ISSUE`: where the fix is likely to be."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweagent.cli import options
from sweagent.errors import UsageError

if TYPE_CHECKING:
    from sweagent.code import CoveredRun, Localisation

_PLACES = 1000
"""Definitions of the ranking by the words that a run can lift."""


def command(
    repo: Annotated[str, typer.Argument(metavar="REPO", help="A path, a git URL or owner/name.")],
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="A number, a URL, a file, `-` for stdin, or text.")],
    limit: Annotated[int, typer.Option(min=1, help="How many files, and how many definitions.")] = 10,
    base: Annotated[str | None, typer.Option(help="The commit to look at; HEAD by default.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="What a failing run printed: its tracebacks move the ranking.")
    ] = None,
    failed: Annotated[
        list[Path] | None,
        typer.Option(help="What a failing run covered, as `coverage json` tells it; may be repeated."),
    ] = None,
    passed: Annotated[list[Path] | None, typer.Option(help="The same of a passing run; may be repeated.")] = None,
    api_url: options.ApiUrl = None,
    as_json: options.Json = False,
) -> None:
    """Rank the files and the functions or classes that an issue is likely to be fixed in, with reasons."""
    from sweagent.cli.heartbeat import busy

    with busy("reading the repository"):
        from sweagent.code import locate, open_index, rerank
        from sweagent.forge import read_issue
        from sweagent.forge.api.address import remote_options, token_from_environment
        from sweagent.repository import open_repository

        printed = _read(output) if output else ""
        runs = [*_runs(failed or (), failed=True), *_runs(passed or (), failed=False)]
        repository = open_repository(repo, base=base, **remote_options(repo, api_url))
        found = read_issue(
            issue,
            repository_source=repository.source,
            repository_name=repository.name,
            api_url=api_url,
            token=token_from_environment(),
        )
        with open_index(repository.git_dir, repository.base_commit) as index:
            if printed or runs:
                localisation = rerank(index, locate(index, found.text, _PLACES), output=printed, runs=runs, limit=limit)
            else:
                localisation = locate(index, found.text, limit)
    if as_json:
        print(localisation.model_dump_json(indent=2))
    else:
        _show(localisation)


def _runs(reports: Sequence[Path], *, failed: bool) -> "list[CoveredRun]":
    from sweagent.code import covered_run

    runs: list[CoveredRun] = []
    for path in reports:
        try:
            runs.append(covered_run(_read(path), failed=failed))
        except ValueError as error:
            raise UsageError(f"{path}: {error}", "make one with `coverage json -o FILE` after the run") from error
    return runs


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "give a file that is there") from error


def _show(localisation: "Localisation") -> None:
    from sweagent.cli.rows import print_rows
    from sweagent.code.printable import printable

    if not localisation.files:
        print("No source file of the repository could be ranked.")
        return
    files = [(printable(hit.path), f"{hit.score:.0%}", hit.reason) for hit in localisation.files]
    print_rows(("file", "share", "why"), files, title="Files")
    print()
    definitions = [
        (printable(item.name), f"{printable(item.path)}:{item.start}-{item.end}", f"{item.score:.0%}", item.reason)
        for item in localisation.definitions
    ]
    print_rows(("definition", "where", "share", "why"), definitions, title="Definitions")
