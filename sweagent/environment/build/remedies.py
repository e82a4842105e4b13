"""Remedies after a failed build, chosen by the error's text."""

import re

import yaml

from sweagent.environment.bases.host_packages import distribution_name
from sweagent.environment.discover.python_recipe import SOURCES_ON_PATH, cutoff, with_extras
from sweagent.environment.recipe import Line, Recipe, SystemPackage
from sweagent.frozen import Frozen
from sweagent.resources import resource

_UNRESOLVED = (
    r"No matching distribution|ResolutionImpossible|[Cc]onflict|Failed building wheel|does not provide the extra"
)
_BUILDING = r"egg_info|requirements to build|metadata-generation-failed|setup\.py|Building (?:wheel|editable)"
_AT_REQUIREMENTS = r"The command '.*-r /opt/fix-issue/requirements\.txt' returned"
_UNPACKAGED = (
    r"Multiple top-level (?:packages|modules) discovered|Unable to determine which files to ship|"
    r"No file/folder found for (?:package|module)"
)
_COMPILING = r"\b(?:gcc|cc1|g\+\+|clang|cmake|meson|ninja|rustc|cargo|cython|gfortran)\b|Extension modules?"
_IN_PLACE = "--no-build-isolation"
_PASSING = {
    "the network failed": r"HTTP error 5\d\d|502 error|Max retries exceeded|Read timed out|Connection reset",
    # The engine removes layers with the last image that has them, also when a build has just found them in its cache.
    "a layer was removed meanwhile": r"unable to find image \"sha256:|No such image: sha256:",
}
"""Faults that say nothing of the recipe, and how they show."""


class Remedy(Frozen):
    """A changed recipe and what was changed."""

    what: str
    recipe: Recipe


def next_recipe(recipe: Recipe, error: str) -> Remedy | None:
    """The next recipe to try, or None when nothing is left.

    A fault of the network or of the engine's cache is met with the same recipe. Tried then, in this order: packages of
    npm's of any day; leaving out a system package that the base does not have; adding one that the error names; having
    a module that a build script imports; leaving out a package that cannot be had; tools of the package manager as the
    code's time knew them; installing packages one by one that contradict each other; leaving out the extras; the root's
    project without the others of its workspace; the sources on the path where there is nothing to install; another
    interpreter; the sources on the path in any case. Of a recipe from a lock file nothing is changed.

    Args:
        recipe: the recipe that failed.
        error: the end of the build's output.
    """
    for fault, said in _PASSING.items():
        if re.search(said, error[-4000:]):
            return Remedy(what=f"try again: {fault}", recipe=recipe)
    if recipe.locked:
        return None
    for remedy in (
        _of_any_day,
        _without_unknown_package,
        _system_package,
        _missing_for_setup,
        _missing_module,
        _without_missing,
        _older_tools,
        _one_by_one,
        _without_extras,
        _without_members,
        _not_a_package,
        _other_toolchain,
        _without_installation,
    ):
        found = remedy(recipe, error)
        if found is not None:
            return found
    return None


def _system_package(recipe: Recipe, error: str) -> Remedy | None:
    known = yaml.safe_load(resource("environments", "system-packages.yaml").read_text(encoding="utf-8"))
    present = {package.value for package in recipe.system}
    for pattern, packages in known.items():
        wanted = [package for package in packages.split() if package not in present]
        if wanted and re.search(pattern, error):
            added = tuple(SystemPackage(value=package, source="named by the build's error") for package in wanted)
            return Remedy(
                what=f"add the system packages {' '.join(wanted)}",
                recipe=recipe.model_copy(update={"system": recipe.system + added}),
            )
    return None


def _of_any_day(recipe: Recipe, error: str) -> Remedy | None:
    """Take newer packages too, where npm finds that one of its choice wants a version of after the commit.

    Registries that mirror others may tell the days on which they fetched packages, so that some are not held back.
    """
    if recipe.ecosystem != "node" or recipe.cutoff is None or not re.search(r"code ETARGET|ERR_PNPM_NO_MATCH", error):
        return None
    changed = recipe.model_copy(update={"cutoff": None})
    return Remedy(what=f"take packages of after {recipe.cutoff} too", recipe=changed)


