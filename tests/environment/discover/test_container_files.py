"""What CI, Dockerfiles and devcontainers say."""

import pytest

from sweagent.environment.discover.container_files import container_version, system_packages

DEVCONTAINER = """// a comment
{
  "name": "x", /* another */
  "image": "mcr.microsoft.com/devcontainers/python:1-3.9-bullseye", // "image": "python:3.6"
  "url": "https://example.org",
}
"""


@pytest.mark.parametrize(
    ("file", "text", "wanted"),
    [
        (".github/workflows/test.yml", "- run: sudo apt-get -q install -y libxml2-dev swig\n", "libxml2-dev swig"),
        (".github/workflows/test.yml", "run: |\n  apt-get update && apt install gettext; make\n", "gettext"),
        (".travis.yml", "addons:\n  apt:\n    packages:\n      - libgeos-dev\nscript: x\n", "libgeos-dev"),
        ("Dockerfile", "FROM x\nRUN apt-get install -y \\\n    libpq-dev \\\n    unzip\n", "libpq-dev unzip"),
        (".devcontainer/Dockerfile", "RUN apt-get install libffi-dev\n", "libffi-dev"),
        ("Dockerfile", "RUN apt-get install -y postgresql texlive-full sudo libssl1.1 $(cat list) --foo\n", ""),
        (".github/workflows/docs.yml", "run: apt-get install swig\n", ""),
        ("README.md", "apt-get install swig\n", ""),
        ("Dockerfile", "RUN apt-get install 'libx;reboot' libX\n", ""),
    ],
)
def test_system_packages(tree_of, file: str, text: str, wanted: str) -> None:
    found = system_packages(tree_of({file: text, "a.py": ""}))
    assert [package.value for package in found] == wanted.split()
    assert {package.source for package in found} <= {file}


@pytest.mark.parametrize(
    ("file", "text", "version"),
    [
        (".devcontainer/devcontainer.json", DEVCONTAINER, "3.9"),
        (".devcontainer.json", '{"build": {"args": {"VARIANT": "3.8-buster"}}}', "3.8"),
        (".devcontainer/x/devcontainer.json", '{"features": {"ghcr.io/a/python:1": {"version": "3.10"}}}', "3.10"),
        ("Dockerfile", "FROM docker.io/python:3.7-slim AS build\n", "3.7"),
        ("Dockerfile", "FROM debian:12\nRUN pip install python:3.7\n", ""),
        (".devcontainer.json", "[]", ""),
        (".devcontainer.json", '{"features": [], "build": "x", "image": 3}', ""),
        (".devcontainer.json", "{" * 5000, ""),
        ("devcontainer/notes.json", '{"image": "python:3.9"}', ""),
    ],
)
def test_the_version_in_container_files(tree_of, file: str, text: str, version: str) -> None:
    assert container_version(tree_of({file: text}), "python", "python") == (version, file if version else "")


DOCKERFILE = {"Dockerfile": "FROM python:3.7\nRUN apt-get install -y libxml2-dev git\n"}


def test_it_decides_where_nothing_else_does(recipe_of) -> None:
    alone = recipe_of({"a.py": ""} | DOCKERFILE)
    assert alone.toolchain.value == "3.7"
    assert "Dockerfile" in alone.toolchain.source
    assert [package.value for package in alone.system].count("git") == 1
    assert "libxml2-dev" in [package.value for package in alone.system]


def test_metadata_comes_first(recipe_of) -> None:
    said = recipe_of({"setup.py": "setup(python_requires='>=3.8')"} | DOCKERFILE)
    assert said.toolchain.value != "3.7"


def test_node_too(recipe_of) -> None:
    recipe = recipe_of({"package.json": "{}", ".devcontainer.json": '{"image": "x/typescript-node:1-18-bookworm"}'})
    assert recipe.toolchain.value == "18"
