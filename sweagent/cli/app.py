"""The commands, put together, and the one place where errors become messages and exit codes."""

import errno
import io
import json
import os
import sys
from typing import Annotated, Any

import typer

from sweagent import __version__
from sweagent.cli import (
    batch,
    clean,
    demo,
    doctor,
    env,
    evaluate,
    locate,
    models,
    pr,
    predictions,
    recheck,
    report,
    resume,
    show,
    solve,
    verify,
)
from sweagent.cli import map as map_command

HELP = """Resolve an issue in a repository, with proof.

\b
  fix-issue REPO ISSUE [OPTIONS]     the main job; `fix-issue solve --help` lists its options

REPO is a path, a git URL or owner/name. ISSUE is a number, a URL, a file, `-` for standard input, or text.
"""

EPILOG = """Exit codes: 0 verified, 7 needs review, 3 unverified, 4 regressed, 5 rejected, 6 no patch; 2 wrong usage,
10 sandbox or environment, 11 model, 12 forge or git, 13 disk, 1 internal error, 130 interrupted, 143 terminated."""

# typer raises click's exceptions, or those of its own copy of click; both have this shape.
_WRONG_USAGE: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

app = typer.Typer(
    help=HELP,
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"fix-issue {__version__}")
        raise typer.Exit


app.command("solve")(solve.command)
app.command("batch")(batch.command)
app.command("predictions")(predictions.command)
app.command("evaluate")(evaluate.command)
app.command("report")(report.command)
app.command("resume")(resume.command)
app.command("verify")(verify.command)
app.command("recheck")(recheck.command)
app.command("pr")(pr.command)
app.command("show")(show.command)
app.command("locate")(locate.command)
app.command("map")(map_command.command)
app.command("models")(models.command)
app.add_typer(env.app, name="env")
app.command("doctor")(doctor.command)
app.command("clean")(clean.command)
app.command("demo")(demo.command)


def run(arguments: list[str]) -> int:
    """Run the command line; the words that start no other command are those of the main job.

    Returns:
        The exit code.
    """
    as_json = "--json" in arguments
    _print_any_text(as_json=as_json)
    try:
        code = _invoke(arguments, as_json=as_json)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        _discard_output()
        return 1
    except OSError as error:
        from sweagent.errors import StorageError

        _discard_output()
        hint = "free some disk space, or write somewhere else"
        return _report(StorageError(f"the output cannot be written: {error.strerror}", hint), as_json=False)


def _invoke(arguments: list[str], *, as_json: bool) -> int:
    group = typer.main.get_group(app)
    if arguments and arguments[0] not in {*group.commands, "-h", "--help", "--version"}:
        arguments = ["solve", *arguments]
    from sweagent.waiting import Countdown, told_of_waits

    try:
        with told_of_waits(Countdown(lambda line: print(line, file=sys.stderr, flush=True))):
            return int(group.main(arguments, prog_name="fix-issue", standalone_mode=False) or 0)
    except typer.Abort:
        return 130
    except Exception as error:
        if isinstance(error, _WRONG_USAGE):
            error.show()
            return int(error.exit_code)
        if isinstance(error, OSError) and error.errno in _UNWRITABLE:
            raise
        return _report(error, as_json=as_json)


def _print_any_text(*, as_json: bool) -> None:
    """Let no character be refused by standard output; JSON is UTF-8 whatever the locale is."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8" if as_json else None, errors="backslashreplace")


def _discard_output() -> None:
    """Let go of what could not be written, so that Python does not try it again at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _report(error: Exception, *, as_json: bool) -> int:
    from sweagent.errors import ExitCode, FixIssueError

    if not isinstance(error, FixIssueError):
        import traceback

        traceback.print_exception(error)
        print(
            "error: a fault of fix-issue itself, please report it; what the run has recorded is kept.", file=sys.stderr
        )
        return ExitCode.INTERNAL
    if as_json:
        print(json.dumps({"error": str(error), "hint": error.hint, "exit_code": int(error.exit_code)}))
    print(f"error: {error}" + (f"\n  hint: {error.hint}" if error.hint else ""), file=sys.stderr)
    return int(error.exit_code)
