"""`fix-issue doctor`: what is present, and how to mend what is not."""

import typer

from sweagent.cli import options


def command(as_json: options.Json = False) -> None:
    """Look for sandboxes, keys, images and leftovers; the exit code is 10 when no sandbox works."""
    import json

    from sweagent.cli.checkup import checkup
    from sweagent.errors import ExitCode

    checks = checkup()
    if as_json:
        typer.echo(json.dumps([check.model_dump() for check in checks]))
    else:
        for check in checks:
            typer.echo(f"{check.state:8} {check.name}: {check.text}")
            if check.hint:
                typer.echo(f"{'':8}   {check.hint}")
    if not any(check.state == "ok" for check in checks if check.name in ("docker", "bubblewrap")):
        raise typer.Exit(ExitCode.SANDBOX)
