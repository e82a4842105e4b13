"""Run where nothing of the harness can be seen."""

import secrets
import shlex
from collections.abc import Collection

from sweagent.verify.proof import Finding
from sweagent.verify.reproduction.failures import said
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.reproduction.trial import Sides
from sweagent.verify.runs.script_driver import source_of
from sweagent.verify.runs.side_runner import Command, CommandResult, SideRunner

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


def right_only_at_home(
    candidate: ReproductionCandidate, bench: SideRunner, sides: Sides, known: Collection[str]
) -> Finding | None:
    """Whether a reproduction fails with the patch, twice and just as on the base, where nobody sees the harness.

    Args:
        candidate: a reproduction that passes with the patch where it usually runs.
        bench: runs it; one run tells where it passes here, too.
        sides: the trees.
        known: what its usual runs on the base came to; what fails otherwise here fails for want of the usual house.

    Raises:
        SandboxError: the sandbox failed.
    """
    job = Command(
        "reproduction, in another house",
        in_another_house(candidate.command),
        bench.remaining * candidate.share,
        files={path: source_of(data) for path, data in candidate.files.items()},
        runner=candidate.runner,
        plain=True,
        shown=candidate.command,
    )
    failure = _failure(bench.run(sides.patched, job))
    if failure not in known:
        return None
    base, patched = bench.together((sides.base, job), (sides.patched, job))
    if {_failure(base), _failure(patched)} != {failure}:
        return None
    detail = f"it fails as on the base where nothing of the harness is to be seen: {failure}"
    return Finding(rule="harness-aware", path=candidate.path, detail=detail)


def _failure(run: CommandResult) -> str:
    """What a run failed by, as the proof tells it; empty for one that did not."""
    return "" if run.completed.exit_code == 0 or run.completed.timed_out else said(run, run.report.failures)
