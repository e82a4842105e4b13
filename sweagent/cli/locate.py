"""`fix-issue locate REPO ISSUE`: where the fix is likely to be, without a model."""

from typing import TYPE_CHECKING, Annotated

import typer

from sweagent.cli import options

if TYPE_CHECKING:
    from sweagent.code import Localisation


def command(
    repo: Annotated[str, typer.Argument(metavar="REPO", help="A path, a git URL or owner/name.")],
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="A number, a URL, a file, `-` for stdin, or text.")],
    limit: Annotated[int, typer.Option(min=1, help="How many files, and how many definitions.")] = 10,
    base: Annotated[str | None, typer.Option(help="The commit to look at; HEAD by default.")] = None,
    as_json: options.Json = False,
) -> None:
    """Rank the files and the functions or classes that an issue is likely to be fixed in, with reasons."""
    from sweagent.code import locate, open_index
    from sweagent.forge import read_issue
    from sweagent.forge.address import token_from_environment
    from sweagent.repository import open_repository

    repository = open_repository(repo, base=base)
    found = read_issue(
        issue, repository_source=repository.source, repository_name=repository.name, token=token_from_environment()
    )
    with open_index(repository.git_dir, repository.base_commit) as index:
        localisation = locate(index, found.text, limit)
    if as_json:
        print(localisation.model_dump_json(indent=2))
    else:
        _show(localisation)


def _show(localisation: "Localisation") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from sweagent.code import printable

    console = Console(emoji=False)
    if not localisation.files:
        console.print("No source file of the repository could be ranked.")
        return
    files = Table("share", "file", "why", title="Files", title_justify="left", box=None)
    for hit in localisation.files:
        files.add_row(f"{hit.score:.0%}", escape(printable(hit.path)), escape(hit.reason))
    definitions = Table("share", "definition", "where", "why", title="Definitions", title_justify="left", box=None)
    for item in localisation.definitions:
        where = f"{printable(item.path)}:{item.start}-{item.end}"
        definitions.add_row(f"{item.score:.0%}", escape(printable(item.name)), escape(where), escape(item.reason))
    console.print(files)
    console.print()
    console.print(definitions)
