"""All commands together; errors become messages and exit codes."""

import difflib
import errno
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from sweagent import __version__
from sweagent.cli import (
    batch,
    clean,
    completion,
    demo,
    doctor,
    env,
    evaluate,
    fork,
    init,
    locate,
    models,
    pr,
    predictions,
    recheck,
    report,
    resume,
    runs,
    show,
    solve,
    verify,
)
from sweagent.cli import help as help_command
from sweagent.cli import map as map_command

HELP = """Resolve an issue in a repository, with proof.

\b
  fix-issue REPO ISSUE [OPTIONS]
    the main job; its options:
    fix-issue solve --help

REPO is a path, a git URL or owner/name. ISSUE is a number, a URL, a file, `-` for standard input, or text.
With any command: --plain has no colour, no boxes and nothing redrawn; NO_COLOR=1 has no colour.
"""

EPILOG = """Exit codes: 0 verified, 7 needs review, 3 unverified, 4 regressed, 5 rejected, 6 no patch; 2 wrong usage,
10 sandbox or environment, 11 model, 12 forge or git, 13 disk, 1 internal error, 130 interrupted, 143 terminated."""

# typer raises click's exceptions, or those of its own copy of click; both have this shape.
_WRONG_USAGE: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

_WIDEST = 100
"""Columns that help takes at most."""
_NARROW, _NAMES = 60, 14
"""Below so many columns, help keeps no more than so many for names of options."""
_USAGE = 2
"""The exit code of wrong usage, kept here so that help loads nothing else."""
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


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fix-issue {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


# A line of 80 characters holds the name of a command and 63 characters of what it does.
for _name, _command, _help in (
    ("solve", solve.command, "Resolve one issue, and prove the patch."),
    ("batch", batch.command, "Run many instances; stop and continue at any time."),
    ("predictions", predictions.command, "Convert predictions to the official form and back."),
    ("evaluate", evaluate.command, "Grade predictions with the official package `swebench`."),
    ("report", report.command, "Report what runs resolved, with intervals, or compare runs."),
    ("resume", resume.command, "Continue a run that was killed, stopped or out of limits."),
    ("fork", fork.command, "Begin another run from a step of a recorded one."),
    ("verify", verify.command, "Judge a patch: reproduction and existing tests, both sides."),
    ("recheck", recheck.command, "Judge the patch of a proof again, on this machine."),
    ("pr", pr.command, "Open a draft pull request with a run's patch and proof."),
    ("show", show.command, "Print a run event by event, its patch or proof, or a batch."),
    ("locate", locate.command, "Rank the files and definitions that an issue is about."),
    ("map", map_command.command, "Print the signatures that matter most, file by file."),
    ("models", models.command, "Print a model's window, prices and settings."),
    ("doctor", doctor.command, "Look for sandboxes, keys, images and leftovers."),
    ("clean", clean.command, "Remove the sandboxes of ended or killed runs."),
    ("init", init.command, "Choose a model, write your settings, run doctor."),
    ("completion", completion.command, "Print a completion script: bash, zsh, fish."),
    ("help", help_command.command, "Explain verdicts, exit-codes, settings, trust, a command."),
    ("demo", demo.command, "Resolve an issue of a bundled repository, without a key."),
):
    app.command(_name, short_help=_help)(_command)
app.add_typer(runs.app, name="runs", short_help="Recorded runs: list and filter them, rm, prune.")
app.add_typer(env.app, name="env", short_help="Environments: show, build, test, list, prune.")


def _fit_narrow_terminals(context: Any) -> None:
    """Let the help of options stand below their names where there is no room beside them."""
    plain = context.formatter_class
    if "write_dl" in vars(plain) and plain.__name__ == "_Narrow":
        return

    def write_dl(self: Any, rows: Any, col_max: int = 30, col_spacing: int = 2) -> None:
        plain.write_dl(self, rows, min(col_max, _NAMES) if self.width < _NARROW else col_max, col_spacing)

    context.formatter_class = type("_Narrow", (plain,), {"write_dl": write_dl})


def run(arguments: list[str]) -> int:
    """Run the command line; the words that start no other command are those of the main job.

    Returns:
        The exit code.
    """
    as_json = "--json" in arguments
    arguments = _without_plain(arguments)
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
    _fit_narrow_terminals(group.context_class)
    if completion.asked():
        completion.prepare(group.commands)
        return int(group.main(arguments, prog_name=completion.PROGRAM, standalone_mode=False) or 0)
    if arguments and arguments[0] not in {*group.commands, "-h", "--help", "--version"}:
        if said := _no_command(arguments, group.commands):
            _print_error(f"error: {said}")
            return _USAGE
        arguments = ["solve", *arguments]
    from sweagent.printable import printable_text
    from sweagent.waiting import Countdown, reported_waits

    try:
        with reported_waits(Countdown(lambda line: print(printable_text(line), file=sys.stderr, flush=True))):
            width = min(shutil.get_terminal_size().columns, _WIDEST)
            # click itself never goes below fifty columns.
            return int(group.main(arguments, "fix-issue", standalone_mode=False, terminal_width=width) or 0)
    except typer.Abort:
        return 130
    except Exception as error:
        if isinstance(error, _WRONG_USAGE):
            return _show_usage(error)
        if isinstance(error, OSError) and error.errno in _UNWRITABLE:
            raise
        return _report(error, as_json=as_json)


def _show_usage(error: Any) -> int:
    """Print an error of click's in our width, without the name of the Python error that a choice was refused by."""
    from sweagent.cli.console import safe, wrapped

    text = io.StringIO()
    error.show(file=text)
    print(wrapped(safe(text.getvalue().replace(": Value error, ", ": ")), sys.stderr), file=sys.stderr)
    return int(error.exit_code)


def _without_plain(arguments: list[str]) -> list[str]:
    """Take `--plain` out, wherever it stands: it is about the terminal and no command's own."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [word for word in arguments[:end] if word != "--plain"]
    if len(kept) < end:
        os.environ["FIX_ISSUE_PLAIN"] = os.environ["NO_COLOR"] = "1"
    return kept + arguments[end:]


def _no_command(arguments: list[str], commands: Iterable[str]) -> str:
    """Say that a first word is no command, where it can be no repository either; empty where it may be one."""
    word = arguments[0]
    if not re.fullmatch(r"[a-z][a-z-]*", word) or os.path.exists(word):
        return ""
    near = difflib.get_close_matches(word, [*commands, "--version"], n=1, cutoff=0.6)
    hint = f"did you mean `fix-issue {near[0]}`?" if near else "`fix-issue --help` lists the commands"
    return f"`{word}` is neither a command nor a repository\n  hint: {hint}"


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
    from sweagent.errors import ExitCode, FixIssueError, please_report
    from sweagent.installed import is_own_requirement, missing_package

    if isinstance(error, ModuleNotFoundError) and is_own_requirement(error.name or ""):
        error = missing_package(error.name or "", "this command")
    if not isinstance(error, FixIssueError):
        import traceback

        traceback.print_exception(error)
        log = next((note for note in getattr(error, "__notes__", ()) if note.endswith(".log")), "")
        hint = please_report(log or "the text above and, of a run, its folder")
        _print_error(f"error: internal error: {type(error).__name__}: {error}\n  hint: {hint}")
        return ExitCode.INTERNAL
    if as_json:
        print(json.dumps({"error": str(error), "hint": error.hint, "exit_code": int(error.exit_code)}))
    _print_error(f"error: {error}" + (f"\n  hint: {error.hint}" if error.hint else ""))
    return int(error.exit_code)


def _print_error(text: str) -> None:
    from sweagent.cli.console import safe, wrapped

    print(wrapped(safe(text), sys.stderr, "  "), file=sys.stderr)
