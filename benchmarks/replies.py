"""How many malformed replies are understood without asking again, and how many are executed wrongly.

    python benchmarks/replies.py [--mini PYTHON] [--swe-agent PYTHON --swe-agent-source FOLDER]

Runs the corpus of the tests through our normaliser and, where given, through the parsers of mini-swe-agent (an
interpreter that has it installed) and of SWE-agent (an interpreter with jinja2 and pydantic, and a folder that holds
its `sweagent` package). Peers know `bash` only here, so they are compared on the replies that mean `bash`, and on all
that nobody should execute; each text reply counts for a peer when any of its text parsers gets it right.

Fuzzing: every text of the corpus is cut at every character, and every JSON argument at every character; executing
anything but values of the whole reply is counted as wrong.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Any

from sweagent.policy import ToolSchema, parse_reply
from sweagent.tool_api import load_tools

CORPUS = Path(__file__).parent.parent / "tests" / "policy" / "data" / "replies.jsonl"

_MINI = """
import json, sys, types
from minisweagent.models.utils.actions_toolcall import parse_toolcall_actions
from minisweagent.models.utils.actions_text import parse_regex_actions
from minisweagent.exceptions import FormatError
def parse(message):
    space = types.SimpleNamespace
    calls = [space(id=c["id"], function=space(**c["function"])) for c in message.get("tool_calls") or []]
    attempts = [lambda: parse_toolcall_actions(calls, format_error_template="")]
    if not calls:
        text = message.get("content") or ""
        fence, tag = r"```mswea_bash_command\\s*\\n(.*?)\\n```", r"<mswea_bash_command>(.*?)</mswea_bash_command>"
        attempts = [
            lambda: parse_regex_actions(text, action_regex=fence, format_error_template=""),
            lambda: parse_regex_actions(text, action_regex=tag, format_error_template=""),
        ]
    results = []
    for attempt in attempts:
        try:
            results.append([action["command"] for action in attempt()])
        except FormatError:
            pass
    return results
"""

_SWE = """
import json, sys, types
for name, folder in (("sweagent", "/sweagent"), ("sweagent.tools", "/sweagent/tools")):
    # Its __init__ needs more than its parsers do.
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [SOURCE + folder]
from sweagent.tools import parsing
from sweagent.tools.commands import Argument, Command
command = Argument(name="command", type="string", description="", required=True)
bash = Command(name="bash", docstring="", signature="{command}", arguments=[command])
commands = [bash, Command(name="submit", docstring="")]
def parse(message):
    calls = message.get("tool_calls")
    kinds = [parsing.XMLFunctionCallingParser, parsing.ThoughtActionParser]
    reply = {"message": message.get("content") or "", "tool_calls": calls}
    results = []
    for kind in [parsing.FunctionCallingParser] if calls else kinds:
        try:
            results.append([kind()(reply, commands)[1].strip()])
        except Exception:
            pass
    return results
"""

_LOOP = """
for line in sys.stdin:
    try:
        result = parse(json.loads(line))
    except Exception as error:
        result = []
    print(json.dumps(result))
