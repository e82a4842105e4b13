"""Recipe of a Node repository: npm, pnpm, yarn."""

import json
import re
from calendar import monthrange
from datetime import date
from typing import Any

from sweagent.environment.discover.container_files import container_version
from sweagent.environment.discover.other_recipes import plain_recipe
from sweagent.environment.recipe import Line, Recipe, Toolchain
from sweagent.environment.tree import Tree

_NODE_RELEASES = {
    "10": date(2018, 10, 30), "12": date(2019, 10, 21), "14": date(2020, 10, 27), "16": date(2021, 10, 26),
    "18": date(2022, 10, 25), "20": date(2023, 10, 24), "22": date(2024, 10, 29), "24": date(2025, 10, 28),
}  # fmt: skip
"""The days on which lines of Node became long-term ones, as nodejs.org tells."""


def node_recipe(tree: Tree, name: str) -> Recipe:
    """Discover a Node project: its package manager by the lock file, its version by engines, .nvmrc or the date."""
    package = _json(tree.read("package.json"))
    scripts = package.get("scripts")
    said = isinstance(scripts, dict) and "test" in scripts
    test = Line(value="npm test", source="package.json scripts.test" if said else "the usual command")
    return plain_recipe(
        tree, name, "node", _node_version(tree, package), ("build-essential", "python3"),
        cutoff=_month_end(tree.committed), install=(_node_install(tree, package),), test=test,
    )  # fmt: skip


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


def _node_install(tree: Tree, package: dict[str, Any]) -> Line:
    """The lock file's own command, which never changes the lock file."""
    manager = package.get("packageManager")
    named = re.match(r"(pnpm|yarn)@(\d+\.\d+\.\d+)", manager) if isinstance(manager, str) else None
    if "pnpm-lock.yaml" in tree.names:
        version = named[2] if named and named[1] == "pnpm" else _pnpm_of(tree.read("pnpm-lock.yaml"))
        return Line(value=f"npx --yes pnpm@{version} install --frozen-lockfile", source="pnpm-lock.yaml")
    if "yarn.lock" in tree.names and "__metadata:" in tree.read("yarn.lock"):
        version = named[2] if named and named[1] == "yarn" else "4"
        settings = "YARN_NODE_LINKER=node-modules YARN_ENABLE_TELEMETRY=0 YARN_ENABLE_GLOBAL_CACHE=0"
        # This yarn asks a proxy for tunnels only, also to plain HTTP; so it is given the proxy as the registry.
        reach = "YARN_NPM_REGISTRY_SERVER=$http_proxy/${npm_config_registry#*://*/} YARN_UNSAFE_HTTP_WHITELIST='*'"
        run = f"npx --yes --package @yarnpkg/cli-dist@{version} yarn install --immutable"
        return Line(value=f"{settings} {reach} YARN_IGNORE_PATH=1 {run}", source="yarn.lock")
    if "yarn.lock" in tree.names:
        # The lock file names the public registry, which a build reaches by another address; git restores it afterwards.
        there = "s#https://registry\\.(yarnpkg\\.com|npmjs\\.org)/#'$npm_config_registry'#"
        run = "npx --yes yarn@1 install --frozen-lockfile"
        return Line(value=f"sed -i -E '{there}' yarn.lock && {run}", source="yarn.lock")
    lock = next((name for name in ("package-lock.json", "npm-shrinkwrap.json") if name in tree.names), "")
    if lock:
        return Line(value="npm ci --no-audit --no-fund", source=lock)
    return Line(value="npm install --no-audit --no-fund --no-package-lock", source="package.json")


def _pnpm_of(lock: str) -> str:
    """The pnpm that wrote a lock file of some version."""
    match = re.search(r"(?m)^lockfileVersion: ['\"]?(\d+)", lock)
    return {"5": "7", "6": "8"}.get(match[1] if match else "", "9")


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _json(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
