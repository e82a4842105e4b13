"""Runnable snippets of an issue: errors and what they print."""

import ast
import doctest
import re
import textwrap
from collections.abc import Iterator

from sweagent.verify.proof import Finding, Origin
from sweagent.verify.reproduction.node_snippets import node_programs
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.script_driver import driven
from sweagent.verify.runs.side_runner import Command, SideRunner
from sweagent.verify.runs.sides import Sides

_FENCE = re.compile(r"^(```|~~~)[ \t]*([\w+-]*)[^\n]*\n(.*?)^\1", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^|(?<=\n\n))(?:(?: {4}|\t).*\n|\n(?= {4}|\t))+", re.MULTILINE)
_ERROR = re.compile(r"\b([A-Z]\w*(?:Error|Exception|Warning|Interrupt)|StopIteration|SystemExit)\b")
_UNSAFE = re.compile(r"\b(input|breakpoint)\(|\bsubprocess\b|\bos\.system\b|^\s*[%!]", re.MULTILINE)
_PROMPT = re.compile(r"^\s*>>> ", re.MULTILINE)
_PYTHON = ("", "python", "py", "python3", "pycon")
_PATH = "fix_issue_snippet.py"
_PRINTER = """\
space = {{"__name__": "__main__"}}
for part in {parts!r}:
    exec(compile(part, "<the issue>", {kind!r}), space)
"""
_MOST_PRINTING, _PRINTING_SECONDS, _SHOWN = 2, 20.0, 60


def issue_candidates(issue_text: str, changed: list[str]) -> list[ReproductionCandidate]:
    """The snippets that can show an error which the issue names; usually none or one.

    An issue prints wrong values as often as right ones, so only an uncaught error counts as a failure.

    Args:
        issue_text: title, body and comments.
        changed: the files that the patch changes.
    """
    named = tuple(dict.fromkeys(_ERROR.findall(issue_text)))
    found = []
    for source in dict.fromkeys(_snippets(issue_text)):
        expected = (*named, *(["AssertionError"] if re.search(r"^\s*assert\b", source, re.MULTILINE) else []))
        content = driven(source.encode(), changed) if expected and _can_stand(source) else None
        if content is not None:
            found.append(
                ReproductionCandidate(
                    Origin.ISSUE,
                    "code in the issue's text",
                    _PATH,
                    f"python {_PATH}",
                    files={_PATH: content},
                    driven=True,
                    expected=expected,
                )
            )
    return found[:2]


def unchanged_output(issue_text: str, bench: SideRunner, sides: Sides, package: bytes = b"") -> Finding | None:
    """What the snippets of an issue print, where none of them prints anything else with the patch than without.

    An issue that shows what is wrong shows something that a patch changes. A snippet that ends in an error has no say.

    Args:
        issue_text: title, body and comments.
        bench: runs them, once on the base and once with the patch.
        sides: the trees.
        package: the base's `package.json`, by whose name snippets of JavaScript import the project.

    Raises:
        SandboxError: the sandbox failed.
    """
    printed = ""
    programs = [(_PATH, "python", program) for program in _printing(issue_text)]
    programs += [(path, "node", program) for path, program in node_programs(_blocks(issue_text), package)]
    for path, interpreter, program in list(dict.fromkeys(programs))[:_MOST_PRINTING]:
        job = Command(
            "code in the issue's text",
            f"{interpreter} {path}",
            min(_PRINTING_SECONDS, bench.remaining),
            files={path: program.encode()},
        )
        base, patched = bench.together((sides.base, job), (sides.patched, job))
        if base.completed.exit_code != 0:
            continue
        if patched.completed.exit_code != 0 or _steady(patched.completed.output) != _steady(base.completed.output):
            return None
        printed = printed or base.completed.output.strip()
    if not printed:
        return None
    detail = f"prints the same with the patch as without: {printed[:_SHOWN]!r}"
    return Finding(rule="issue-unchanged", path="code in the issue's text", detail=detail)


def _steady(output: str) -> str:
    """Output without what differs from run to run: addresses, and times."""
    return re.sub(r"0x[0-9a-f]+|\d+\.\d+ ?m?s\b", "", output)


def _printing(text: str) -> Iterator[str]:
    """Programs that print what the snippets of an issue print, each statement by itself."""
    for language, body in _blocks(text):
        if language not in _PYTHON:
            continue
        parts = _examples(body) if _PROMPT.search(body) else [body]
        if _can_stand("".join(parts)) and (_PROMPT.search(body) or re.search(r"\bprint\(", body)):
            kind = "single" if _PROMPT.search(body) else "exec"
            yield _PRINTER.format(parts=parts, kind=kind)


def _snippets(text: str) -> Iterator[str]:
    for language, body in _blocks(text):
        if language in _PYTHON:
            yield "".join(_examples(body)) if _PROMPT.search(body) else body


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """The blocks of code, each with the language that its fence names; of indented ones those with a session."""
    for _, language, body in _FENCE.findall(text):
        yield language.lower(), body
    for block in _INDENTED.findall(_FENCE.sub("", text)):
        if _PROMPT.search(block):
            yield "pycon", textwrap.dedent(block)


def _examples(body: str) -> list[str]:
    """The statements behind the prompts of a session."""
    try:
        return [example.source for example in doctest.DocTestParser().get_examples(body)]
    except ValueError:
        return []


def _can_stand(source: str) -> bool:
    """Whether the snippet is a program by itself: it imports something, does something, and leaves nothing out."""
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    imports = any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(module))
    calls = any(isinstance(node, ast.Call) for node in ast.walk(module))
    return imports and calls and not _UNSAFE.search(source) and "..." not in source
