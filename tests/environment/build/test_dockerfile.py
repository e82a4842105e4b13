"""No value of a recipe can add an instruction to the Dockerfile or a word to a command."""

import os
import re
import shlex
import subprocess
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sweagent.environment.bases.base_image import Base
from sweagent.environment.build.dockerfile import context_files, render_dockerfile, requirements_file
from sweagent.environment.recipe import Line, Recipe, Toolchain
from sweagent.environment.registry.dated_registry import plain_registry

INSTRUCTION = re.compile(r"^(FROM|RUN|ENV|ARG|COPY|ADD|SHELL|WORKDIR|LABEL|USER|CMD|ENTRYPOINT)\b", re.M)
BASE = Base(name="debian:12")


def _recipe(**values: Any) -> Recipe:
    return Recipe(
        name="acme/thing",
        commit="c" * 40,
        committed=date(2020, 1, 1),
        **{
            "ecosystem": "python",
            "toolchain": Toolchain(value="3.9", source=""),
            "test_command": Line(value="true", source=""),
            **values,
        },
    )


def _lines(*values: str) -> tuple[Line, ...]:
    return tuple(Line(value=value, source="") for value in values)


def _instructions(recipe: Recipe) -> list[str]:
    return INSTRUCTION.findall(render_dockerfile(recipe, BASE))


@given(st.text(min_size=1, max_size=40))
def test_any_text_stays_in_its_place(text: str) -> None:
    try:
        lines = _lines(text)
    except ValidationError:
        assert re.search(r"[\n\r\0]", text)
        return
    plain = _instructions(_recipe(tools=_lines("x"), optional=_lines("x"), install=_lines("x"), environment={"A": "x"}))
    hostile = _recipe(tools=lines, optional=lines, install=lines, environment={"A": text})
    assert _instructions(hostile) == plain


PROGRAMS = {
    # A package is a file; pytest does not start while the broken one is there.
    "python": 'case "$*" in *--version) [ ! -e pytest-broken ];; esac\n',
    "pip": 'for name; do :; done\ncase $1 in install) touch "${name%%>*}";; uninstall) rm "$name";; esac\n',
}


@pytest.mark.parametrize(
    ("there", "left", "told"),
    [
        (("pytest-a>=1", "pytest-broken>=2", "pytest-c"), {"pytest-a", "pytest-c"}, "left out: pytest-broken>=2\n"),
        (("pytest-a>=1",), {"pytest-a"}, ""),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_left_out(there, left, told, tmp_path) -> None:
    text = render_dockerfile(_recipe(optional=_lines(*there)), BASE)
    command = next(line.removeprefix("RUN ") for line in text.splitlines() if "--version" in line)
    for name, body in PROGRAMS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}")
        (tmp_path / name).chmod(0o755)
    for name in there:
        (tmp_path / name.partition(">")[0]).touch()
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-ec", command], cwd=tmp_path, env=path, capture_output=True, text=True, check=True)
    assert (done.stdout, {file.name for file in tmp_path.iterdir()} - PROGRAMS.keys()) == (told, left)


@pytest.mark.parametrize("value", ["x; id", "$(id)", "`id`", "x && id", "' ; id ; '", "a\\", "-rfile", "x|id"])
def test_a_tool_is_one_word_of_the_command(value: str) -> None:
    text = render_dockerfile(_recipe(tools=_lines(value, "wheel")), BASE)
    line = next(line for line in text.splitlines() if line.startswith("RUN") and "wheel" in line)
    assert value in shlex.split(line)


@pytest.mark.parametrize("ecosystem", ["python", "node", "go", "rust", "java"])
def test_every_ecosystem_has_a_dockerfile_without_the_users_addresses(ecosystem: str, monkeypatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:secret@mirror.example/simple")
    text = render_dockerfile(_recipe(ecosystem=ecosystem, install=_lines("make")), BASE)
    assert text.startswith("FROM debian:12\n")
    assert "mirror.example" not in text
    assert "secret" not in text


def test_the_repository_comes_after_everything_that_two_commits_share() -> None:
    recipe = _recipe(requirements=_lines("six"), install=_lines("pip install -e ."))
    other = recipe.model_copy(update={"commit": "d" * 40, "install": _lines("pip install -e . --no-deps")})
    shared = render_dockerfile(recipe, BASE).split("ADD seed.tar")[0]
    assert render_dockerfile(other, BASE).split("ADD seed.tar")[0] == shared
    assert "requirements.txt" in shared
    assert requirements_file(recipe) == b"six\n"


def test_the_image_of_the_host_installs_nothing() -> None:
    recipe = _recipe(requirements=_lines("six"), install=_lines("pip install -e ."))
    assert "RUN" not in INSTRUCTION.findall(render_dockerfile(recipe, Base(name="fix-issue/base:host", of_host=True)))


def test_gradle_is_told_where_packages_come_from() -> None:
    gradle = _recipe(ecosystem="java", tools=_lines("gradle 7.6"), install=_lines("gradle testClasses"))
    files = context_files(gradle, BASE)
    text = render_dockerfile(gradle, BASE)
    assert text.index("COPY init.gradle /root/.gradle/init.d/") < text.index("gradle testClasses")
    assert plain_registry("maven") in files["init.gradle"].decode()
    maven = render_dockerfile(_recipe(ecosystem="java", install=_lines("mvn test-compile")), BASE)
    assert "gradle" not in maven
    assert maven.index("settings.xml") < maven.index("mvn test-compile")


@pytest.mark.parametrize("ecosystem", ["python", "node", "go", "rust", "java"])
def test_everything_that_is_copied_is_in_the_context(ecosystem: str) -> None:
    recipe = _recipe(ecosystem=ecosystem, requirements=_lines("six"), tools=_lines("x"))
    copied = re.findall(r"^(?:COPY|ADD) (\S+)", render_dockerfile(recipe, BASE), re.M)
    assert set(copied) <= context_files(recipe, BASE).keys() | {"seed.tar"}
