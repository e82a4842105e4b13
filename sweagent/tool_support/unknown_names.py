"""Find names in added lines of Python that exist nowhere."""

import ast
import builtins
import re
import shlex

from sweagent.tool_api import ToolContext

_WORD = re.compile(r"\w+")
_ALWAYS = frozenset(dir(builtins)) | {"__file__", "__name__", "__doc__", "__path__", "__class__", "__builtins__"}
_MOST = 8
_SECONDS = 60.0
# The interpreter of the project knows what its own types have and where its packages lie.
_INSTALLED = (
    "import builtins as b, sysconfig as s, sys; n = sys.argv[1:]; "
    "k = [x for x in n if any(hasattr(t, x) for t in vars(b).values())]; "
    "p = s.get_paths(); print(' '.join(k)); "
    "print('\\n'.join(sorted({p[x] for x in ('stdlib', 'purelib', 'platlib') if x in p})))"
)


def unknown_names(context: ToolContext, path: str, before: str, after: str) -> list[str]:
    """Say which attributes and imports of a change nothing in the repository or its environment has.

    Args:
        context: what the tools work with.
        path: the changed file, from the repository's root.
        before: its text before the change; empty for a new file.
        after: its text now.

    Raises:
        SandboxError: the sandbox is lost.
    """
    if not path.endswith(".py"):
        return []
    _, attributes = new_names(before, after)
    nowhere = _nowhere(context, path, attributes[:_MOST]) if attributes else []
    return [f"no such name in the repository or its environment: {', '.join(nowhere)}"] if nowhere else []


def undefined_names(path: str, before: str, after: str) -> list[str]:
    """Say which bare names a change uses that its file does not define.

    That is for the whole change to say: one edit may use what the next one defines.

    Args:
        path: the changed file, from the repository's root.
        before: its text before the change.
        after: its text now.
    """
    undefined = new_names(before, after)[0] if path.endswith(".py") else []
    return [f"not defined in {path}: {', '.join(undefined)}"] if undefined else []


def new_names(before: str, after: str) -> tuple[list[str], list[str]]:
    """The bare names that a change uses and its file does not define, and the attributes that are new to the file."""
    try:
        tree = ast.parse(after)
    except (SyntaxError, ValueError, RecursionError):
        return [], []
    old = set(_WORD.findall(before))
    bound, bare, attributes = set(_ALWAYS), dict[str, None](), dict[str, None]()
    starred = False
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                bare[name] = None
            case ast.Name(id=name) | ast.arg(arg=name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                starred = starred or any(item.name == "*" for item in names)
                bound.update((item.asname or item.name).split(".")[0] for item in names)
                if isinstance(node, ast.ImportFrom):
                    attributes.update(dict.fromkeys(item.name for item in names if item.name != "*"))
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                bound.add(name)
            case ast.MatchMapping(rest=str(name)):
                bound.add(name)
            case ast.Global(names=listed) | ast.Nonlocal(names=listed):
                bound.update(listed)
            case ast.Attribute(attr=name, ctx=ast.Load()):
                attributes[name] = None
            case ast.Attribute(attr=name):
                bound.add(name)
    used = _bare_names(before)
    undefined = [] if starred else [name for name in bare if name not in bound and name not in used]
    return undefined, [name for name in attributes if name not in old and name not in bound]


def _bare_names(text: str) -> set[str]:
    """The names that a text used before, whether or not they are defined in it; its words where it cannot be read."""
    try:
        nodes = ast.walk(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError):
        return set(_WORD.findall(text))
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _nowhere(context: ToolContext, path: str, names: list[str]) -> list[str]:
    """Of some names, those that stand in no other file of the repository and in nothing that is installed."""
    quoted = " ".join(map(shlex.quote, names))
    search = "git -c core.fsmonitor=false --no-pager grep --untracked -qwF"
    found = context.sandbox.run(
        f'for n in {quoted}; do {search} -e "$n" -- . {shlex.quote(f":(exclude,literal){path}")} || echo "$n"; done',
        timeout=_SECONDS,
        fresh=True,
    )
    left = [name for name in names if name in found.output.split()] if found.exit_code == 0 else []
    if not left:
        return []
    asked = context.sandbox.run(f"python -c {shlex.quote(_INSTALLED)} {quoted}", timeout=_SECONDS, fresh=True)
    if asked.exit_code != 0:
        return []
    known, *folders = asked.output.rstrip("\n").split("\n")
    left = [name for name in left if name not in known.split()]
    places = " ".join(shlex.quote(folder) for folder in folders if folder)
    if not left or not places:
        return []
    listed = " ".join(f"-e {shlex.quote(name)}" for name in left)
    # One pass: what is installed is large.
    search = f"LC_ALL=C grep -rhoswF --include='*.py' --include='*.pyi' {listed} {places} | sort -u"
    done = context.sandbox.run(search, timeout=_SECONDS, fresh=True)
    return [name for name in left if name not in done.output.split()] if done.exit_code == 0 else []
