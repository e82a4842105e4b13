"""Knowing a repository without a model: syntax, index, search, map, localisation."""

from sweagent.code.definitions import Definition, Outline, SyntaxProblem
from sweagent.code.index import Index, Place
from sweagent.code.live import LiveIndex
from sweagent.code.localise import DefinitionHit, FileHit, Localisation, locate
from sweagent.code.opening import open_index
from sweagent.code.outline import definition_spans, outline, syntax_errors
from sweagent.code.printable import printable
from sweagent.code.refine import Reranker, refine
from sweagent.code.related_tests import tests_for
from sweagent.code.repo_map import file_outline, hints, repo_map
from sweagent.code.search import Hit, callees, callers, references, search_class, search_code, search_method, tests_of
from sweagent.code.spectrum import CoveredRun, covered_run, rerank, suspicion
from sweagent.code.tokens import count_tokens

__all__ = [
    "CoveredRun",
    "Definition",
    "DefinitionHit",
    "FileHit",
    "Hit",
    "Index",
    "LiveIndex",
    "Localisation",
    "Outline",
    "Place",
    "Reranker",
    "SyntaxProblem",
    "callees",
    "callers",
    "count_tokens",
    "covered_run",
    "definition_spans",
    "file_outline",
    "hints",
    "locate",
    "open_index",
    "outline",
    "printable",
    "references",
    "refine",
    "repo_map",
    "rerank",
    "search_class",
    "search_code",
    "search_method",
    "suspicion",
    "syntax_errors",
    "tests_for",
    "tests_of",
]
