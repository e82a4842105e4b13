"""Repository map and first hints within a token budget.

The idea of showing a model the signatures of what matters is P. Gauthier's ("Building a better repository map with
tree sitter", 2023); here the order comes from the localisation instead of a walk over the graph of references.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

from sweagent.code.index.definitions import Definition
from sweagent.code.index.index import DefinitionSite, Index
from sweagent.code.index.languages import is_test, language_of
from sweagent.code.localise.explanations import brief
from sweagent.code.localise.localise import Localisation, locate
from sweagent.code.printable import printable
from sweagent.code.tokens import count_tokens
from sweagent.path_kinds import is_aside

_Item = TypeVar("_Item")

_SIGNATURE = 110
_PLACES = 400
_WITHOUT_IMPORTS = frozenset({"go", "rust", "java", "kotlin", "scala", "csharp", "ruby", "swift", "php", "c", "cpp"})
"""Languages in which a file uses others of its package, or what a header declares, without an import of that file."""


def repo_map(index: Index, question: str = "", token_budget: int = 1000) -> str:
    """Return the definitions that matter most, grouped by file, with their lines; never above the budget.

    Args:
        index: the repository.
        question: what the map is for; without one, what is used most comes first.
        token_budget: tokens (see `tokens.count_tokens`) that the map may cost.
    """
    places = _asked(index, question) if question.strip() else _used(index)
    return _most(places, token_budget, lambda some: _render(index, some))


def file_outline(index: Index, path: str, token_budget: int = 2000) -> str:
    """Return the signatures of a file with their lines; outer definitions stay when the budget is short."""
    definitions = index.outline(path).definitions
    places = sorted(
        (DefinitionSite(path, item) for item in definitions), key=lambda place: place.definition.qualified.count(".")
    )
    return _most(places, token_budget, lambda some: _render(index, some))


def hints(localisation: Localisation, token_budget: int = 300, least: float = 0.0) -> str:
    """Return the likeliest places as lines for a prompt; never above the budget, empty when nothing fits.

    Args:
        localisation: from `locate`.
        token_budget: tokens that the hints may cost.
        least: the share of the belief below which a definition is left out; a file needs half as much again, for there
            are fewer of them. What a hint is worth follows from how likely it
            is right (D. Wu et al., "Repoformer: Selective Retrieval for Repository-Level Code Completion", 2024).
    """
    definitions = [hit for hit in localisation.definitions if hit.score >= least]
    lines = [
        f"{printable(hit.path)}:{hit.start}-{hit.end} {hit.name} {hit.score:.0%} {brief(hit.reason)}"
        for hit in definitions
    ]
    shown = {hit.path for hit in definitions}
    lines += [
        f"{printable(hit.path)} {hit.score:.0%} {brief(hit.reason)}"
        for hit in localisation.files
        if hit.path not in shown and hit.score >= 1.5 * least and hit.score >= 0.005
    ]
    return _most(lines, token_budget, "\n".join)


def _most(items: Sequence[_Item], budget: int, render: Callable[[Sequence[_Item]], str]) -> str:
    """Render as many of the first items as the budget allows."""
    low, high, best = 0, len(items), ""
    while low < high:
        middle = (low + high + 1) // 2
        text = render(items[:middle])
        if count_tokens(text) <= budget:
            low, best = middle, text
        else:
            high = middle - 1
    return best


def _asked(index: Index, question: str) -> list[DefinitionSite]:
    found = locate(index, question, _PLACES)
    places: list[DefinitionSite] = []
    for hit in found.definitions:
        definitions = index.outline(hit.path).definitions
        places.extend(
            DefinitionSite(hit.path, d) for d in definitions if d.start == hit.start and d.qualified == hit.name
        )
    return places


def _used(index: Index) -> list[DefinitionSite]:
    """Outer definitions, those first that the most files mention which import the definition's file, or may do so."""
    places = [place for place in index.definitions() if not is_test(place.path) and _is_outer(index, place)]
    importers = {path: set(index.importers(path)) for path in {place.path for place in places}}

    def used(place: DefinitionSite) -> float:
        name, path = place.definition.name, place.path
        mentioning = {index.sources[number] for number in index.word_files(name)} - {path}
        importing = len(mentioning & importers[path])
        # A plain word is the name of variables too.
        if language_of(path) not in _WITHOUT_IMPORTS or name.islower():
            return importing
        return max(importing, len(mentioning) / len(index.by_name[name]))

    order = {place: (is_aside(place.path), -used(place), place.path, place.definition.start) for place in places}
    return sorted(places, key=order.__getitem__)[:_PLACES]


def _is_outer(index: Index, place: DefinitionSite) -> bool:
    """Tell whether a definition is within nothing but modules; what implements a trait for a type is left out."""
    definition = place.definition
    if definition.kind in ("module", "method") or definition.name.startswith("_"):
        return False
    if definition.bases and language_of(place.path) == "rust":
        return False
    around = index.definitions_of(place.path)
    parent = definition.parent
    while parent >= 0 and around[parent].kind == "module":
        parent = around[parent].parent
    return parent < 0


def _render(index: Index, places: Sequence[DefinitionSite]) -> str:
    by_path: defaultdict[str, list[Definition]] = defaultdict(list)
    for place in places:
        by_path[place.path].append(place.definition)
    contents = index.contents(by_path)
    lines: list[str] = []
    for path, definitions in by_path.items():
        source = contents.get(path, b"").decode("utf-8", "replace").split("\n")
        lines.append(f"{printable(path)}:")
        shown: set[int] = set()
        outlined = index.outline(path).definitions
        for definition in sorted(definitions, key=lambda item: (item.start, -item.end)):
            parent = definition.parent
            if parent >= 0 and outlined[parent].start not in shown:
                lines.append(_line(outlined[parent], source))
                shown.add(outlined[parent].start)
            if definition.start not in shown:
                lines.append(_line(definition, source))
                shown.add(definition.start)
    return "\n".join(lines)


def _line(definition: Definition, source: Sequence[str]) -> str:
    text = source[definition.header - 1].strip() if definition.header <= len(source) else definition.name
    depth = definition.qualified.count(".")
    return f"{definition.start:>5}-{definition.end}{'  ' * (depth + 1)}{text[:_SIGNATURE]}"
