"""`fix-issue map REPO`: the definitions that matter most."""

from typing import Annotated

import typer

from sweagent.cli import options


def command(
    repo: Annotated[str, typer.Argument(metavar="REPO", help="A path, a git URL or owner/name.")],
    question: Annotated[str, typer.Option("--for", help="What the map is for: an issue's text or a few words.")] = "",
    tokens: Annotated[int, typer.Option(min=1, help="How many tokens the map may cost, by estimate.")] = 1000,
    base: Annotated[str | None, typer.Option(help="The commit to look at; HEAD by default.")] = None,
    api_url: options.ApiUrl = None,
    as_json: options.Json = False,
) -> None:
    """Print the signatures that matter most, grouped by file; without --for, those that are used most."""
    import json

    from sweagent.cli.heartbeat import busy

    with busy("reading the repository"):
        from sweagent.code import count_tokens, open_index
        from sweagent.code.repo_map import repo_map
        from sweagent.forge.api.address import remote_options
        from sweagent.repository import open_repository
        from sweagent.tool_support.text import visible

        repository = open_repository(repo, base=base, **remote_options(repo, api_url))
        with open_index(repository.git_dir, repository.base_commit) as index:
            text = repo_map(index, question, tokens)
    if as_json:
        print(json.dumps({"commit": repository.base_commit, "tokens": count_tokens(text), "map": text}, indent=2))
    else:
        print(visible(text))
