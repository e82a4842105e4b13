"""Normal forms of patches: without blanks, comments and docstrings.

The idea is Agentless' (Xia et al., 2024, arXiv:2407.01489): samples vote by the code that they lead to.
"""

import ast
import hashlib
import re
from collections.abc import Iterable, Sequence

from sweagent.git import GitError
from sweagent.patch.apply import as_bytes
from sweagent.patch.model import Patch
from sweagent.repository import TrustedTree, trusted_tree
from sweagent.task import Repository

_LINE_COMMENT = re.compile(rb"^\s*(?:#(?!\s*(?:include|define|undef|if|ifdef|ifndef|else|elif|endif|pragma)\b)|//).*$")


def normal_forms(repository: Repository, patches: Sequence[Patch]) -> list[str]:
    """A digest for each patch; equal for patches that lead to the same code.

    Args:
        repository: whose base commit they are for.
        patches: what is compared.

    Returns:
        The digests; empty for a patch that changes no code at all.

    Raises:
        UsageError: the base commit is no longer there.
    """
    with trusted_tree(repository) as tree:
        return [_normal_form(tree, patch) for patch in patches]


def _normal_form(tree: TrustedTree, patch: Patch) -> str:
    if not patch:
        return ""
    tree.git("read-tree", tree.tree)
    try:
        tree.git("apply", "--cached", "-", stdin=as_bytes(patch.text))
    except GitError:
        return patch.sha256
    names = tree.git("diff-index", "--cached", "--name-only", "--no-renames", "-z", tree.tree, "--").stdout
    paths = [name.decode("utf-8", "surrogateescape") for name in names.split(b"\0") if name]
    before = tree.read_many(paths)
    after = TrustedTree(tree.git_dir, tree.work_tree, tree.git("write-tree").text).read_many(paths)
    changed = [_changed(path, before.get(path), after.get(path)) for path in sorted(paths)]
    return _digest(part for part in changed if part) if any(changed) else ""


def _changed(path: str, before: bytes | None, after: bytes | None) -> bytes:
    """A file's normal form after a change; empty when it is as before."""
    old, new = (None if data is None else normal_code(path, data) for data in (before, after))
    if old == new:
        return b""
    name = path.encode("utf-8", "surrogateescape")
    return name + (b"\0gone" if new is None else b"\0" + new)


def normal_code(path: str, data: bytes) -> bytes:
    """A file without what does not matter to what it does: for Python blanks, comments and docstrings.

    For other files blanks at the ends of lines, empty lines, and lines that are a comment; indentation is kept.
    """
    if path.endswith((".py", ".pyi")):
        try:
            module = ast.parse(data)
            _without_docstrings(module)
            return ast.unparse(module).encode("utf-8", "surrogatepass")
        except (SyntaxError, ValueError, RecursionError):
            pass
    if b"\0" in data:
        return data
    lines = (line.rstrip() for line in data.splitlines())
    return b"\n".join(line for line in lines if line and not _LINE_COMMENT.match(line))


def _without_docstrings(module: ast.Module) -> None:
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]


def _digest(parts: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()