def _without_unknown_package(recipe: Recipe, error: str) -> Remedy | None:
    """Leave out a system package that the base's distribution does not have under that name."""
    named = re.findall(r"(?:Unable to locate package|Package '?)\s*([a-z0-9][a-z0-9+.-]*)", error)
    unknown = {name.rstrip(".") for name in named} & {package.value for package in recipe.system}
    if not unknown:
        return None
    kept = tuple(package for package in recipe.system if package.value not in unknown)
    return Remedy(what=f"leave out {' '.join(sorted(unknown))}", recipe=recipe.model_copy(update={"system": kept}))


def _without_missing(recipe: Recipe, error: str) -> Remedy | None:
    match = re.search(r"No matching distribution found for ([A-Za-z0-9._-]+)", error)
    match = match or re.search(r"(?:Failed building wheel for|Failed to build) ([A-Za-z0-9._-]+)", error)
    if match is None:
        return None
    update = {
        part: tuple(line for line in lines if not _names(line, match[1]))
        for part, lines in (("requirements", recipe.requirements), ("tools", recipe.tools))
    }
    changed = recipe.model_copy(update=update)
    return Remedy(what=f"leave out {match[1]}", recipe=changed) if changed != recipe else None


def _older_tools(recipe: Recipe, error: str) -> Remedy | None:
    if recipe.ecosystem != "python" or not re.search(
        r"use_2to3|setup_requires|pkg_resources|error in \S+ setup command", error
    ):
        return None
    if any(line.value.startswith("setuptools<") for line in recipe.tools):
        return None
    tools = (Line(value="setuptools<58", source="the build's error"), Line(value="wheel", source="the build's error"))
    return Remedy(what="use setuptools<58", recipe=recipe.model_copy(update={"tools": tools}))


def _missing_for_setup(recipe: Recipe, error: str) -> Remedy | None:
    """Have what a setup script requires: a setuptools of before 2019 would fetch it by means of its own, and cannot."""
    match = re.search(r"Could not find suitable distribution for Requirement\.parse\('([^'\n]{1,200})'\)", error)
    if match is None or any(line.value == match[1] for line in recipe.tools):
        return None
    added = Line(value=match[1], source="the build's error")
    changed = recipe.model_copy(update={"tools": (*recipe.tools, added)})
    return Remedy(what=f"install {match[1]} before what is built with it", recipe=changed)


def _missing_module(recipe: Recipe, error: str) -> Remedy | None:
    """Have a module before anything is built that a build script imports without asking for it.

    A build in an environment of its own would not see it, so that the project itself is built in the common one. Only
    modules that are known, or that the project asks for anyway, are installed.
    """
    match = re.search(r"(?:No module named|Cannot import) '?([A-Za-z_]\w*)", error)
    if recipe.ecosystem != "python" or match is None or not re.search(_BUILDING, error):
        return None
    known = yaml.safe_load(resource("environments", "python", "test-packages.yaml").read_text(encoding="utf-8"))
    wanted = known["builds"].get(match[1]) or known["imports"].get(match[1])
    name = distribution_name(wanted or match[1])
    # The version that the project asks for fits best.
    asked = next((line.value for line in (*recipe.requirements, *recipe.optional) if _names(line, name)), wanted)
    if asked is None:
        return None
    there = any(line.value == asked for line in recipe.tools)
    tools = () if there else (Line(value=asked, source=f"the build imports {match[1]}"),)
    install = tuple(_in_place(line) for line in recipe.install) if _of_project(error) else recipe.install
    if there and install == recipe.install:
        return None
    changed = recipe.model_copy(update={"tools": recipe.tools + tools, "install": install})
    return Remedy(what=f"install {name} before what is built with it", recipe=changed)


