"""The steps of the composite action, as `python -I -m sweagent.cli.action STEP`. Each has only the secrets it needs."""

import typer

app = typer.Typer(help="The steps of the GitHub action.", add_completion=False, rich_markup_mode=None)


@app.command("gate")
def gate() -> None:
    """Decide whether the event starts a run, and say on the issue that it did."""
    from sweagent.forge.action_gate import run_gate

    raise typer.Exit(run_gate())


@app.command("issue")
def issue() -> None:
    """Read the issue as it was when the run was asked for, and write it to a file."""
    from sweagent.forge.action_gate import write_issue

    raise typer.Exit(write_issue())


@app.command("run")
def run() -> None:
    """Resolve the issue in a process that has no token of the forge."""
    from sweagent.forge.action_run import run_agent

    raise typer.Exit(run_agent())


@app.command("verify")
def verify() -> None:
    """Judge the patch of another job anew, without the model's key and without a token."""
    from sweagent.forge.action_verify import run_verify

    raise typer.Exit(run_verify())


@app.command("publish")
def publish() -> None:
    """Look at the patch, push it, open the pull request, and finish the comment."""
    from sweagent.forge.action_publish import run_publish

    raise typer.Exit(run_publish())


if __name__ == "__main__":
    app()
