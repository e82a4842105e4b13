"""What came of a command, said truthfully and in few words."""

import re
import shlex

from sweagent.sandbox.base import Completed
from sweagent.tool_api import ToolContext
from sweagent.tool_support.sandbox_paths import SavedOutputs
from sweagent.tool_support.text import bounded, cut_lines, visible
from sweagent.trajectory import Observation, ObservationStatus

_SAYS_NO = {
    "grep": "nothing was found",
    "egrep": "nothing was found",
    "rg": "nothing was found",
    "diff": "they differ",
    "cmp": "they differ",
    "test": "it is false",
    "[": "it is false",
    "[[": "it is false",
    "which": "there is none",
    "command": "there is none",
    "pgrep": "nothing was found",
}
# After a pipe, bash knows how each part ended; the words are its own text, and nothing is said when all went well. A
# part that was stopped because its reader had enough (141) did well.
_PIPE_NOTE = """
case ${BASH_VERSION:+bash} in bash) eval '__fi_status=$? __fi_pipe="${PIPESTATUS[*]}"
case " ${__fi_pipe//141/0} " in *" 0 ") case " ${__fi_pipe//141/0}" in *[1-9]*)
echo "[exit codes along the pipe: $__fi_pipe]";; esac;; esac; (exit "$__fi_status")' ;; esac"""


def with_pipe_note(command: str) -> str:
    """Let a command that ends in a pipe say which parts of it failed; `false | tail` alone would pass for success."""
    if "<<" in command or not re.search(r"(?<![|>])\|(?!\|)", command):
        return command
    try:
        last = list(shlex.shlex(command.rstrip().rpartition("\n")[2], posix=True, punctuation_chars=True))
    except ValueError:
        return command
    if "|" not in last or last[-1] in ("&", ";", "|", "\\"):
        return command
    return command + _PIPE_NOTE


def clamped(context: ToolContext, timeout: float | None) -> float:
    """The seconds that a command gets: what the call asks for, as far as the limits allow."""
    return min(timeout or context.limits.timeout, context.limits.max_timeout)


def uncut(context: ToolContext) -> int:
    """Bytes up to which an output is shown whole; a longer one is cut to this.

    More than other observations have: what is cut out of the middle of an output is asked for again.
    """
    return context.limits.characters * 3 // 2


def observation(context: ToolContext, command: str, done: Completed, timeout: float) -> Observation:
    """Say what came of a command: its output, then in brackets what the output does not say.

    Args:
        context: the tool's context.
        command: what was run, to explain its exit code.
        done: what came of it.
        timeout: seconds it was given.
    """
    if done.full_output:
        context.state.of(SavedOutputs).paths.add(done.full_output)
    text = cut_lines(visible(done.output)).rstrip("\n")
    # The sandbox has bounded the output; only shown control characters can have made it much longer.
    text, _ = bounded(text, uncut(context) * 3 // 2)
    remarks = [*done.notes]
    if done.timed_out:
        remarks.insert(0, f"ended after {timeout:g} s, its limit; {_longer(context, timeout)}")
    elif done.exit_code is None:
        remarks.insert(0, "the command was ended from outside")
    elif done.exit_code:
        remarks.insert(0, _exit_remark(command, done.exit_code))
    if not text:
        text = "(no output)" if remarks else "(no output, exit 0)"
    said = "".join(f"\n[{remark}]" for remark in remarks)
    return Observation(
        text=text + said,
        status=ObservationStatus.of(ok=done.exit_code == 0, timed_out=done.timed_out),
        exit_code=done.exit_code,
        truncated=done.truncated,
    )


def _longer(context: ToolContext, timeout: float) -> str:
    if timeout >= context.limits.max_timeout:
        return "that is the most there is; `background` has none"
    return f"`timeout` may be up to {context.limits.max_timeout:g}, and `background` has no limit"


def _exit_remark(command: str, code: int) -> str:
    meaning = {126: "not executable", 127: "command not found", 130: "interrupted", 137: "killed", 139: "crashed"}
    if code == 1:
        last = _last_command(command)
        if last in _SAYS_NO:
            return f"exit 1: {last} says that {_SAYS_NO[last]}"
    return f"exit {code}: {meaning[code]}" if code in meaning else f"exit {code}"


def _last_command(command: str) -> str:
    """The name of the command that gave the exit code, as far as can be told without running it."""
    part = re.split(r"\n|;|&&|\|\|?", command.strip())[-1]
    words = [word for word in part.split() if not re.match(r"^(\w+=.*|!|time|then|do)$", word)]
    if words[:2] == ["git", "grep"]:
        return "grep"
    if words[:2] == ["git", "diff"]:
        return "diff"
    return words[0].rpartition("/")[2] if words else ""
