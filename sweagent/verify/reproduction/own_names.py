"""Reproductions of names that only the patch defines.

A reproduction that a model wrote may test what its own patch adds, a constant for instance, while the issue is still
there.
"""

import re
from collections.abc import Sequence

from sweagent.verify.proof import Finding
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.trees import Trees

_DEFINED = re.compile(
    r"^\s*(?:export\s+|default\s+|async\s+|public\s+|static\s+|final\s+)*"
    r"(?:(?:def|class|function|const|let|var|func|fn|interface|type)\s+(?P<named>[^\W\d]\w*)"
    r"|(?:(?:module\.)?exports\.|self\.|this\.)?(?P<assigned>[^\W\d]\w*)\s*(?::[^=\n]+)?=(?!=))",
    re.MULTILINE,
)


def only_of_the_patch(
    trees: Trees, patched: str, changed: Sequence[str], candidate: ReproductionCandidate, issue_text: str
) -> Finding | None:
    """Name what a reproduction asks for by a name that the patch defines; None where the issue names it, too.

    Args:
        trees: gives the base tree.
        patched: the tree with the patch.
        changed: the files that the patch changes.
        candidate: a reproduction that the model wrote.
        issue_text: what it names may be asked for.
    """
    before, after = trees.read_many(trees.base, changed), trees.read_many(patched, changed)
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
