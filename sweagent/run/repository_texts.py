"""Texts about the base for prompts: ranked files, skeletons, code, dependants."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sweagent.code import Index
    from sweagent.run.run import Run

_AROUND = 4
"""Lines that are shown before and after a definition."""
_LONGEST = 160
"""Lines that are shown of one definition, or of a file."""


class Place(NamedTuple):
    """A definition, or a whole file where there is no name.

    Attributes:
        path: of the file.
        name: qualified, such as `Session.send`; empty for the whole file.
    """

    path: str
    name: str = ""


def likely_files(run: "Run", limit: int = 30) -> list[tuple[str, str]]:
    """The files that a search for the issue's words ranks first, each with the reason."""
    from sweagent.code import locate

    return [(hit.path, hit.reason) for hit in locate(run.index, run.task.issue.text, limit).files]


def likely_places(run: "Run", limit: int = 6) -> list[Place]:
    """The definitions that a search for the issue's words ranks first; files where it finds no definition."""
    from sweagent.code import locate

    found = locate(run.index, run.task.issue.text, limit)
    return [Place(hit.path, hit.name) for hit in found.definitions] or [Place(hit.path) for hit in found.files]


def known_files(run: "Run", paths: Iterable[str]) -> list[str]:
    """Those of some paths that there are, each once, in their order."""
    return [
        path for path in dict.fromkeys(path.strip().removeprefix("./") for path in paths) if path in run.index.entries
    ]


def known_places(run: "Run", names: Iterable[str], paths: Iterable[str]) -> list[Place]:
    """The definitions that some names mean, in certain files before others, in the order of the names."""
    first, found = set(paths), dict[Place, None]()
    for name in names:
        sites = run.index.find(name.rpartition(":")[2])
        near = [site for site in sites if site.path in first] or sites
        found |= {Place(site.path, site.definition.qualified): None for site in near[:3]}
    return list(found)


def skeletons(run: "Run", paths: Iterable[str], tokens: int = 8_000) -> str:
    """The signatures of some files with their lines, an equal share of the tokens each."""
    from sweagent.code import file_outline

    listed = list(paths)
    return "\n".join(file_outline(run.index, path, tokens // max(1, len(listed))) for path in listed)


def code_of(run: "Run", places: Iterable[Place], characters: int = 24_000) -> str:
    """The code of some places with line numbers, the first of them first, as much as there is room for."""
    wanted: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for place in places:
        wanted[place.path] += _spans(run.index, place)
    parts: list[str] = []
    for path, spans in wanted.items():
        lines = run.index.text(path).removesuffix("\n").split("\n")
        text = "\n…\n".join(_numbered(lines, start, end) for start, end in _merged(spans, len(lines)))
        room = characters - sum(map(len, parts))
        if text and room > 200:
            parts.append(f"{path}\n{text if len(text) <= room else text[:room] + ' …'}")
    return "\n\n".join(parts)


def dependants_of(run: "Run", places: Iterable[Place], limit: int = 24, *, tests: bool = True) -> str:
    """The lines that call or extend the definitions of some places, and those that test them, the places left out.

    Args:
        run: whose base it is.
        places: whose dependants.
        limit: how many lines at most.
        tests: with the lines of tests.
    """
    listed = [place for place in places if place.name]
    return "\n".join(_dependants(run.index, listed, limit, tests=tests))


def example_test(run: "Run", places: Iterable[Place], characters: int = 4_000) -> str:
    """One of the existing tests of some places, as an example of how the project tests; empty where there is none."""
    from sweagent.code import tests_of

    for place in places:
        for hit in tests_of(run.index, place.name, 4) if place.name else ():
            if hit.inside:
                return code_of(run, [Place(hit.path, hit.inside)], characters)
    return ""


def changed_places(run: "Run", diff: str) -> list[Place]:
    """The definitions of the base that a diff changes."""
    from sweagent.edits import EditRefused
    from sweagent.edits.formats import parse_unified

    found: dict[Place, None] = {}
    try:
        changes = parse_unified(diff)
    except EditRefused:
        return []
    for change in changes:
        outline = run.index.outline(change.path)
        for replacement in change.replacements:
            for number in _changed_lines(replacement.old, replacement.new, replacement.line or 1):
                inside = outline.enclosing(number)
                found |= {Place(change.path, inside.qualified): None} if inside else {}
    return list(found)


def _changed_lines(old: str, new: str, start: int) -> Iterator[int]:
    """Lines of the base that an edit changes, from the first to the last that differs."""
    before, after = old.split("\n"), new.split("\n")
    head = next((n for n, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
    backward = zip(reversed(before), reversed(after), strict=False)
    tail = next((n for n, pair in enumerate(backward) if pair[0] != pair[1]), 0)
    yield from range(start + head, max(start + head + 1, start + len(before) - tail))


def _dependants(index: "Index", places: Sequence[Place], limit: int, *, tests: bool) -> list[str]:
    from sweagent.code import callers, tests_of

    own, lines = set(places), dict[str, None]()
    share = max(3, limit // max(1, len(places)))
    for place in places:
        name = place.name
        hits = [hit for hit in callers(index, name, share * 2) if Place(hit.path, hit.inside) not in own]
        used = [hit for hit in hits if index.number.get(hit.path) not in index.tests]
        for hit in (*used[:share], *(tests_of(index, name, share) if tests else ())):
            lines[f"{hit.path}:{hit.line} {hit.inside or 'module'}: {hit.text}"] = None
        for site in index.subclasses.get(name.rpartition(".")[2], ())[:share]:
            lines[f"{site.path}:{site.definition.start} {site.definition.qualified} extends {name}"] = None
    return list(lines)[:limit]


def _spans(index: "Index", place: Place) -> list[tuple[int, int]]:
    if not place.name:
        return [(1, _LONGEST)]
    found = index.outline(place.path).find(place.name)[:2]
    return [(item.start - _AROUND, min(item.end, item.start + _LONGEST) + _AROUND) for item in found]


def _merged(spans: Iterable[tuple[int, int]], last: int) -> list[tuple[int, int]]:
    done: list[tuple[int, int]] = []
    for start, end in sorted((max(1, start), min(last, end)) for start, end in spans):
        if done and start <= done[-1][1] + 2:
            done[-1] = (done[-1][0], max(done[-1][1], end))
        else:
            done.append((start, end))
    return done


def _numbered(lines: Sequence[str], start: int, end: int) -> str:
    return "\n".join(f"{number:5}|{lines[number - 1]}" for number in range(start, end + 1))
