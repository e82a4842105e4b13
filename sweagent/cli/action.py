"""Steps of the composite action: `python -I -m sweagent.cli.action STEP`."""

import os
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sweagent.forge.action.workflow import Workflow

app = typer.Typer(help="The steps of the GitHub action.", add_completion=False, rich_markup_mode=None)


def _workflow(*, with_passed: bool = False) -> "Workflow":
    """The workflow with all of its variables, of which libraries are left none but the allowed ones.

    Args:
        with_passed: leave those, too, that `pass-env` names; only where there is neither a key nor a token.
    """
    from sweagent.forge.action.environment import keep_allowed
    from sweagent.forge.action.inputs import Inputs
    from sweagent.forge.action.workflow import Workflow
    from sweagent.home import ignore_dotenv_files
    from sweagent.waiting import Countdown, tell_of_waits

    workflow = Workflow()
    keep_allowed(os.environ, Inputs(workflow).words("pass-env") if with_passed else ())
    ignore_dotenv_files()
    tell_of_waits(Countdown(workflow.log))
    return workflow


@app.command("gate")
def gate() -> None:
    """Decide whether the event starts a run, and say on the issue that it did."""
    from sweagent.forge.action.gate_step import run_gate

    raise typer.Exit(run_gate(_workflow()))


@app.command("issue")
def issue() -> None:
    """Read the issue as it was when the run was asked for, and write it to a file."""
    from sweagent.forge.action.gate_step import write_issue

    raise typer.Exit(write_issue(_workflow()))


@app.command("run")
def run() -> None:
    """Resolve the issue in a process that has no token of the forge."""
    from sweagent.forge.action.run_step import run_agent

    raise typer.Exit(run_agent(_workflow()))


@app.command("verify")
def verify() -> None:
    """Judge the patch of another job anew, without the model's key and without a token."""
    from sweagent.forge.action.verify_step import run_verify

    raise typer.Exit(run_verify(_workflow(with_passed=True)))


@app.command("publish")
def publish() -> None:
    """Look at the patch, push it, open the pull request, and finish the comment."""
    from sweagent.forge.action.publish_step import run_publish

    raise typer.Exit(run_publish(_workflow()))


if __name__ == "__main__":
    app()
