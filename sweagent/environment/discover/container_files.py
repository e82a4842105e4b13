"""System packages and interpreter versions in container files and CI."""

import json
import re
from typing import Any

from sweagent.environment.recipe import SystemPackage
from sweagent.environment.tree import Tree

_DEVCONTAINER = re.compile(r"(?:\.devcontainer/(?:[\w.-]+/)?)?\.?devcontainer\.json")
_DOCKERFILE = re.compile(r"(?:(?:\.devcontainer|docker|\.docker|ci)/)?(?:[\w.-]+\.)?Dockerfile(?:\.[\w.-]+)?")
_CI = re.compile(r"\.github/workflows/[^/]+\.ya?ml|\.travis\.yml|azure-pipelines\.yml|\.circleci/config\.yml")
_NOT_FOR_TESTS = re.compile(r"lint|doc(?!ker)|release|publish|deploy|wheel|prod")
_INSTALL = re.compile(r"apt(?:-get)?\s[^\n;&|]*?\binstall\b((?:[^\n;&|\\]|\\\r?\n)*)")
_TRAVIS = re.compile(r"(?m)^\s*(?:apt_?packages|packages):\s*\n((?:\s*-\s*[\w.+-]+\s*\n)+)")
_WANTED = re.compile(
    r"lib[a-z0-9][\w.+-]*-dev|default-libmysqlclient-dev|unixodbc-dev|gettext|ghostscript|swig|cmake|ninja-build|gfortran|"
    r"locales|enchant(?:-2)?|poppler-utils|tidy|xvfb|gdb|mercurial|subversion|zip|unzip|rsync|flex|bison|patchelf|"
    r"protobuf-compiler|ncurses-term"
)
"""Packages that builds and tests use. Servers, desktops and typesetting are left to people: they cost minutes."""

_IMAGE = r"(?:^|[\s/\"'])(?:{names}):(?:\d[\d.]*-)?v?(\d+(?:\.\d+)?)"


def system_packages(tree: Tree) -> tuple[SystemPackage, ...]:
    """Debian packages that CI, a Dockerfile or a devcontainer installs and that tests may need."""
    found: dict[str, SystemPackage] = {}
    for name in sorted(tree.names):
        is_ci = _CI.fullmatch(name)
        if not (is_ci or _DOCKERFILE.fullmatch(name)) or _NOT_FOR_TESTS.search(name.rsplit("/", 1)[-1].lower()):
            continue
        text = tree.read(name)
        words = [word for match in _INSTALL.finditer(text) for word in match[1].replace("\\", " ").split()]
        words += [word for match in _TRAVIS.finditer(text) for word in re.findall(r"[\w.+-]{2,}", match[1])]
        for word in words:
            if _WANTED.fullmatch(word):
                found.setdefault(word, SystemPackage(value=word, source=name))
    return tuple(found.values())


def container_version(tree: Tree, language: str, images: str) -> tuple[str, str]:
    """The version of a language in the repository's container files, and the file; empty when none says.

    Args:
        tree: the repository.
        language: as the features of devcontainers name it, for example `python`.
        images: names of images, as alternatives of a regular expression.
    """
    pattern = re.compile(_IMAGE.format(names=images), re.M)
    for name in sorted(tree.names):
        said = ""
        if _DEVCONTAINER.fullmatch(name):
            said = _of_devcontainer(_json_with_comments(tree.read(name)), language, pattern)
        elif _DOCKERFILE.fullmatch(name):
            froms = "\n".join(re.findall(r"(?mi)^\s*FROM\s+(.+)$", tree.read(name)))
            match = pattern.search(f"\n{froms}")
            said = match[1] if match else ""
        if said:
            return said, name
    return "", ""


def _of_devcontainer(data: dict[str, Any], language: str, image: re.Pattern[str]) -> str:
    match = image.search(str(data.get("image", "")))
    if match:
        return match[1]
    build = data.get("build")
    arguments = build.get("args") if isinstance(build, dict) else None
    variant = arguments.get("VARIANT", "") if isinstance(arguments, dict) else ""
    features = data.get("features")
    for name, options in features.items() if isinstance(features, dict) else ():
        if re.search(rf"/{language}(?::|$)", name) and isinstance(options, dict):
            variant = options.get("version", variant)
    match = re.match(r"(?:\d-)?(\d+(?:\.\d+)?)", str(variant))
    return match[1] if match else ""


def _json_with_comments(text: str) -> dict[str, Any]:
    without = re.sub(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', lambda match: match[1] or "", text, flags=re.S)
    try:
        data = json.loads(re.sub(r",(\s*[}\]])", r"\1", without))
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
