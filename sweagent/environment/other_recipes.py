"""The recipes of repositories in Node, Go, Rust and Java."""

import json
import re
import tomllib
from calendar import monthrange
from datetime import date
from typing import Any

from sweagent.environment.containers import container_version, system_packages
from sweagent.environment.recipe import Line, Recipe, SystemPackage, Toolchain
from sweagent.environment.tree import Tree

_BASIC_SYSTEM = ("ca-certificates", "git")
_NODE_RELEASES = {
    "10": date(2018, 10, 30), "12": date(2019, 10, 21), "14": date(2020, 10, 27), "16": date(2021, 10, 26),
    "18": date(2022, 10, 25), "20": date(2023, 10, 24), "22": date(2024, 10, 29), "24": date(2025, 10, 28),
}  # fmt: skip
"""The days on which lines of Node became long-term ones, as nodejs.org tells."""

_JAVA_LINES = ("8", "11", "17", "21", "25")
_WRAPPER = "gradle/wrapper/gradle-wrapper.properties"


def node_recipe(tree: Tree, name: str) -> Recipe:
    """Discover a Node project: its package manager by the lock file, its version by engines, .nvmrc or the date."""
    package = _json(tree.read("package.json"))
    scripts = package.get("scripts")
    said = isinstance(scripts, dict) and "test" in scripts
    test = Line(value="npm test", source="package.json scripts.test" if said else "the usual command")
    return _recipe(
        tree, name, "node", _node_version(tree, package), ("build-essential", "python3"),
        cutoff=_month_end(tree.committed), install=(_node_install(tree),), test=test,
    )  # fmt: skip


def go_recipe(tree: Tree, name: str) -> Recipe:
    """Discover a Go module: the toolchain by go.mod."""
    text = tree.read("go.mod")
    match = re.search(r"^toolchain go(\d+\.\d+)", text, re.M) or re.search(r"^go (\d+\.\d+)", text, re.M)
    toolchain = Toolchain(value=match[1] if match else "", source="go.mod" if match else "nothing said")
    # Without go.sum nothing may be built; tidying writes one, which git is told to ignore.
    fetch = "go mod download" if "go.sum" in tree.names else "go mod tidy"
    install = Line(value=f"{fetch} && go build ./...", source="go.mod")
    test = Line(value="go test ./...", source="go.mod")
    return _recipe(tree, name, "go", toolchain, ("build-essential",), install=(install,), test=test)


def rust_recipe(tree: Tree, name: str) -> Recipe:
    """Discover a Cargo project: the toolchain by rust-toolchain or `rust-version`."""
    pinned = re.search(r"\d+\.\d+(?:\.\d+)?", tree.read("rust-toolchain.toml") + tree.read("rust-toolchain"))
    manifest = _toml(tree.read("Cargo.toml"))
    said = manifest.get("package", {}).get("rust-version") if isinstance(manifest.get("package"), dict) else None
    toolchain = Toolchain(value="", source="nothing said: the newest")
    if pinned:
        toolchain = Toolchain(value=pinned[0], source="rust-toolchain")
    elif isinstance(said, str) and re.fullmatch(r"\d+\.\d+(\.\d+)?", said):
        toolchain = Toolchain(value="", source=f"the newest; Cargo.toml asks for at least {said}")
    locked = " --locked" if "Cargo.lock" in tree.names else ""
    install = Line(value=f"cargo fetch{locked} && cargo test --no-run --offline", source="Cargo.toml")
    test = Line(value="cargo test --offline", source="Cargo.toml")
    return _recipe(tree, name, "rust", toolchain, ("build-essential", "pkg-config"), install=(install,), test=test)


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
    toolchain = Toolchain(value=line, source="the build file" if match else "nothing said")
    if "pom.xml" in tree.names:
        install = Line(value="mvn -B -q -DskipTests test-compile dependency:go-offline", source="pom.xml")
        test = Line(value="mvn -B -o test", source="pom.xml")
        return _recipe(tree, name, "java", toolchain, (), install=(install,), test=test)
    # Not by the repository's wrapper, which would fetch Gradle from a host that builds do not reach.
    install = Line(value="gradle --no-daemon testClasses", source="build.gradle")
    test = Line(value="gradle --no-daemon --offline test", source="build.gradle")
    recipe = _recipe(tree, name, "java", toolchain, (), install=(install,), test=test)
    wrapper = re.search(r"gradle-(\d+\.\d+(?:\.\d+)?)-", tree.read(_WRAPPER))
    tools = (Line(value=f"gradle {wrapper[1]}", source=_WRAPPER),) if wrapper else ()
    return recipe.model_copy(update={"tools": tools or (Line(value="gradle", source="build.gradle"),)})


def _recipe(
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


def _node_version(tree: Tree, package: dict[str, Any]) -> Toolchain:
    for file in (".nvmrc", ".node-version"):
        match = re.match(r"\s*v?(\d+)", tree.read(file))
        if match:
            return Toolchain(value=match[1], source=file)
    settled = [line for line, released in _NODE_RELEASES.items() if released <= tree.committed] or ["10"]
    engines = package.get("engines")
    wanted = engines.get("node") if isinstance(engines, dict) else None
    least = re.search(r"(?:>=|\^|~)?\s*v?(\d+)", wanted) if isinstance(wanted, str) else None
    if least and int(least[1]) > int(settled[-1]):
        return Toolchain(value=least[1], source="package.json engines")
    said, place = container_version(tree, "node", "node|javascript-node|typescript-node")
    if said and least is None:
        return Toolchain(value=said.split(".")[0], source=place)
    return Toolchain(
        value=settled[-1], source=f"the long-term version of {tree.committed}", alternatives=tuple(settled[-2:-1])
    )


def _node_install(tree: Tree) -> Line:
    """The lock file's own command, which never changes the lock file."""
    for lock, command in (
        ("pnpm-lock.yaml", "npx --yes pnpm@9 install --frozen-lockfile"),
        ("yarn.lock", "npx --yes yarn@1 install --frozen-lockfile"),
        ("package-lock.json", "npm ci --no-audit --no-fund"),
        ("npm-shrinkwrap.json", "npm ci --no-audit --no-fund"),
    ):
        if lock in tree.names:
            return Line(value=command, source=lock)
    return Line(value="npm install --no-audit --no-fund --no-package-lock", source="package.json")


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _json(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
