"""Knowing a repository without a model: syntax, index, search, map, localisation."""

from sweagent.code.definitions import Definition, Outline, SyntaxProblem
from sweagent.code.index import Index, Place, open_index
from sweagent.code.localise import DefinitionHit, FileHit, Localisation, locate
from sweagent.code.outline import definition_spans, outline, syntax_errors
from sweagent.code.related_tests import tests_for
from sweagent.code.repo_map import file_outline, hints, repo_map
from sweagent.code.spectrum import CoveredRun, rerank, suspicion

__all__ = [
    "CoveredRun",
    "Definition",
    "DefinitionHit",
    "FileHit",
    "Index",
    "Localisation",
    "Outline",
    "Place",
    "SyntaxProblem",
    "definition_spans",
    "file_outline",
    "hints",
    "locate",
    "open_index",
    "outline",
    "repo_map",
    "rerank",
    "suspicion",
    "syntax_errors",
    "tests_for",
]
