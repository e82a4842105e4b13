"""The house stands as docs/architecture.md says: imports go down, no circle, nothing heavy early, short first lines."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = (
    "docker",
    "git",
    "litellm",
    "openai",
    "prompt_toolkit",
    "ray",
    "rich",
    "swebench",
    "textual",
    "tree_sitter",
    "tree_sitter_language_pack",
)


PROGRAMS = ("monitors", "collectors", "programs")


def _modules() -> dict[str, Path]:
    """Every module of the product by its dotted name; the files of tools/ count as modules of `tools`."""
    found = {}
    for path in [*(ROOT / "sweagent").rglob("*.py"), *(ROOT / "tools").glob("*.py")]:
        # Monitors and collectors are programs for the sandbox, which the product reads as text.
        if path.name == "__main__.py" or (path.parent.name in PROGRAMS and path.name != "__init__.py"):
            continue
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


@cache
def _imports(module: str) -> tuple[tuple[str, bool], ...]:
    """What a module imports of the product or of others, and whether it does so when it is loaded itself."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    lazy = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _is_type_checking(node)
        for inner in ast.walk(node)
    }
    return tuple((name, id(node) not in lazy) for node in ast.walk(tree) for name in _imported_names(node))


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _imported_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in MODULES else node.module


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[0] if len(parts) == 1 or parts[0] == "tools" else parts[1]


def _rooms() -> dict[str, set[str]]:
    """The rooms, each with those that it imports from, at whatever time."""
    rooms: dict[str, set[str]] = {}
    for module in MODULES:
        used = {_room(name) for name, _ in _imports(module) if name.split(".")[0] in ("sweagent", "tools")}
        rooms.setdefault(_room(module), set()).update(used - {_room(module), "sweagent"})
    rooms.pop("sweagent", None)
    return rooms


def _floors() -> dict[str, int]:
    """The floor of each room, the lowest being 0, as the documentation has it."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    plan = re.search(r"## The floors.*?\n\n((?:    .*\n)+)", text)
    assert plan, "docs/architecture.md has no plan of the floors"
    lines = plan[1].splitlines()
    return {room: floor for floor, line in enumerate(reversed(lines)) for room in re.findall(r"\w+", line)}


ROOMS = _rooms()


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_room_imports_only_from_its_own_floor_and_below(room: str) -> None:
    floors = _floors()
    assert room in floors, f"docs/architecture.md gives {room} no floor"

    upward = {other for other in ROOMS[room] if floors.get(other, 0) > floors[room]}

    assert upward == set()


def test_strategies_use_the_face_of_a_run_and_nothing_else() -> None:
    used = {name for module in MODULES if module.startswith("sweagent.strategies.") for name, _ in _imports(module)}

    assert {name for name in used if name.startswith("sweagent")} == {"sweagent.run"}


def test_rooms_have_no_circle() -> None:
    try:
        TopologicalSorter(ROOMS).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of rooms: {' -> '.join(error.args[1])}")


def _wings(room: str) -> dict[str, set[str]]:
    """The wings of a room, and the modules that stand beside them, each with those that it imports from."""
    wings: dict[str, set[str]] = {}
    for module in MODULES:
        parts = module.split(".")
        if len(parts) > 2 and parts[1] == room:
            used = {name.split(".")[2] for name, _ in _imports(module) if name.startswith(f"sweagent.{room}.")}
            wings.setdefault(parts[2], set()).update(used - {parts[2]})
    return wings


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_wings_of_a_room_have_no_circle(room: str) -> None:
    try:
        TopologicalSorter(_wings(room)).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of wings: {' -> '.join(error.args[1])}")


def test_modules_have_no_circle() -> None:
    graph = {
        module: {name for name, early in _imports(module) if early and name in MODULES and not module.startswith(name)}
        for module in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of modules: {' -> '.join(error.args[1])}")


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    early = {
        f"{module} imports {name}"
        for module in MODULES
        for name, at_once in _imports(module)
        if at_once and name.split(".")[0] in HEAVY
    }

    assert early == set()


def test_loading_every_module_loads_nothing_heavy() -> None:
    names = sorted(name for name in MODULES if name.startswith("sweagent"))
    program = f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\nprint(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)

    assert done.returncode == 0, done.stderr
    assert set(HEAVY).isdisjoint(done.stdout.split())


@pytest.mark.parametrize("module", sorted(MODULES))
def test_the_first_line_of_a_module_has_at_most_twelve_words(module: str) -> None:
    line = (ast.get_docstring(ast.parse(MODULES[module].read_text(encoding="utf-8"))) or "").partition("\n")[0]
    assert 0 < len(line.split()) <= 12, line


FACES = {
    "import sweagent.edits": ("sweagent.code",),
    "from sweagent.tool_support.file_edits import new_syntax_errors; new_syntax_errors('a.py', None, b'x = (')": (
        "sweagent.code.localise",
        "sweagent.code.search",
    ),
    "from sweagent.cli.app import app": ("sweagent.code", "sweagent.verify", "sweagent.policy", "pydantic"),
}


@pytest.mark.parametrize("program", FACES)
def test_what_is_small_loads_nothing_large(program: str) -> None:
    program += "\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert set(FACES[program.partition("\nimport")[0]]).isdisjoint(done.stdout.split())


def test_the_face_of_a_room_has_all_that_it_names() -> None:
    program = "import sweagent.code as room\nfor name in room.__all__: getattr(room, name)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
