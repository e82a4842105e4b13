"""Parse JSON as models write it, mended where unambiguous."""

import ast
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

_FENCE = re.compile(r"\A\s*```[\w-]*[ \t]*\n(.*?)\n?\s*```\s*\Z", re.S)
_JUNK_AFTER = re.compile(r"(?:[\s}\]]|<[|｜/][^<>\n]{1,40}>|</s>|<eos>|```)*\Z")
_STRING = r'"(?:[^"\\]|\\.)*"'
_TRAILING_COMMA = re.compile(rf"({_STRING})|,(\s*[}}\]])", re.S)
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*(?=\n)|/\*.*?\*/", re.S)
_PYTHON_WORD = re.compile(rf"({_STRING})|\b(True|False|None)\b", re.S)
_ODD_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\[^\"'\\/bfnrtux]")
_SMART = str.maketrans({"“": '"', "”": '"'})


class LenientJsonError(ValueError):
    """The text has no reading, or more than one."""


class Parsed(NamedTuple):
    """A value and what had to be mended to read it."""

    value: Any
    repairs: tuple[str, ...]


def parse_json(text: str) -> Parsed:
    """Read JSON, mending what has one reading only.

    Mended are code fences round it, trailing commas, comments, bare line breaks in strings, Python's quotes and
    words, typographic quotes round names, stray brackets or control tokens after the end, missing closing brackets
    after a complete string, and a value that was encoded twice.

    Raises:
        LenientJsonError: there is no reading or more than one; the message says where.
    """
    repairs: list[str] = []
    current = text.strip()
    fenced = _FENCE.match(current)
    if fenced:
        current = fenced[1].strip()
        repairs.append("code fence round JSON")
    value, more = _read(current)
    repairs += more
    for _ in range(2):
        if not (isinstance(value, str) and value.lstrip()[:1] in ("{", "[")):
            break
        value, more = _read(value)
        repairs += ["JSON encoded twice", *more]
    return Parsed(value, tuple(repairs))


def _read(text: str) -> tuple[Any, list[str]]:
    try:
        return _loads(text), []
    except LenientJsonError:
        raise
    except ValueError as error:
        first = error
    repairs: list[str] = []
    current = text
    for name, mend in _MENDS:
        mended = mend(current)
        if mended == current:
            continue
        current, repairs = mended, [*repairs, name]
        try:
            return _loads(current), repairs
        except LenientJsonError:
            raise
        except ValueError:
            continue
    value = _python_literal(text)
    if value is not None:
        return value, ["Python literal instead of JSON"]
    raise LenientJsonError(_where(text, first))


def _loads(text: str) -> Any:
    """Strict but for control characters in strings, which have one reading."""
    return json.loads(text, strict=False, object_pairs_hook=_unique, parse_constant=_refuse_constant)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result and result[key] != value:
            raise LenientJsonError(f"the key {key!r} is given twice with different values")
        result[key] = value
    return result


def _refuse_constant(word: str) -> Any:
    raise LenientJsonError(f"{word} is not a value of JSON")


def _cut_junk(text: str) -> str:
    try:
        _, end = json.JSONDecoder(strict=False).raw_decode(text)
    except ValueError:
        return text
    return text[:end] if _JUNK_AFTER.match(text, end) else text


def _close(text: str) -> str:
    """Add missing closing brackets, if the text stops after a complete string or bracket."""
    stack: list[str] = []
    position = 0
    for found in re.finditer(rf'{_STRING}|[{{}}\[\]"]', text, re.S):
        mark = found[0]
        position = found.end()
        if mark == '"':
            return text
        if mark in "{[":
            stack.append("}" if mark == "{" else "]")
        elif mark in "}]" and (not stack or stack.pop() != mark):
            return text
    # A number or a word at the end may be cut short, so only a string or a bracket counts as complete.
    if not stack or text[position:].strip() or text[position - 1 : position] in ("{", "["):
        return text
    return text + "".join(reversed(stack))


def _python_literal(text: str) -> Any:
    if len(text) > 200_000 or text[:1] not in ("{", "[") or _ODD_ESCAPE.search(text):
        return None
    try:
        tree = ast.parse(text, mode="eval")
        keys = [key for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in (_dump(k) for k in node.keys)]
        value = ast.literal_eval(tree)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
    if not isinstance(value, dict | list) or (isinstance(value, dict) and len(set(keys)) != len(keys)):
        return None
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        return None


def _dump(node: ast.expr | None) -> str:
    return ast.dump(node) if node is not None else "**"


def _keep_strings(pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str]) -> Callable[[str], str]:
    return lambda text: pattern.sub(lambda found: found[1] if found[1] is not None else replacement(found), text)


def _words(found: re.Match[str]) -> str:
    return {"True": "true", "False": "false", "None": "null"}[found[2]]


_MENDS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("text after the end of JSON", _cut_junk),
    ("trailing comma", _keep_strings(_TRAILING_COMMA, lambda found: found[2])),
    ("comment in JSON", _keep_strings(_COMMENT, lambda _: "")),
    ("Python words in JSON", _keep_strings(_PYTHON_WORD, _words)),
    ("missing closing bracket", _close),
    ("typographic quotes", lambda text: text.translate(_SMART) if '"' not in text else text),
)


def _where(text: str, error: ValueError) -> str:
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    near = text[max(0, error.pos - 20) : error.pos + 20].replace("\n", "\\n")
    return f"{error.msg} at character {error.pos}, near {near!r}"
