"""A person at a terminal as the policy."""

import sys
from collections.abc import Sequence
from typing import TextIO

from sweagent.errors import RunInterruptedError
from sweagent.policy.base import ToolSchema, View
from sweagent.policy.replies.parsing import parse_reply
from sweagent.trajectory import Action, Reply

_HELP = (
    "A line is a shell command. `/TOOL {JSON arguments}` calls any tool; `/submit` ends the work; "
    "a line that ends with a backslash goes on in the next one."
)


class HumanPolicy:
    """Shows what is new and asks for the next action.

    Args:
        stdin: where answers come from; None takes the terminal's.
        stdout: where questions go; None takes the terminal's.
    """

    name = "human"

    def __init__(self, stdin: TextIO | None = None, stdout: TextIO | None = None) -> None:
        self._in = stdin or sys.stdin
        self._out = stdout or sys.stdout
        self._shown = 0

    def respond(self, view: View, tools: Sequence[ToolSchema]) -> Reply:
        """See `sweagent.policy.base.Policy`.

        Raises:
            RunInterruptedError: the input ended.
        """
        start = self._shown if self._shown <= len(view.messages) else 0
        for message in view.messages[start:]:
            if message.role != "assistant" and message.content:
                self._say(message.content)
        self._shown = len(view.messages)
        if view.step == 1:
            self._say(f"{_HELP} Tools: {', '.join(tool.name for tool in tools)}")
        while True:
            reply = self._parse(self._read(view.step), view.step, tools)
            if reply.problem is None:
                return reply
            self._say(reply.problem)

    def _parse(self, line: str, step: int, tools: Sequence[ToolSchema]) -> Reply:
        if not line.startswith("/"):
            shell = next((tool for tool in tools if tool.shell), None)
            if shell is None:
                return Reply(problem="there is no shell; call a tool with `/TOOL {JSON arguments}`")
            action = Action(id=f"step{step}_1", tool=shell.name, arguments={shell.main_argument: line})
            return Reply(actions=(action,), model=self.name)
        name, _, arguments = line[1:].partition(" ")
        call = {"function": {"name": name, "arguments": arguments}}
        return parse_reply({"tool_calls": [call]}, tools, id_prefix=f"step{step}_")

    def _read(self, step: int) -> str:
        lines: list[str] = []
        while True:
            self._out.write(f"[{step}] > " if not lines else "... ")
            self._out.flush()
            line = self._in.readline()
            if not line:
                raise RunInterruptedError("the input ended")
            line = line.rstrip("\n")
            if line.endswith("\\"):
                lines.append(line[:-1])
            elif line.strip() or lines:
                return "\n".join([*lines, line])

    def _say(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()
