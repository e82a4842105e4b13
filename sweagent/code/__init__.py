"""Knowing a repository without a model: syntax, index, search, map, localisation."""

from sweagent.code.index.definitions import Definition, Outline, SyntaxProblem
from sweagent.code.index.index import DefinitionSite, Index
from sweagent.code.index.index_build import open_index
from sweagent.code.index.outline import outline, syntax_errors
from sweagent.code.index.worktree_index import LiveIndex
from sweagent.code.localise.localise import DefinitionHit, FileHit, Localisation, locate
from sweagent.code.localise.spectrum import CoveredRun, covered_run, rerank, suspicion
from sweagent.code.printable import printable
from sweagent.code.repo_map import file_outline, hints, repo_map
from sweagent.code.search import Hit, callees, callers, references, search_class, search_code, search_method, tests_of
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
    "printable",
    "references",
    "repo_map",
    "rerank",
    "search_class",
    "search_code",
    "search_method",
    "suspicion",
    "syntax_errors",
    "tests_of",
]
