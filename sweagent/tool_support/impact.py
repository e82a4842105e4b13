"""Name callers of a changed signature and siblings of replaced lines.

That an edit is followed to what depends on it is R. Bairi et al., "CodePlan: Repository-level Coding using LLMs and
Planning" (2024); that the draft itself is what to search with is F. Zhang et al., "RepoCoder" (2023).
"""

import ast
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from sweagent.code.index.languages import is_test
from sweagent.errors import UsageError
from sweagent.path_kinds import is_aside
from sweagent.tool_api import ToolContext
from sweagent.tool_support.hits import read_grep
from sweagent.tool_support.text import visible

_NAMED = 6
"""Places that are named in a note."""
_DISTINCTIVE = 40
"""Characters of a single line above which the same line elsewhere is no chance."""
_COMMON = 6
"""A line that stands in more places is a habit of the code base and no sibling."""
_COMMENTS = ("#", "//", "*", "/*", "import ", "from ", '"""', "'''", "@", "return", "}", ")", "]")


@dataclass
class Told:
    """The notes that the policy has been given, so that none is given twice."""

    notes: set[str] = field(default_factory=set)

    def new(self, notes: Iterable[str]) -> list[str]:
        """Return the notes that were not given before, and remember them."""
        fresh = [note for note in notes if note not in self.notes]
        self.notes.update(fresh)
        return fresh


def impact_notes(context: ToolContext, path: str, before: str, after: str) -> list[str]:
    """Say which callers a changed signature leaves behind, and where the replaced lines stand besides.

    Args:
        context: what the tools work with.
        path: the changed file, from the repository's root.
        before: its text before the change.
        after: its text now.

    Raises:
        SandboxError: the sandbox is lost.
    """
    notes = [_callers(context, name, now) for name, now in broken_signatures(path, before, after)]
    notes.append(_siblings(context, path, before, after))
    return [note for note in notes if note]


def broken_signatures(path: str, before: str, after: str) -> list[tuple[str, str]]:
    """The Python functions whose callers may fail now, each with its new parameters.

    A parameter that may be left out does not count where it comes last, by its name alone, or as `*args`.
    """
    if not path.endswith(".py") or before == after:
        return []
    old, new = _signatures(before), _signatures(after)
    return [
        (name, ast.unparse(new[name]))
        for name, arguments in old.items()
        if name in new and not _takes_as_before(arguments, new[name])
    ]


def _signatures(text: str) -> dict[str, ast.arguments]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return {}
    found: dict[str, ast.arguments] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                # Of several with one name, as properties and overloads have, nothing is said.
                found[prefix + child.name] = child.args
            elif isinstance(child, ast.ClassDef):
                visit(child, f"{prefix}{child.name}.")
            elif isinstance(child, ast.If | ast.Try):
                visit(child, prefix)

    visit(tree, "")
    return found


def _takes_as_before(old: ast.arguments, new: ast.arguments) -> bool:
    """Whether each call that was allowed still is, and means the same parameters."""
    before, now = _positional(old), _positional(new)
    if now[: len(before)] != before or len(now) - len(new.defaults) > len(before) - len(old.defaults):
        return False
    if (old.vararg and not new.vararg) or (old.kwarg and not new.kwarg):
        return False
    asked_before, asked_now = _by_name(old), _by_name(new)
    if not new.kwarg and not asked_before.keys() <= asked_now.keys() | set(now):
        return False
    return not any(needed and not asked_before.get(name, False) for name, needed in asked_now.items())


def _positional(arguments: ast.arguments) -> list[str]:
    return [item.arg for item in (*arguments.posonlyargs, *arguments.args)]


def _by_name(arguments: ast.arguments) -> dict[str, bool]:
    """The parameters that are given by their name alone, and whether each must be."""
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return {item.arg: default is None for item, default in pairs}


def _callers(context: ToolContext, name: str, parameters: str) -> str:
    from sweagent.code import callers
    from sweagent.tool_support.repository_index import current_index

    try:
        index = current_index(context)
    except UsageError:
        return ""
    last = name.rpartition(".")[2]
    if last.startswith("__") and last != "__init__":
        return ""
    asked = name.split(".")[-2] if last == "__init__" and "." in name else name
    hits = [hit for hit in callers(index, asked, 200) if not is_test(hit.path)]
    places = [f"{hit.path}:{hit.line}{f' [{hit.inside}]' if hit.inside else ''}" for hit in hits]
    overrides = [
        f"{site.path}:{site.definition.start} {site.definition.qualified}"
        for site in index.by_name.get(last, ())
        if "." in name and site.definition.kind == "method" and site.definition.qualified != name
    ]
    if not places and not (overrides and last != "__init__"):
        return ""
    said = f"{name} takes ({parameters}) now"
    if places:
        said += f"; called at {_listed(places)}"
    if overrides and last != "__init__" and len(overrides) <= _NAMED:
        said += f"; methods of the same name: {_listed(overrides)}"
    return said


def _siblings(context: ToolContext, path: str, before: str, after: str) -> str:
    """Where lines that the change replaced stand besides."""
    gone = replaced_lines(before, after)
    if not gone or is_test(path):
        return ""
    suffix = path[path.rfind(".") :] if "." in path.rpartition("/")[2] else ""
    options = " ".join(f"-e {shlex.quote(line)}" for line in gone)
    command = (
        f"git -c core.fsmonitor=false --no-pager grep --untracked --no-color --full-name --heading -n -I -F {options}"
        f" -- {shlex.quote(f'*{suffix}')}"
    )
    done = context.sandbox.run(command, timeout=20.0, output_limit=200_000, fresh=True)
    if done.exit_code != 0:
        return ""
    places: dict[str, list[str]] = {line: [] for line in gone}
    for file in read_grep(done.output):
        if is_test(file.path) or is_aside(file.path):
            continue
        for number, _, text in file.hits:
            if text.strip() in places:
                places[text.strip()].append(f"{file.path}:{number}")
    found = [place for line in gone if 0 < len(places[line]) <= _COMMON for place in places[line]]
    if not found:
        return ""
    return f"lines that you replaced also stand at {_listed(dict.fromkeys(found))}; do these need the same?"


def replaced_lines(before: str, after: str) -> list[str]:
    """The distinctive lines that a change replaced or removed, without their indents."""
    old, new = before.split("\n"), after.split("\n")
    shorter = min(len(old), len(new))
    start = next((number for number in range(shorter) if old[number] != new[number]), shorter)
    end = 0
    while end < shorter - start and old[-1 - end] == new[-1 - end]:
        end += 1
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if len(old) > 400 or len(new) > 400:
        return []
    gone: list[str] = []
    for kind, first, last, _, _ in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if kind in ("replace", "delete"):
            gone += [line.strip() for line in old[first:last]]
    kept = {line.strip() for line in new}
    return [line for line in dict.fromkeys(gone) if line not in kept and _is_distinctive(line)][:10]


def _is_distinctive(line: str) -> bool:
    return len(line.replace(" ", "")) >= _DISTINCTIVE and not line.startswith(_COMMENTS)


def _listed(places: Iterable[str]) -> str:
    known: Sequence[str] = list(places)
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return visible(", ".join(known[:_NAMED])) + more
