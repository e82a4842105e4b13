"""Knowing a repository without a model: syntax, index, search, map, localisation."""

from sweagent.code.definitions import Definition, Outline, SyntaxProblem
from sweagent.code.outline import definition_spans, outline, syntax_errors

__all__ = ["Definition", "Outline", "SyntaxProblem", "definition_spans", "outline", "syntax_errors"]
