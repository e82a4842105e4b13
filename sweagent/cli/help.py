"""`fix-issue help [TOPIC]`: verdicts, exit codes, settings, trust, or a command."""

import re
import shutil
import sys
import textwrap
from typing import Annotated

import typer

_VERDICTS = """\
Verdicts, and the exit codes of `solve`, `verify`, `resume` and `recheck`

  verified       0   a reproduction fails without the patch and passes with it, and no test got worse
  needs review   7   proved, with named things (file, line, what) that a person has to look at; --accept NAME says \
that you did
  unverified     3   no proof: the reason is given
  not verified   3   nothing was run: verification was left out (batch --no-verify)
  regressed      4   tests that passed fail with the patch: they are named
  rejected       5   its run was seen to tamper with how it is judged, or it changes nothing else
  no patch       6   nothing was changed

The harness runs each command on three sides, each time in a fresh sandbox: without the patch, with a comment-only \
change (the control), and with the patch. `not checked` in a proof lists what the verdict does not cover.

`fix-issue show RUN --proof` prints a proof again; `fix-issue recheck proof.json` gives the verdict elsewhere."""

_EXIT_CODES = """\
Exit codes

    0  verified, or the command did what was asked
    1  internal error: a bug of fix-issue
    2  wrong usage: an option, a file or a setting cannot be used
    3  unverified          (batch: a limit left some instances)
    4  regressed
    5  rejected
    6  no patch
    7  needs review
   10  sandbox or environment
   11  model or provider
   12  forge or git
   13  disk
  130  interrupted (Ctrl-C): the patch so far is kept, and `fix-issue resume RUN` goes on
  143  terminated

A delivery that fails (--patch, --apply, --branch, --open-pr) is reported on standard error and in `deliveries` of \
--json; the exit code stays the verdict's."""

_SETTINGS = """\
Settings: later ones win

  1. the profile                  prompts/<profile>/profile.yaml, or --profile ./mine
  2. your own file                {config}
  3. the environment              FIX_ISSUE_LIMITS__COST=1.5 (two underscores between levels)
  4. --config FILE
  5. the command line

`fix-issue init` writes your own file. The most used:

  model.name        as litellm names it, anthropic/claude-sonnet-4-5 for example
  model.api_base    base URL of an OpenAI-compatible server
  limits.cost       US dollars of a run (3.0); limits.tokens, limits.steps (100), limits.seconds (3600)
  sandbox.kind      auto, docker, bubblewrap or local
  verify.rounds     how often a submission that is not verified goes back to the model (2)
  notify            what announces a run's or a batch's end: bell, osc9, or a shell command
  hooks.on_start    a shell command on this machine, likewise on_submit and on_end; it gets FIX_ISSUE_RUN, \
FIX_ISSUE_FOLDER, FIX_ISSUE_VERDICT …

Runs are kept in {runs} (`fix-issue runs`).
On the terminal: NO_COLOR=1 has no colour; --plain has no colour, no boxes and nothing redrawn.
All settings: docs/settings.md."""

_TRUST = """\
Trust: what a repository, an issue and a model may do

- Commands run in a sandbox: no network, no capabilities, bounded memory, processes and disk; keys never enter it.
- `docker` bounds everything; `bubblewrap` isolates files and processes; `local` isolates nothing and is used only \
when you ask for it (and by the demo, which says so).
- Your work tree is never changed unless you say so: --apply, --branch.
- A repository's own .fix-issue.yaml may describe its environment and narrow what the tool does, never widen it.
- --confirm asks before each action that changes something; --network and --allow-host open the network.
- Hooks and notifications come from your own settings only, and from no log and no repository.
- Text of others is printed without control characters: it cannot drive your terminal.

More: SECURITY.md and docs/threat-model.md."""

TOPICS = {"verdicts": _VERDICTS, "exit-codes": _EXIT_CODES, "settings": _SETTINGS, "trust": _TRUST}


def command(
    context: typer.Context,
    topic: Annotated[
        str, typer.Argument(metavar="[TOPIC]", help="verdicts, exit-codes, settings, trust, or a command.")
    ] = "",
) -> None:
    """Explain a topic (verdicts, exit-codes, settings, trust) or a command."""
    from sweagent.errors import UsageError

    group = context.parent
    assert group is not None  # noqa: S101 - a command always has one
    commands = getattr(group.command, "commands", {})
    if not topic:
        print(group.get_help())
    elif topic in TOPICS:
        text = _filled(TOPICS[topic])
        print(_broken(text, shutil.get_terminal_size().columns) if sys.stdout.isatty() else text)
    elif topic in commands:
        found = commands[topic]
        print(found.get_help(type(group)(found, info_name=topic, parent=group)))
    else:
        raise UsageError(f"there is no topic {topic!r}", f"the topics are: {', '.join(TOPICS)}, and the commands")


def _broken(text: str, width: int) -> str:
    """A topic with its lines broken at a width; what goes on stands below where the line's own text begins."""
    lines = []
    for line in text.splitlines():
        head = re.match(r".*\S {2,}(?=\S)| *(?:-|\d+\.) | *", line)
        indent = len(head.group()) if head else 0
        lines += textwrap.wrap(
            line,
            max(20, width),
            subsequent_indent=" " * (indent if indent <= width // 2 else 4),
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(lines)


def _filled(text: str) -> str:
    from sweagent.home import config_folder
    from sweagent.run_folder import runs_folder
    from sweagent.settings_sources import USER_FILE

    return text.replace("{config}", str(config_folder() / USER_FILE)).replace("{runs}", str(runs_folder()))
