"""Steer a live run from the terminal: the Ctrl-C menu, and `--confirm`."""

from contextlib import AbstractContextManager
from typing import Protocol

from sweagent.agent.steering import Choice, Confirm, Decision, Steering
from sweagent.cli import keys
from sweagent.cli.console import interactive, safe
from sweagent.cli.describe_action import describe
from sweagent.errors import RunInterruptedError, UsageError
from sweagent.trajectory import Action

PATIENCE = 10.0
"""Seconds without an answer after which a first Ctrl-C does what it does without a terminal."""
_MENU = "\nCtrl-C: [c]ontinue  [p]ause  [s]ay something to the model  s[t]op (in 10 s, or Ctrl-C again) > "
_QUESTION = "[y]es  [n]o  [a]lways in this run  [e]dit  [q]uit > "
_SHOWN_LINES = 12


class Display(Protocol):
    """What shows the run meanwhile."""

    def paused(self) -> AbstractContextManager[None]:
        """Leave the terminal alone while the block runs."""


def interrupt_menu(steering: Steering, display: Display) -> bool:
    """Ask what a first Ctrl-C means, with the run standing still.

    Returns:
        Whether the run goes on.
    """
    with display.paused(), steering.waiting():
        keys.write(_MENU)
        while (key := keys.read_key(PATIENCE)) is not None:
            if key in ("c", "\n"):
                keys.write("continue\n")
                return True
            if key == "s":
                text = keys.read_line("say\nto the model: ")
                if text:
                    steering.say(text)
                    keys.write("the model reads it before its next decision\n")
                return True
            if key == "p":
                keys.write("pause\npaused; a command that runs now goes on. [c]ontinue, s[t]op > ")
                if not _resumed():
                    return False
                keys.write("continue\n")
                return True
            if key == "t":
                break
    keys.write("stop\n")
    return False


def _resumed() -> bool:
    while (key := keys.read_key()) is not None:
        if key in ("c", "\n", " ", "p"):
            return True
        if key == "t":
            return False
    return False


def terminal_confirm(display: Display) -> Confirm:
    """What asks before an action that changes something is run.

    Raises:
        UsageError: nobody sits at the terminal.
    """
    if not interactive():
        raise UsageError("--confirm needs a terminal to ask at", "leave it out in scripts and pipes")
    always = False

    def confirm(action: Action) -> Decision:
        nonlocal always
        if always:
            return Decision()
        with display.paused():
            decision, always = _ask(action)
            return decision

    return confirm


def _ask(action: Action) -> tuple[Decision, bool]:
    """The answer, and whether nothing more is to be asked."""
    keys.write(f"\n{safe(_whole(action))}\n")
    while True:
        keys.write(_QUESTION if action.tool == "bash" else _QUESTION.replace("[e]dit  ", ""))
        key = keys.read_key()
        if key in ("y", "\n"):
            keys.write("yes\n")
            return Decision(), False
        if key == "a":
            keys.write("always\n")
            return Decision(), True
        if key == "n":
            reason = keys.read_line("no\nwhy (for the model; Enter for no reason): ")
            return Decision(Choice.DECLINE, reason=reason), False
        if key == "e" and action.tool == "bash":
            keys.write("edit\n")
            return _edited(action), False
        if key in ("q", None):
            keys.write("quit\n")
            raise RunInterruptedError("you ended the run")
        keys.write("?\n")


def _edited(action: Action) -> Decision:
    from prompt_toolkit import prompt

    command = str(action.arguments.get("command", ""))
    try:
        changed = prompt("$ ", default=command, multiline="\n" in command)
    except (KeyboardInterrupt, EOFError):
        return Decision(Choice.DECLINE, reason="")
    if changed == command:
        return Decision()
    return Decision(Choice.EDIT, arguments={**action.arguments, "command": changed})


def _whole(action: Action) -> str:
    """An action for somebody who has to decide on it: the whole command, the beginning of what is written."""
    text = action.arguments.get("command") if action.tool == "bash" else None
    text = text or action.arguments.get("new") or action.arguments.get("content") or ""
    lines = str(text).splitlines()
    shown = lines if action.tool == "bash" else lines[:_SHOWN_LINES]
    if len(lines) == 1 and action.tool == "bash":
        return f"bash: {lines[0]}"
    more = [f"  … {len(lines) - len(shown)} more lines"] if len(lines) > len(shown) else []
    return "\n".join([describe(action), *(f"  {line}" for line in shown), *more])
