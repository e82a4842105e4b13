"""What README and docs say to type: the page of commands is true, and every example can be typed."""

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


def examples(pattern: re.Pattern[str]) -> list[Any]:
    found = {
        (page.name, line.strip()): None
        for page in PAGES
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


@pytest.mark.parametrize("line", examples(SPAN))
def test_a_command_that_the_text_names_is_there_with_its_options(line: str) -> None:
    words = line.replace("\\|", " ").split()[1:]
    if words == ["ISSUE"] or words[0].startswith(("-", "<", "…")):
        pytest.skip("it names no command")
    command, rest = command_of([word for word in words if word != "…"])
    options = {word.strip("[],").split("=")[0] for word in rest if word.strip("[").startswith("-")}
    assert options <= known_options(command)


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
