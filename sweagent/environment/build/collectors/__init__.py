"""Programs that list a runner's tests inside an environment.

A runner that cannot be asked for its tests is started as the project starts it, with a program beside it that stops it
once its tests are loaded. What it prints has the form of pytest's collection.
"""

from importlib.resources import files

from sweagent.programs import with_finder

_END = "END_OF_COLLECTOR"


def beside_python(command: str) -> str:
    """The shell command with `python_collector.py` in every Python process that it starts."""
    laid = _laid("sitecustomize.py", "python_collector.py")
    return f'{laid}export PYTHONPATH="$d${{PYTHONPATH:+:$PYTHONPATH}}"\n{command}\n'


def beside_node(command: str) -> str:
    """The shell command with `node_collector.cjs` in every Node process that it starts, and the counts after it."""
    return (
        f'{_laid("collector.cjs", "node_collector.cjs")}export FIX_ISSUE_COLLECTED="$d/found"; : > "$d/found"\n'
        f'export NODE_OPTIONS="--require $d/collector.cjs${{NODE_OPTIONS:+ $NODE_OPTIONS}}"\n{command}\n'
        'unset NODE_OPTIONS; echo; cat "$d/found"\n'
    )


def _laid(name: str, program: str) -> str:
    """The shell text that writes a program into a folder of its own, `$d`."""
    text = with_finder(files(__name__).joinpath(program).read_text(encoding="utf-8"))
    return f"d=$(mktemp -d) && cat > \"$d/{name}\" <<'{_END}'\n{text}{_END}\n"
