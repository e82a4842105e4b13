"""`fix-issue runs`: list, filter and remove recorded runs."""

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from sweagent.cli import options
from sweagent.cli.completion import run_names

if TYPE_CHECKING:
    from sweagent.run_list import RunEntry

app = typer.Typer(help="Recorded runs: list, rm, prune.", no_args_is_help=False, rich_markup_mode=None)

_AGE = re.compile(r"(\d+)\s*(h|d|w)")
_HOURS = {"h": 1, "d": 24, "w": 168}
_ID = "A run's folder, its name or the start of it, or `last`."


@app.callback(invoke_without_command=True)
def list_(
    context: typer.Context,
    repo: Annotated[str, typer.Option(help="Only runs on repositories whose name contains this.")] = "",
    verdict: Annotated[str, typer.Option(help="Only this verdict; also `running` or `unfinished`.")] = "",
    since: Annotated[
        str, typer.Option(help="Only runs since this date (2026-11-30), or not older than 12h, 7d, 2w.")
    ] = "",
    limit: Annotated[int, typer.Option(min=0, help="Maximum number of runs, the latest first; 0 for all.")] = 30,
    as_json: options.JsonLines = False,
) -> None:
    """List recorded runs, the latest first: what each was about, its verdict, what it cost, where its patch is.

    Wherever a command takes RUN, the start of a run's name that no other has will do, and `last` is the latest.
    """
    if context.invoked_subcommand is not None:
        return
    from sweagent.cli.console import counted, money, wrapped
    from sweagent.cli.rows import print_rows
    from sweagent.run_folder import runs_folder
    from sweagent.run_list import list_runs

    verdict = _verdict(verdict)
    after = _moment(since) if since else None
    entries = [entry for entry in list_runs() if _wanted(entry, repo, verdict, after)]
    shown = entries[: limit or None]
    if as_json:
        for entry in shown:
            print(entry.model_dump_json())
        return
    if not shown:
        print("no runs")
        return
    piped = not sys.stdout.isatty()
    rows = [
        (
            entry.run_id,
            entry.verdict,
            money(entry.cost) if entry.exit_status else "",
            f"{entry.started.astimezone():%Y-%m-%d %H:%M}",
            entry.issue,
            *([entry.patch] if piped else []),
        )
        for entry in shown
    ]
    print_rows(("run", "verdict", "cost", "started", "issue", *(["patch"] if piped else [])), rows)
    if not piped:
        print(wrapped(f"\npatches: {runs_folder()}/RUN/patch.diff, or fix-issue show RUN --diff", sys.stdout))
    if len(entries) > len(shown):
        print(f"{counted(len(entries) - len(shown), 'older run')} not shown; --limit 0 shows all")


@app.command("rm")
def remove(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help=_ID, autocompletion=run_names)],
) -> None:
    """Remove recorded runs, their patches and proofs too."""
    from sweagent.errors import UsageError
    from sweagent.run_folder import RunFolder, find_run
    from sweagent.run_list import entry_of

    entries = []
    for folder in dict.fromkeys(find_run(name).path.resolve() for name in runs):
        entry = entry_of(RunFolder(folder))
        if entry is None:
            raise UsageError(f"{folder} is not a run of this version of fix-issue", "remove its folder yourself")
        entries.append(entry)
    _remove(entries)


@app.command()
def prune(
    older_than: Annotated[str, typer.Option(help="Remove runs that began longer ago: 12h, 30d, 8w.")],
    dry_run: Annotated[bool, typer.Option(help="Say which, and remove nothing.")] = False,
) -> None:
    """Remove old runs of the user's state folder; those that run now stay."""
    from sweagent.run_list import list_runs
    from sweagent.run_list import older_than as select

    entries = select(list_runs(), _age(older_than, "--older-than"))
    if dry_run:
        for entry in entries:
            print(f"would remove {entry.run_id} ({entry.verdict})")
    else:
        _remove(entries)


def _remove(entries: "list[RunEntry]") -> None:
    from sweagent.cli.console import counted
    from sweagent.run_list import remove_run

    size = 0
    for entry in entries:
        size += remove_run(entry)
        print(f"removed {entry.run_id}")
    print(f"{counted(len(entries), 'run')} removed, {size / 1e6:.1f} MB")


def _wanted(entry: "RunEntry", repo: str, verdict: str, after: datetime | None) -> bool:
    if repo.lower() not in entry.repository.lower() or (verdict and entry.verdict != verdict):
        return False
    return after is None or entry.started >= after


def _verdict(text: str) -> str:
    """A verdict as the list has it.

    Raises:
        UsageError: no run can have it.
    """
    from sweagent.errors import UsageError
    from sweagent.run_list import RUNNING, UNFINISHED
    from sweagent.verdict import Verdict

    known = [*Verdict, RUNNING, UNFINISHED]
    wanted = re.sub(r"[-_\s]+", " ", text.strip().lower())
    if wanted and wanted not in known:
        raise UsageError(f"--verdict {text} is no verdict", f"one of: {', '.join(known)}")
    return wanted


def _moment(text: str) -> datetime:
    from sweagent.errors import UsageError

    try:
        if _AGE.fullmatch(text.strip()):
            return datetime.now(UTC) - _age(text, "--since")
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"--since {text} is no date", "write 2026-11-30, or an age: 12h, 7d, 2w") from error


def _age(text: str, option: str) -> timedelta:
    from sweagent.errors import UsageError

    match = _AGE.fullmatch(text.strip())
    try:
        age = timedelta(hours=int(match[1]) * _HOURS[match[2]]) if match else None
        if age is not None and datetime.now(UTC) - age:
            return age
    except (ValueError, OverflowError):
        pass  # longer than there is time
    raise UsageError(f"{option} {text} is no age", "write 12h, 30d or 8w")
