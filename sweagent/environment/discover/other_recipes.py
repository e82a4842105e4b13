"""Recipes of Go, Rust and Java repositories."""

import re
import tomllib
from datetime import date
from typing import Any

from sweagent.environment.discover.container_files import system_packages
from sweagent.environment.recipe import Line, Recipe, SystemPackage, Toolchain
from sweagent.environment.tree import Tree

_BASIC_SYSTEM = ("ca-certificates", "git")
_JAVA_LINES = ("8", "11", "17", "21", "25")
_WRAPPER = "gradle/wrapper/gradle-wrapper.properties"


def go_recipe(tree: Tree, name: str) -> Recipe:
    """Discover a Go module: the toolchain by go.mod."""
    text = tree.read("go.mod")
    match = re.search(r"^toolchain go(\d+\.\d+)", text, re.M) or re.search(r"^go (\d+\.\d+)", text, re.M)
    toolchain = Toolchain(value=match[1] if match else "", source="go.mod" if match else "not stated")
    # Without go.sum nothing may be built; tidying writes one, which git is told to ignore.
    fetch = "go mod download" if "go.sum" in tree.names else "go mod tidy"
    install = Line(value=f"{fetch} && go build ./...", source="go.mod")
    test = Line(value="go test ./...", source="go.mod")
    return plain_recipe(tree, name, "go", toolchain, ("build-essential",), install=(install,), test=test)


def rust_recipe(tree: Tree, name: str) -> Recipe:
    """Discover a Cargo project: the toolchain by rust-toolchain or `rust-version`."""
    pinned = re.search(r"\d+\.\d+(?:\.\d+)?", tree.read("rust-toolchain.toml") + tree.read("rust-toolchain"))
    manifest = _toml(tree.read("Cargo.toml"))
    said = manifest.get("package", {}).get("rust-version") if isinstance(manifest.get("package"), dict) else None
    toolchain = Toolchain(value="", source="not stated: the newest")
    if pinned:
        toolchain = Toolchain(value=pinned[0], source="rust-toolchain")
    elif isinstance(said, str) and re.fullmatch(r"\d+\.\d+(\.\d+)?", said):
        toolchain = Toolchain(value="", source=f"the newest; Cargo.toml asks for at least {said}")
    locked = " --locked" if "Cargo.lock" in tree.names else ""
    install = Line(value=f"cargo fetch{locked} && cargo test --no-run --offline", source="Cargo.toml")
    test = Line(value="cargo test --offline", source="Cargo.toml")
    return plain_recipe(tree, name, "rust", toolchain, ("build-essential", "pkg-config"), install=(install,), test=test)


def java_recipe(tree: Tree, name: str) -> Recipe:
    """Discover a Maven or Gradle project; of Gradle in the version that the repository's wrapper names."""
    text = "".join(tree.read(file) for file in ("pom.xml", "build.gradle", "build.gradle.kts"))
    match = re.search(
        r"<(?:maven\.compiler\.(?:release|source|target)|java\.version|release)>\s*(?:1\.)?(\d+)"
        r"|(?:source|target)Compatibility\D{0,40}?(?:1[._])?(\d+)|languageVersion\D{0,60}?(\d+)",
        text,
    )
    wanted = int(next(group for group in match.groups() if group)) if match else 17
    line = next((known for known in _JAVA_LINES if int(known) >= wanted), _JAVA_LINES[-1])
    toolchain = Toolchain(value=line, source="the build file" if match else "not stated")
    if "pom.xml" in tree.names:
        install = Line(value="mvn -B -q -DskipTests test-compile dependency:go-offline", source="pom.xml")
        test = Line(value="mvn -B -o test", source="pom.xml")
        return plain_recipe(tree, name, "java", toolchain, (), install=(install,), test=test)
    # Not by the repository's wrapper, which would fetch Gradle from a host that builds do not reach.
    install = Line(value="gradle --no-daemon testClasses", source="build.gradle")
    test = Line(value="gradle --no-daemon --offline test", source="build.gradle")
    recipe = plain_recipe(tree, name, "java", toolchain, (), install=(install,), test=test)
    wrapper = re.search(r"gradle-(\d+\.\d+(?:\.\d+)?)-", tree.read(_WRAPPER))
    tools = (Line(value=f"gradle {wrapper[1]}", source=_WRAPPER),) if wrapper else ()
    return recipe.model_copy(update={"tools": tools or (Line(value="gradle", source="build.gradle"),)})


def plain_recipe(
    tree: Tree,
    name: str,
    ecosystem: Any,
    toolchain: Toolchain,
    system: tuple[str, ...],
    *,
    install: tuple[Line, ...],
    test: Line,
    cutoff: date | None = None,
) -> Recipe:
    """A recipe with what every ecosystem needs.

    Args:
        tree: the repository.
        name: the repository's short name.
        ecosystem: one that a recipe can have.
        toolchain: the version of the interpreter or compiler.
        system: Debian packages that the ecosystem needs.
        install: the commands that install the repository.
        test: the command that runs its tests.
        cutoff: the day until which packages are sought.
    """
    return Recipe(
        ecosystem=ecosystem,
        name=name,
        commit=tree.commit,
        committed=tree.committed,
        cutoff=cutoff,
        toolchain=toolchain,
        system=tuple(SystemPackage(value=package, source="every build") for package in (*_BASIC_SYSTEM, *system))
        + tuple(package for package in system_packages(tree) if package.value not in (*_BASIC_SYSTEM, *system)),
        install=install,
        test_command=test,
    )


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
