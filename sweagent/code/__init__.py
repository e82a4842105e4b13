"""Knowing a repository without a model: syntax, index, search, map, localisation.

The names below are the room's face. Each is loaded when it is first asked for: to check an edit's syntax, say, takes no
search.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweagent.code.index.definitions import Definition, Outline, SyntaxProblem
    from sweagent.code.index.index import DefinitionSite, Index
    from sweagent.code.index.index_build import open_index
    from sweagent.code.index.outline import outline, syntax_errors
    from sweagent.code.index.worktree_index import LiveIndex
    from sweagent.code.localise.localise import DefinitionHit, FileHit, Localisation, locate
    from sweagent.code.localise.spectrum import CoveredRun, covered_run, rerank, suspicion
    from sweagent.code.repo_map import file_outline, hints
    from sweagent.code.search import (
        Hit,
        callees,
        callers,
        references,
        search_class,
        search_code,
        search_method,
        tests_of,
    )
    from sweagent.code.tokens import count_tokens

__all__ = [
    "CoveredRun",
    "Definition",
    "DefinitionHit",
    "DefinitionSite",
    "FileHit",
    "Hit",
    "Index",
    "LiveIndex",
    "Localisation",
    "Outline",
    "SyntaxProblem",
    "callees",
    "callers",
    "count_tokens",
    "covered_run",
    "file_outline",
    "hints",
    "locate",
    "open_index",
    "outline",
    "references",
    "rerank",
    "search_class",
    "search_code",
    "search_method",
    "suspicion",
    "syntax_errors",
    "tests_of",
]

_HOMES = {
    "index.definitions": ("Definition", "Outline", "SyntaxProblem"),
    "index.index": ("DefinitionSite", "Index"),
    "index.index_build": ("open_index",),
    "index.outline": ("outline", "syntax_errors"),
    "index.worktree_index": ("LiveIndex",),
    "localise.localise": ("DefinitionHit", "FileHit", "Localisation", "locate"),
    "localise.spectrum": ("CoveredRun", "covered_run", "rerank", "suspicion"),
    "repo_map": ("file_outline", "hints"),
    "search": ("Hit", "callees", "callers", "references", "search_class", "search_code", "search_method", "tests_of"),
    "tokens": ("count_tokens",),
}
"""The names of the face by the module that holds them."""


def __getattr__(name: str) -> Any:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