"""


def tools() -> list[ToolSchema]:
    """The tools that the corpus was written for."""
    text, number = {"type": "string"}, {"type": "integer"}
    shapes: dict[str, tuple[dict[str, Any], list[str]]] = {
        "bash": ({"command": text, "timeout": {"type": "number"}, "background": {"type": "boolean"}}, ["command"]),
        "view": ({"path": text, "start": number, "end": number}, ["path"]),
        "edit": ({"command": text, "path": text, "old": text, "new": text}, ["command", "path"]),
        "test": ({"tests": {"type": "array", "items": text}}, []),
        "submit": ({"summary": text}, []),
    }
    shipped = load_tools(shapes)
    return [
        shipped[name].schema.model_copy(
            update={"parameters": {"type": "object", "properties": shape, "required": required}}
        )
        for name, (shape, required) in shapes.items()
    ]


def ours(case: dict[str, Any], known: list[ToolSchema]) -> list[list[Any]] | None:
    """What our normaliser would execute; None when it asks again."""
    reply = parse_reply(case["message"], known, finish_reason=case["finish_reason"], mode=case["mode"])
    return None if reply.problem else [[action.tool, action.arguments] for action in reply.actions]


def score(name: str, decisions: list[tuple[dict[str, Any], list[Any]]]) -> None:
    """Print one line: each case with the readings that were made of it, the best one counting."""
    count: Counter[str] = Counter()
    for case, readings in decisions:
        meant = None if case["expect"] == "refused" else case["expect"]
        if meant is None:
            count["executed though unsure" if readings else "asked again, rightly"] += 1
        elif meant in readings:
            count["recovered"] += 1
        else:
            count["executed wrongly" if readings else "asked again, needlessly"] += 1
    good = count["recovered"] + count["asked again, needlessly"] + count["executed wrongly"]
    unsure = count["executed though unsure"] + count["asked again, rightly"]
    print(
        f"{name:<22}{count['recovered']:>6} of {good:<6}{count['executed wrongly']:>10}"
        f"{count['executed though unsure']:>12} of {unsure}"
    )


def peer(interpreter: str, program: str, cases: list[dict[str, Any]]) -> list[tuple[dict[str, Any], list[Any]]]:
    """Run a peer's parsers in its own interpreter."""
    messages = [
        case["message"] if isinstance(case["message"], dict) else {"content": case["message"]} for case in cases
    ]
    feed = "".join(json.dumps(message) + "\n" for message in messages)
    command = [interpreter, "-c", program + _LOOP]
    quiet = {**os.environ, "MSWEA_SILENT_STARTUP": "1"}  # mini-swe-agent prints a banner when it is imported
    done = subprocess.run(command, input=feed, env=quiet, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the peer's interpreter failed:\n{done.stderr[-2000:]}")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    named = [[[["bash", {"command": command}] for command in reading] for reading in readings] for readings in results]
    return list(zip(cases, named, strict=True))


def comparable(case: dict[str, Any]) -> bool:
    """Whether a peer could be given this reply: the chat shape, meaning `bash` or nothing."""
    message = case["message"]
    content = message.get("content") if isinstance(message, dict) else message
    shape = isinstance(content, str | None) and not (isinstance(message, dict) and "function_call" in message)
    meant = case["expect"]
    return shape and (meant == "refused" or all(call[0] == "bash" and set(call[1]) == {"command"} for call in meant))


def fuzz(cases: list[dict[str, Any]], known: list[ToolSchema], finish: str) -> None:
    """Cut every reply everywhere; `stop` is what a provider says that hides the cut."""
    tried = executed = 0
    wrong: Counter[str] = Counter()
    for case in cases:
        if case["expect"] == "refused":
            continue
        for cut in _cuts(case["message"]):
            tried += 1
            reply = parse_reply(cut, known, finish_reason=finish, mode=case["mode"])
            for action in reply.actions:
                executed += 1
                whole = [arguments for tool, arguments in case["expect"] if tool == action.tool]
                if not any(action.arguments.items() <= arguments.items() for arguments in whole):
                    wrong[case["family"]] += 1
    print(
        f"cut, finish reason {finish}: {tried:,} replies, {executed:,} calls executed, "
        f"{wrong.total()} with a value that was not meant {dict(wrong) or ''}"
    )


def _cuts(message: Any) -> list[Any]:
    if isinstance(message, str):
        return [message[:end] for end in range(len(message))]
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    if not calls or len(calls) != 1 or not isinstance(calls[0]["function"]["arguments"], str):
        return []
    function = calls[0]["function"]
    text = function["arguments"]
    return [
        {**message, "tool_calls": [{**calls[0], "function": {**function, "arguments": text[:end]}}]}
        for end in range(len(text))
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mini", metavar="PYTHON")
    parser.add_argument("--swe-agent", metavar="PYTHON")
    parser.add_argument("--swe-agent-source", metavar="FOLDER", default="")
    arguments = parser.parse_args()
    known = tools()
    cases = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    start = perf_counter()
    decisions = [(case, [found] if (found := ours(case, known)) is not None else []) for case in cases]
    seconds = perf_counter() - start
    print(f"{len(cases)} replies; {seconds / len(cases) * 1e6:.0f} microseconds each\n")
    print(f"{'parser':<22}{'recovered':>15}{'wrongly':>10}{'though unsure':>18}")
    score("fix-issue, all", decisions)
    shared = [case for case in cases if comparable(case)]
    score("fix-issue", [(case, found) for case, found in decisions if comparable(case)])
    if arguments.mini:
        score("mini-swe-agent", peer(arguments.mini, _MINI, shared))
    if arguments.swe_agent:
        program = f"SOURCE = {arguments.swe_agent_source!r}\n{_SWE}"
        score("SWE-agent", peer(arguments.swe_agent, program, shared))
    print()
    fuzz(cases, known, "length")
    fuzz(cases, known, "stop")


if __name__ == "__main__":
    main()
