"""Run where nothing of the harness can be seen."""

import json
import secrets
import shlex
from dataclasses import replace
from pathlib import PurePosixPath

from sweagent.printable import one_line
from sweagent.testing import Runner
from sweagent.testing.javascript import parse_tap
from sweagent.verify.monitors import monitor_source
from sweagent.verify.proof import Finding
from sweagent.verify.reproduction.commands import node_of
from sweagent.verify.reproduction.failures import words_of_failures
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.script_driver import source_of
from sweagent.verify.runs.side_runner import Command, CommandResult, SideRunner
from sweagent.verify.runs.sides import Sides

_FILE = "const FILE = '';\n"
_SHOWN = 200
_NAMES = ("src", "project", "checkout", "code", "work", "main", "dev")

_SCRIPT = """\
for place in /srv "$HOME" /var/tmp /tmp; do
  place=$place/{name}
  mkdir -p "$place" 2>/dev/null && cp -a . "$place" 2>/dev/null && break
done
find "$place" -type f -newermt "1 hour ago" -exec touch -h -d "{age} days ago" {{}} + 2>/dev/null
trap 'rm -rf -- "$place"' EXIT
cd "$place" || exit 125
unset PYTHONHASHSEED PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED PIP_NO_INPUT PIP_DISABLE_PIP_VERSION_CHECK
unset MANPAGER PAGER GIT_PAGER EDITOR VISUAL GIT_EDITOR GIT_SEQUENCE_EDITOR
unset GIT_TERMINAL_PROMPT GIT_SSH_COMMAND DEBIAN_FRONTEND
if command -v script >/dev/null 2>&1; then
  script -qec {command} /dev/null </dev/null
else
  sh -c {command} </dev/null >"$place.log" 2>&1
  status=$?; cat "$place.log"; rm -f "$place.log"; exit $status
fi
"""


def in_another_house(command: str) -> str:
    """The shell command in a copy of the work tree under another name, with a terminal where there is one.

    What was written just now, as the patched files were, is as old there as an installed package may be.

    Args:
        command: what a person would run from the repository's root.
    """
    name = f"{secrets.choice(_NAMES)}-{secrets.token_hex(2)}"
    return _SCRIPT.format(name=name, age=30 + secrets.randbelow(300), command=shlex.quote(command))


def elsewhere(path: str) -> str:
    """A path as deep as that of a file of tests, without a word of tests in it."""
    token = secrets.token_hex(2)
    pure = PurePosixPath(path)
    folder = pure.parent.with_name(f"part_{token}") if pure.parent.name else pure.parent
    return str(folder / f"run_{token}{pure.suffix}")


def right_only_at_home(candidate: ReproductionCandidate, bench: SideRunner, sides: Sides) -> Finding | None:
    """Whether a reproduction fails with the patch, twice and just as on the base, where nobody sees the harness.

    Files of tests for Node's runner are loaded several times there, by a process that is some days old.

    Args:
        candidate: a reproduction that passes with the patch where it usually runs.
        bench: runs it; one run tells where it passes here, too.
        sides: the trees.

    Raises:
        SandboxError: the sandbox failed.
    """
    path = elsewhere(candidate.path)
    files = {name: source_of(data) for name, data in candidate.files.items()}
    command = _many_times(candidate, path) if candidate.path in files else ""
    if command:
        files[path] = files[candidate.path]
    command = command or candidate.command
    at_home = Command(
        "reproduction, as a person runs it",
        command,
        bench.remaining * candidate.share,
        files=files,
        runner=candidate.runner,
        plain=True,
        shown=candidate.command,
    )
    job = replace(at_home, purpose="reproduction, in another house", command=in_another_house(command))
    found = _failures(bench.run(sides.patched, job))
    if not found:
        return None
    # What the house lacks fails there on both sides, and not as the base does at home.
    base, patched = bench.together((sides.base, at_home), (sides.patched, job))
    again = sorted(found & _failures(base) & _failures(patched))
    if not again:
        return None
    detail = f"it fails as on the base where nothing of the harness is to be seen: {one_line(again[0][1], _SHOWN)}"
    return Finding(rule="harness-aware", path=candidate.path, detail=detail)


def _many_times(candidate: ReproductionCandidate, path: str) -> str:
    """The command that loads a file of tests for Node's runner again and again; empty for anything else."""
    node = node_of(candidate.command) if candidate.runner is Runner.NODE else ""
    if not node:
        return ""
    source = monitor_source("node_many_times.cjs").replace(_FILE, f"const FILE = {json.dumps(path)};\n")
    # TAP tells what the values were; a Node that does not know the option ends alike on both sides, which says nothing.
    return f"printf %s {shlex.quote(source)} | {node} --test-reporter=tap -"


def _failures(run: CommandResult) -> set[tuple[str, str]]:
    """What a run failed by; nothing where it did not come to its end, or where nothing shows what failed."""
    if run.completed.exit_code == 0 or run.completed.timed_out:
        return set()
    if run.job.runner is Runner.NODE:
        # By its totals a text seems to tell more, where one test is reported several times.
        run = replace(run, report=parse_tap(run.completed.output, Runner.NODE, run.completed.exit_code))
    return {(name, words) for name, words in words_of_failures(run).items() if words}
