"""A person at a terminal as the policy."""

import json
import shlex
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from sweagent.errors import RunInterruptedError
from sweagent.policy.base import ToolSchema, View
from sweagent.policy.prompt import LinePrompt, Prompt, PromptEndedError, terminal_prompt
from sweagent.policy.replies.parsing import parse_reply
from sweagent.printable import printable_text
from sweagent.trajectory import Action, Reply

_HELP = """\
A line is a shell command in the sandbox. A line that ends with a backslash goes on in the next one.
  /TOOL ARGUMENTS   call a tool: /view shapes.py, /test tests/test_a.py, /edit {"path": …}
  /diff             what was changed so far
  /submit [TEXT]    the work is done: take the patch and judge it
  /help [TOOL]      this, or what a tool takes
  /quit             end the run; the patch so far is kept (Ctrl-D does the same)"""
_DIFF = "git --no-pager diff --no-color; git status --short"
_COMMANDS = ("/diff", "/help", "/quit", "/submit")


class HumanPolicy:
    """Shows what is new and asks for the next action.

    Args:
        stdin: where answers come from; None takes the terminal's, with history and completion.
        stdout: where questions go; None takes the terminal's.
    """

    name = "human"

    def __init__(self, stdin: TextIO | None = None, stdout: TextIO | None = None) -> None:
        self._in = stdin
        self._out = stdout or sys.stdout
        self._shown = 0
        self._paths: tuple[str, ...] = ()
        self._prompt: Prompt | None = None

    def offer_paths(self, paths: Iterable[str]) -> None:
        """Take the repository's paths, to complete words by."""
        self._paths = tuple(paths)

    def respond(self, view: View, tools: Sequence[ToolSchema]) -> Reply:
        """See `sweagent.policy.base.Policy`.

        Raises:
            RunInterruptedError: the person quits, or the input ended.
        """
        start = self._shown if self._shown <= len(view.messages) else 0
        for message in view.messages[start:]:
            if message.role not in ("assistant", "system") and message.content:
                self._say(message.content)
        self._shown = len(view.messages)
        if view.step == 1:
            self._say(f"{_HELP}\nTools: {', '.join(tool.name for tool in tools)}")
        while True:
            reply = self._reply(self._read(view.step, tools), view.step, tools)
            if reply is not None and reply.problem is None:
                return reply
            if reply is not None:
                self._say(reply.problem or "")

    def _reply(self, line: str, step: int, tools: Sequence[ToolSchema]) -> Reply | None:
        """What a line asks for; None where it was for the person's own sake."""
        if not line.startswith("/"):
            return self._shell(step, line, tools)
        name, _, rest = line[1:].partition(" ")
        rest = rest.strip()
        if name == "quit":
            raise RunInterruptedError("you ended the run")
        if name == "help":
            self._say(_tool_help(rest.removeprefix("/"), tools) if rest else _HELP)
            return None
        if name == "diff":
            return self._shell(step, _DIFF, tools)
        arguments = rest if rest.startswith("{") else json.dumps(_arguments(name, rest, tools))
        call = {"function": {"name": name, "arguments": arguments}}
        return parse_reply({"tool_calls": [call]}, tools, id_prefix=f"step{step}_")

    def _shell(self, step: int, command: str, tools: Sequence[ToolSchema]) -> Reply:
        shell = next((tool for tool in tools if tool.shell), None)
        if shell is None:
            return Reply(problem="there is no shell; call a tool with `/TOOL ARGUMENTS`")
        action = Action(id=f"step{step}_1", tool=shell.name, arguments={shell.main_argument: command})
        return Reply(actions=(action,), model=self.name)

    def _read(self, step: int, tools: Sequence[ToolSchema]) -> str:
        prompt = self._prompt = self._prompt or self._make_prompt(tools)
        lines: list[str] = []
        while True:
            try:
                line = prompt.ask(f"[{step}] > " if not lines else "... ")
            except PromptEndedError as error:
                raise RunInterruptedError("the input ended") from error
            if line.endswith("\\"):
                lines.append(line[:-1])
            elif line.strip() or lines:
                return "\n".join([*lines, line])

    def _make_prompt(self, tools: Sequence[ToolSchema]) -> Prompt:
        source = self._in or sys.stdin
        if self._in is None and source is not None and source.isatty() and self._out.isatty():
            words = (*_COMMANDS, *(f"/{tool.name}" for tool in tools))
            return terminal_prompt(tuple(dict.fromkeys(words)), lambda: self._paths)
        return LinePrompt(source, self._out)

    def _say(self, text: str) -> None:
        self._out.write(printable_text(text) + "\n")
        self._out.flush()


def _arguments(name: str, text: str, tools: Sequence[ToolSchema]) -> dict[str, object]:
    """Words as a tool's arguments: `name=value`, and the others in the order in which the tool has them.

    A tool whose first argument is a list takes all words; one with a single text takes the line as it is.
    """
    schema = next((tool for tool in tools if tool.name == name), None)
    properties = schema.parameters.get("properties", {}) if schema else {}
    if not text or not properties:
        return {}
    first = next(iter(properties))
    if len(properties) == 1 or name in ("submit", "bash"):
        return {first: text}
    given: dict[str, object] = {}
    free = list(properties)
    for word in _words(text):
        key, mark, value = word.partition("=")
        if mark and key in properties:
            given[key] = _value(value, properties[key])
            free = [other for other in free if other != key]
        elif properties[first].get("type") == "array":
            given[first] = [*_listed(given.get(first)), word]
        elif free:
            target = free.pop(0)
            given[target] = _value(word, properties[target])
    return given


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _value(text: str, schema: dict[str, object]) -> object:
    """A word as the JSON type that a tool wants."""
    if schema.get("type") == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _tool_help(name: str, tools: Sequence[ToolSchema]) -> str:
    tool = next((tool for tool in tools if tool.name == name), None)
    if tool is None:
        return f"there is no tool {name!r}; the tools are: {', '.join(tool.name for tool in tools)}"
    required = tool.parameters.get("required", ())
    lines = [tool.description, ""]
    for key, schema in tool.parameters.get("properties", {}).items():
        about = f": {schema['description']}" if schema.get("description") else ""
        lines.append(f"  {key} ({schema.get('type', 'any')}{', needed' if key in required else ''}){about}")
    return "\n".join(lines)