def _in_place(line: Line) -> Line:
    value = line.value.replace(" --editable", f" {_IN_PLACE} --editable")
    return line if _IN_PLACE in line.value else line.model_copy(update={"value": value})


def _one_by_one(recipe: Recipe, error: str) -> Remedy | None:
    """Leave out what does not go with the rest; what the project itself needs is then wanted by its installation.

    That is for requirements that contradict each other, and for anything else when no interpreter is left to try.
    """
    conflict = re.search(r"ResolutionImpossible|[Cc]onflicting dependencies", error)
    if not recipe.requirements or _of_project(error) or not re.search(_AT_REQUIREMENTS, error):
        return None
    if not conflict and recipe.toolchain.alternatives:
        return None
    changed = recipe.model_copy(update={"requirements": (), "optional": recipe.requirements + recipe.optional})
    return Remedy(what="install the packages one by one, without those that cannot be had", recipe=changed)


def _not_a_package(recipe: Recipe, error: str) -> Remedy | None:
    """An application that was never meant to be installed: its root goes on the path instead."""
    return _without_installation(recipe, error) if re.search(_UNPACKAGED, error) else None


def _without_installation(recipe: Recipe, error: str) -> Remedy | None:
    """Put the sources on the path, with the packages that the metadata names: the last resort without a compiler."""
    if recipe.ecosystem != "python" or not _of_project(error) or re.search(_COMPILING, error):
        return None
    if recipe.install == (SOURCES_ON_PATH,):
        return None
    changed = recipe.model_copy(update={"extras": (), "install": (SOURCES_ON_PATH,)})
    return Remedy(what="put the sources on the path instead of installing them", recipe=changed)


def _of_project(error: str) -> bool:
    return "Obtaining file:" in error or bool(re.search(r"The command '.*--editable ", error))


def _without_extras(recipe: Recipe, error: str) -> Remedy | None:
    if not recipe.extras or not re.search(_UNRESOLVED, error):
        return None
    return Remedy(what="leave out the extras " + ", ".join(recipe.extras), recipe=with_extras(recipe, ()))


def _without_members(recipe: Recipe, error: str) -> Remedy | None:
    """Install the project of the root alone, where one of its workspace's others cannot be installed with it."""
    if not _of_project(error):
        return None
    install = tuple(
        line.model_copy(update={"value": re.sub(r" --editable \./\S+", "", line.value)})
        if re.search(r"--editable ('\.\[|\.(?=\s|$))", line.value)
        else line
        for line in recipe.install
    )
    if install == recipe.install:
        return None
    changed = recipe.model_copy(update={"install": install})
    return Remedy(what="install the root's project without the others of its workspace", recipe=changed)


def _other_toolchain(recipe: Recipe, error: str) -> Remedy | None:
    return None if _nowhere(error) else other_toolchain(recipe)


def other_toolchain(recipe: Recipe, why: str = "") -> Remedy | None:
    """The recipe with the next interpreter or compiler that may do; None when none is left.

    Args:
        recipe: what was tried.
        why: what is wrong with its own.
    """
    if not recipe.toolchain.alternatives:
        return None
    chosen, *rest = recipe.toolchain.alternatives
    toolchain = recipe.toolchain.model_copy(update={"value": chosen, "alternatives": tuple(rest)})
    # Packages of the code's time do not know a newer interpreter.
    until = cutoff(recipe.committed, chosen) if recipe.ecosystem == "python" and recipe.cutoff else recipe.cutoff
    return Remedy(
        what=f"use version {chosen}{', since ' if why else ''}{why}",
        recipe=recipe.model_copy(update={"toolchain": toolchain, "cutoff": until}),
    )


def _nowhere(error: str) -> bool:
    """Whether a package that cannot be left out is not in the index at all, for no interpreter."""
    return "from versions: none" in error and "Ignored the following versions" not in error


def _names(line: Line, name: str) -> bool:
    from sweagent.environment.recipe import normal_name

    own = re.match(r"[A-Za-z0-9._-]+", line.value)
    return own is not None and normal_name(own[0]) == normal_name(name)
