"""Reproductions of names that only the patch defines.

A reproduction that a model wrote may test what its own patch adds, a constant for instance, while the issue is still
there.
"""

import re
from collections.abc import Mapping

from sweagent.verify.proof import Finding
from sweagent.verify.reproduction.sources import ReproductionCandidate

_DEFINED = re.compile(
    r"^\s*(?:export\s+|default\s+|async\s+|public\s+|static\s+|final\s+)*"
    r"(?:(?:def|class|function|const|let|var|func|fn|interface|type)\s+(?P<named>[^\W\d]\w*)"
    r"|(?:(?:module\.)?exports\.|self\.|this\.)?(?P<assigned>[^\W\d]\w*)\s*(?::[^=\n]+)?=(?!=))",
    re.MULTILINE,
)


def only_of_the_patch(
    candidate: ReproductionCandidate, before: Mapping[str, bytes], after: Mapping[str, bytes], issue_text: str
) -> Finding | None:
    """Name what a reproduction asks for by a name that the patch defines; None where the issue names it, too.

    Args:
        candidate: a reproduction that the model wrote.
        before: the changed source files of the base, by path.
        after: those with the patch.
        issue_text: what it names may be asked for.
    """
    known = {word for text in before.values() for word in re.findall(r"[^\W\d]\w*", _text(text))}
    defined = {
        found["named"] or found["assigned"] for text in after.values() for found in _DEFINED.finditer(_text(text))
    }
    named = set(re.findall(r"[^\W\d]\w*", issue_text))
    tests = "\n".join(_text(content) for content in candidate.files.values())
    asked = sorted(name for name in defined - known - named if _asks_for(tests, name))
    if not asked:
        return None
    detail = f"it asks for `{asked[0]}`, which only the patch defines and the issue does not name"
    return Finding(rule="own-name", path=candidate.path, detail=detail)


def _asks_for(tests: str, name: str) -> bool:
    """Whether code reads a member of that name, imports it, or has the name as a text."""
    ways = (
        rf"\.\s*{name}\b",
        rf"[\"']{name}[\"']",
        rf"\bimport\b[^\n(]*\b{name}\b",
        rf"\{{[^}}]*\b{name}\b[^}}]*\}}\s*=",
    )
    several = rf"\bimport\s*[({{][^)}}]*\b{name}\b"
    return any(re.search(way, tests) for way in (*ways, several))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
