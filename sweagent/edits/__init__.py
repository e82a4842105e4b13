"""Edits as pure functions on text."""

from sweagent.edits.changes import Applied, Hunk, Replacement, apply, create
from sweagent.edits.errors import EditRefused
from sweagent.edits.shown import numbered
from sweagent.edits.source import SourceText

__all__ = ["Applied", "EditRefused", "Hunk", "Replacement", "SourceText", "apply", "create", "numbered"]
