"""`fix-issue doctor`: what is present, and how to mend what is not."""

import sys

import typer

from sweagent.cli import options


def command(as_json: options.Json = False) -> None:
    """Look for sandboxes, keys, images and leftovers; the exit code is 10 when no sandbox works."""
    import json

    from sweagent.cli.checkup import Check, checkup
    from sweagent.cli.console import safe, wrapped
    from sweagent.cli.heartbeat import busy
    from sweagent.errors import ExitCode

    checks: list[Check] = []
    for what, group in checkup():
        with busy(what, quiet=as_json):
            found = list(group)
        checks += found
        for check in [] if as_json else found:
            print(wrapped(f"{check.state:8} {check.name}: {safe(check.text)}", sys.stdout, " " * 11))
            if check.hint:
                print(wrapped(f"{'':8}   {check.hint}", sys.stdout, " " * 11))
    if as_json:
        typer.echo(json.dumps([check.model_dump() for check in checks]))
    if not any(check.state == "ok" for check in checks if check.name in ("docker", "bubblewrap")):
        raise typer.Exit(ExitCode.SANDBOX)
