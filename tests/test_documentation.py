"""What README and docs say: commands can be typed, links and paths lead somewhere, figures carry a commit."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from sweagent.cli.app import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *(page for page in ROOT.glob("*.md") if page.name != "CHANGELOG.md"),
    *ROOT.glob("docs/*.md"),
    ROOT / "environments/README.md",
    ROOT / "prompts/README.md",
]
TYPED = re.compile(r"^(?:    |\$ )((?:fix-issue|make|pip|python|\.ci/)[^#\n]*)", re.MULTILINE)
SPAN = re.compile(r"`(fix-issue [^`\n]+)`")
EVERY_PAGE = sorted({*PAGES, *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/**/*.md")})
MEASUREMENTS = sorted(ROOT.glob("docs/measurements/*.md"))
OWN_FOLDERS = (
    "sweagent", "benchmarks", "docs", "prompts", "environments", "trajectories", "requirements", "tools", ".ci",
)  # fmt: skip
"""Folders whose name at the start of a path means this repository's; in measurements `tests` may be another one's."""
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`((?:[^`\n]|\n(?!\n))+)`")
BENCHMARK = re.compile(r"(?<![\w/])(benchmarks/[\w/]+\.py)([^`#\n]*)")
COMMIT = re.compile(r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,12}\b")


def examples(pattern: re.Pattern[str], pages: list[Path] = PAGES) -> list[Any]:
    found = {
        (page.name, line.strip()): None
        for page in pages
        for line in pattern.findall(re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8")))
    }
    return [pytest.param(line, id=f"{page}: {line}") for page, line in found]


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that words start, and the rest of them; words that start no other start the main job."""
    command: Any = typer.main.get_group(app)
    rest = list(words)
    if rest and not rest[0].startswith("-") and rest[0] not in command.commands:
        return command.commands["solve"], rest
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    return command, rest


def known_options(command: Any) -> set[str]:
    context = command.make_context("x", [], resilient_parsing=True)
    return {option for item in command.get_params(context) for option in (*item.opts, *item.secondary_opts)}


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    done = subprocess.run([sys.executable, ROOT / ".ci/docs", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", examples(TYPED))
def test_what_is_to_be_typed_can_be_typed(line: str) -> None:
    program, *words = shlex.split(line)
    if program == "make":
        assert subprocess.run(["make", "-n", *words], cwd=ROOT, capture_output=True, check=False).returncode == 0
    elif program == "fix-issue":
        command, rest = command_of(words)
        command.make_context("fix-issue", rest)
    elif program == "pip":
        assert words == ["install", "."]
        assert (ROOT / "pyproject.toml").is_file()
    elif program == "python":
        assert (ROOT / words[0]).is_file()
    else:
        assert (ROOT / program).is_file()


@pytest.mark.parametrize("line", examples(SPAN, EVERY_PAGE))
def test_a_command_that_the_text_names_is_there_with_its_options(line: str) -> None:
    words = line.replace("\\|", " ").split()[1:]
    if words == ["ISSUE"] or words[0].startswith(("-", "<", "…")):
        pytest.skip("it names no command")
    command, rest = command_of([word for word in words if word != "…"])
    options = {word.strip("[],").split("=")[0] for word in rest if word.strip("[").startswith("-")}
    assert options <= known_options(command)


def per_page(pages: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=lambda page: str(page.relative_to(ROOT)))


def spans_of(page: Path) -> list[str]:
    return QUOTED.findall(FENCED.sub("", page.read_text(encoding="utf-8")))


@per_page(EVERY_PAGE)
def test_links_lead_to_pages_and_headings(page: Path) -> None:
    broken = []
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        aim = page.parent / target if target else page
        if not aim.exists() or (anchor and anchor not in anchors(aim)):
            broken.append(f"{target}#{anchor}")
    assert broken == []


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@per_page(EVERY_PAGE)
def test_paths_of_this_repository_are_there(page: Path) -> None:
    words = {word.strip(".,;:()[]'\"") for span in spans_of(page) for word in span.split()}
    own = OWN_FOLDERS if page in MEASUREMENTS else {*OWN_FOLDERS, "tests"}
    paths = {word for word in words if word.partition("/")[0] in own and "/" in word}
    plain = {path for path in paths if not re.search(r"[…<>{}$]", path)}
    assert {path for path in plain if not any(ROOT.glob(path.rstrip("/")))} == set()


def test_modules_that_the_architecture_names_are_there() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[\w/.-]+\.(?:py|sh)\b", text))
    there = tuple(f"/{path.relative_to(ROOT)}" for path in (ROOT / "sweagent").rglob("*.*"))
    assert {
        name for name in named if not (ROOT / name).exists() and not any(t.endswith(f"/{name}") for t in there)
    } == set()


@per_page(EVERY_PAGE)
def test_benchmarks_have_the_options_that_a_page_gives_them(page: Path) -> None:
    unknown = []
    for program, words in BENCHMARK.findall(page.read_text(encoding="utf-8")):
        sources = [ROOT / program, ROOT / "benchmarks/places.py"]
        known = set(re.findall(r'"(--[\w-]+)"', "".join(source.read_text(encoding="utf-8") for source in sources)))
        options = set(re.findall(r"(?<![\w-])--[\w-]+", words))
        unknown += [f"{program} {option}" for option in options - known]
    assert unknown == []


def test_modules_that_are_to_be_started_are_there() -> None:
    named = {
        module for page in EVERY_PAGE for module in re.findall(r"-m (sweagent[\w.]*)", page.read_text(encoding="utf-8"))
    }
    assert {module for module in named if importlib.util.find_spec(module) is None} == set()


@per_page([page for page in MEASUREMENTS if page.name != "security.md"])
def test_every_table_of_measurements_names_a_commit(page: Path) -> None:
    head, *sections = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    tables = [section for section in sections if "\n|--" in section]
    assert [table.partition("\n")[0] for table in tables if not COMMIT.search(head + table)] == []


def blocks(language: str) -> list[Any]:
    fenced = re.compile(rf"```{language}\n(.*?)```", re.DOTALL)
    return [
        pytest.param(text, id=f"{page.parent.name}/{page.name} {number}")
        for page in PAGES
        for number, text in enumerate(fenced.findall(page.read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize("text", blocks("yaml"))
def test_yaml_can_be_read(text: str) -> None:
    assert yaml.safe_load(text) is not None


@pytest.mark.parametrize("text", [*blocks("python"), *blocks("py")])
def test_python_runs(text: str) -> None:
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_doctor_of_the_readme_answers() -> None:
    done = subprocess.run([sys.executable, "-m", "sweagent", "doctor"], capture_output=True, text=True, check=False)
    assert "docker" in done.stdout, done.stderr


def test_every_attack_of_the_table_names_tests_that_exist() -> None:
    functions: dict[str, set[str]] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        functions.setdefault(path.stem, set()).update(re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.M))
    everywhere = set().union(*functions.values())
    text = (ROOT / "docs/measurements/security.md").read_text(encoding="utf-8")
    rows = [line.split("|")[-2] for line in text.splitlines() if line.startswith("| ") and "| test |" not in line]
    assert len(rows) > 50
    for cell in rows:
        assert "the same" in cell or re.search(r"\btest_", cell), cell
        for file, name in re.findall(r"(?:(test_\w+)\.py)?(?:::)?\b(test_\w+)?", cell):
            assert not file or file in functions, cell
            assert not name or name in (functions[file] if file else everywhere | set(functions)), cell
