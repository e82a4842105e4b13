"""`fix-issue clean`: remove what killed runs have left behind."""

import typer


def command() -> None:
    """Remove the sandboxes of ended or killed runs; those of live runs are not touched."""
    from sweagent.cli.console import counted
    from sweagent.sandbox import remove_leftovers

    removed = remove_leftovers()
    for name in removed:
        typer.echo(f"removed {name}")
    typer.echo(f"{counted(len(removed), 'leftover')} removed")
