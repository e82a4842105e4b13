"""Runnable snippets of an issue that end in its error."""

import ast
import doctest
import re
from collections.abc import Iterator

from sweagent.verify.proof import Origin
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.script_driver import driven

_FENCE = re.compile(r"^(```|~~~)[ \t]*([\w+-]*)[^\n]*\n(.*?)^\1", re.MULTILINE | re.DOTALL)
_ERROR = re.compile(r"\b([A-Z]\w*(?:Error|Exception|Warning|Interrupt)|StopIteration|SystemExit)\b")
_UNSAFE = re.compile(r"\b(input|breakpoint)\(|\bsubprocess\b|\bos\.system\b|^\s*[%!]", re.MULTILINE)
_PATH = "fix_issue_snippet.py"


def issue_candidates(issue_text: str, changed: list[str]) -> list[ReproductionCandidate]:
    """The snippets that can show an error which the issue names; usually none or one.

    An issue prints wrong values as often as right ones, so only an uncaught error counts as a failure.

    Args:
        issue_text: title, body and comments.
        changed: the files that the patch changes.
    """
    expected = tuple(dict.fromkeys(_ERROR.findall(issue_text)))
    if not expected:
        return []
    found = []
    for source in dict.fromkeys(_snippets(issue_text)):
        content = driven(source.encode(), changed) if _can_stand(source) else None
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


def _snippets(text: str) -> Iterator[str]:
    for _, language, body in _FENCE.findall(text):
        if language.lower() in ("", "python", "py", "python3", "pycon"):
            yield _without_prompts(body)


def _without_prompts(body: str) -> str:
    if not re.search(r"^\s*>>> ", body, re.MULTILINE):
        return body
    try:
        return "".join(example.source for example in doctest.DocTestParser().get_examples(body))
    except ValueError:
        return ""


def _can_stand(source: str) -> bool:
    """Whether the snippet is a program by itself: it imports something, does something, and leaves nothing out."""
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    imports = any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(module))
    calls = any(isinstance(node, ast.Call) for node in ast.walk(module))
    return imports and calls and not _UNSAFE.search(source) and "..." not in source
