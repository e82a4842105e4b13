"""Put the work tree of a taken patch back into a sandbox."""

import re
import shlex

from sweagent.errors import UsageError
from sweagent.patch import Patch
from sweagent.sandbox.base import Sandbox
from sweagent.task import Repository
from sweagent.verify.trees import Trees, open_trees

_MOST = 20_000
"""Characters of exported variables that are kept."""
_AT_ONCE = 200
_SHELLS_OWN = ("PWD", "OLDPWD", "SHLVL", "_")
_EXPORT = re.compile(r"^(?:declare -\w+|export) (\w+)", re.M)


def put_back(sandbox: Sandbox, repository: Repository, patch: Patch) -> bool:
    """Lay a patch, with all that was left out of it, over a fresh work tree.

    Args:
        sandbox: with the base tree.
        repository: whose base it is.
        patch: as it was taken.

    Returns:
        Whether the tree is the one that was taken; where not, the work tree is as it was.
    """
    if patch.partial or patch.blocked:
        return False
    if not (patch.tree or patch.text or patch.withheld):
        return True
    with open_trees(repository) as trees:
        try:
            tree = _tree_of(trees, patch)
        except UsageError:
            return False
        if tree != patch.tree:
            return False
        changes = trees.changes(trees.base, tree)
        gone = [change.path for change in changes if change.new is None or change.old is not None]
        for start in range(0, len(gone), _AT_ONCE):
            names = " ".join(shlex.quote(path) for path in gone[start : start + _AT_ONCE])
            sandbox.run(f"cd {shlex.quote(sandbox.workdir)} && rm -rf -- {names}", fresh=True)
        sandbox.put_tree(trees.archive(changes), sandbox.workdir)
    return True


def _tree_of(trees: Trees, patch: Patch) -> str:
    tree = trees.apply(patch.text) if patch.text else trees.base
    return trees.apply(patch.withheld, tree) if patch.withheld else tree


def shell_state(sandbox: Sandbox) -> str | None:
    """A command that brings a fresh shell to where this one is: its folder and the variables that were exported.

    Returns:
        The command, with `{workdir}` for the work tree's folder; empty where there is nothing to bring back, None where
        it is too long to be kept.

    Raises:
        SandboxError: the sandbox is lost.
    """
    ask = f"pwd -P; (cd {shlex.quote(sandbox.workdir)} && pwd -P); export -p"
    now, first = (sandbox.run(ask, fresh=fresh, output_limit=2 * _MOST) for fresh in (False, True))
    if now.output == first.output:
        return ""
    if now.truncated or first.truncated or now.exit_code != 0 or now.output.count("\n") < 2:
        return None
    folder, top, exports = now.output.split("\n", 2)
    known = _variables(first.output.split("\n", 2)[-1])
    kept = [text for name, text in _variables(exports).items() if known.get(name) != text and name not in _SHELLS_OWN]
    lines = [*kept, f"cd {shlex.quote(folder)}" if folder != top else ""]
    return "\n".join(line for line in lines if line).replace(top, "{workdir}")


def bring_shell(sandbox: Sandbox, command: str) -> None:
    """Run what `shell_state` gave.

    Raises:
        SandboxError: the sandbox is lost.
    """
    if command:
        sandbox.run(command.replace("{workdir}", sandbox.workdir))


def _variables(exports: str) -> dict[str, str]:
    """What `export -p` wrote, by name; a value may have several lines."""
    starts = [*_EXPORT.finditer(exports)]
    ends = [*(match.start() for match in starts[1:]), len(exports)]
    return {match[1]: exports[match.start() : end].rstrip("\n") for match, end in zip(starts, ends, strict=True)}
