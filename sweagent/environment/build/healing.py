"""Change a recipe by what the collection of its tests lacked."""

import re
from collections.abc import Iterator, Mapping

import yaml

from sweagent.environment.bases.host_packages import distribution_name
from sweagent.environment.build.remedies import Remedy, other_toolchain
from sweagent.environment.build.test_collection import Collection
from sweagent.environment.missing import Lack, LackKind
from sweagent.environment.recipe import Line, Recipe, normal_name
from sweagent.resources import resource

_NPM = "npm install --no-save --no-audit --no-fund "
MAX_ADDED = 20
"""Packages that one recipe gets at most; a suite that lacks more was not meant to run without them."""


def heal(recipe: Recipe, collection: Collection, offered: Mapping[str, str]) -> Remedy | None:
    """The next recipe to try after a collection that lacked something, or None when nothing is left.

    A missing module gives a package: by the table of `environments/python`, by what the project's own extras and groups
    ask for, else by its name. An option or a marker that nobody knows gives the plugin that does. Each package is tried
    once. A module that newer interpreters no longer have gives an older one, where no test at all can be collected. In
    Node a missing package is installed beside what npm installed.

    Args:
        recipe: as it was built.
        collection: of its tests.
        offered: requirements of the project's extras and groups, by the distribution's normal name.
    """
    if recipe.locked or not collection.lacks:
        return None
    if recipe.ecosystem == "node":
        return _of_npm(recipe, collection)
    if recipe.ecosystem != "python":
        return None
    table = yaml.safe_load(resource("environments", "python", "test-packages.yaml").read_text(encoding="utf-8"))
    removed = [lack.name for lack in collection.lacks if lack.name.split(".")[0] in table["removed"]]
    if removed and not collection.collected:
        return other_toolchain(recipe, f"{removed[0]} is gone from Python {recipe.toolchain.value}")
    tried = {distribution_name(line.value) for line in recipe.added}
    found: dict[str, Line] = {}
    for lack in collection.lacks:
        for wanted in _packages(lack, table, offered):
            name = distribution_name(wanted)
            if name and name not in tried:
                source = f"the tests cannot be collected without {lack.name}"[:200]
                found.setdefault(name, Line(value=wanted, source=source))
    added = (*recipe.added, *found.values())[:MAX_ADDED]
    if added == recipe.added:
        return None
    what = f"add {', '.join(line.value for line in added[len(recipe.added) :])}, which the tests lack"
    return Remedy(what=what, recipe=recipe.model_copy(update={"added": added}))


def _of_npm(recipe: Recipe, collection: Collection) -> Remedy | None:
    """All missing packages by one command: npm removes what an earlier one added without saving it."""
    if not any(line.value.startswith("npm ") for line in recipe.install):
        return None
    old = next((line for line in recipe.finish if line.value.startswith(_NPM)), None)
    tried = old.value.removeprefix(_NPM).split() if old else []
    missing = [lack.name for lack in collection.lacks if lack.kind is LackKind.MODULE and lack.name not in tried]
    if not missing:
        return None
    wanted = [*tried, *missing][:MAX_ADDED]
    added = Line(value=_NPM + " ".join(wanted), source=f"the tests cannot be loaded without {missing[0]}"[:200])
    finish = (*(line for line in recipe.finish if line != old), added)
    what = f"add {', '.join(missing)}, which the tests lack"
    return Remedy(what=what, recipe=recipe.model_copy(update={"finish": finish}))


def _packages(lack: Lack, table: Mapping[str, Mapping[str, str]], offered: Mapping[str, str]) -> Iterator[str]:
    """The requirements that may help, at most a few."""
    if lack.kind is LackKind.MODULE and lack.name.split(".")[0] not in table["removed"]:
        top = lack.name.split(".")[0]
        tables = [table[part] for part in ("imports", "modules", "builds")]
        known = next((part[name] for name in (lack.name, top) for part in tables if name in part), None)
        # Of a namespace, the rest of the name belongs to the distribution's.
        guessed = normal_name(lack.name.replace(".", "-"))
        name = distribution_name(known) if known else guessed
        yield offered.get(name) or known or guessed
    elif lack.kind is LackKind.PLUGIN:
        if re.fullmatch(r"pytest[\w.-]+([<>=!~][^;\s]*)?", lack.name):
            yield lack.name
        # As the tests or the configuration would write it.
        text = lack.name.replace("the marker ", "pytest.mark.") + "("
        yield from (package for sign, package in table["signs"].items() if re.search(sign, text))
