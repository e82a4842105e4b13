"""The recipe of a Python repository."""

import re
from calendar import monthrange
from datetime import date, timedelta

import yaml
from packaging.requirements import InvalidRequirement, Requirement

from sweagent.environment.bases.host_packages import distribution_name
from sweagent.environment.bases.interpreters import host_interpreters, system_minors
from sweagent.environment.discover.ci_steps import ci_packages
from sweagent.environment.discover.container_files import system_packages
from sweagent.environment.discover.hatch_environments import read_hatch
from sweagent.environment.discover.native_build import NativeBuild, native_build
from sweagent.environment.discover.nox_sessions import read_nox
from sweagent.environment.discover.python_metadata import Metadata
from sweagent.environment.discover.python_project import read_metadata
from sweagent.environment.discover.python_tests import (
    extras_of_requirement_files,
    requirement_lines,
    test_command,
    test_requirements,
    undeclared_packages,
)
from sweagent.environment.discover.python_version import RELEASES, TESTED, choose_python
from sweagent.environment.discover.tox_sections import read_tox
from sweagent.environment.discover.workspace import Member, workspace_members
from sweagent.environment.recipe import WORKDIR, Line, Recipe, SystemPackage, normal_name
from sweagent.environment.tree import Tree
from sweagent.resources import resource
from sweagent.testing import Runner, runner_of

LEARNT = timedelta(days=540)
"""So long after its release at least, packages are sought for an interpreter: those of its first days lack wheels."""

_BASIC_SYSTEM = ("build-essential", "ca-certificates", "git", "pkg-config")
_VERSION_VARIABLES = {
    "setuptools[_-]scm|hatch-vcs|flit[_-]scm": "SETUPTOOLS_SCM_PRETEND_VERSION",
    "pbr": "PBR_VERSION",
    "pdm.*scm": "PDM_BUILD_SCM_VERSION",
    "poetry-dynamic-versioning": "POETRY_DYNAMIC_VERSIONING_BYPASS",
}
"""What a build file says of the tool that tells the version, and the variable by which that tool is told."""

ROOT_ON_PATH = Line(
    value=f"echo {WORKDIR} > $(python -c 'import sysconfig; print(sysconfig.get_paths()[\"purelib\"])')/testbed.pth",
    source="nothing to install: the repository's root is put on the path",
)
SOURCES_ON_PATH = Line(
    value=ROOT_ON_PATH.value.replace(f"echo {WORKDIR} ", f"printf '%s\\n' {WORKDIR}/src {WORKDIR}/lib {WORKDIR} "),
    source="the project could not be installed",
)
_TOOLS = (Line(value="setuptools", source="every build"), Line(value="wheel", source="every build"))
_FOR_RUNNERS = ((Runner.DJANGO, "tblib", "without it, Django's parallel runner ends at the first test that fails"),)
_NOT_FOR_TESTS = frozenset({
    "tox", "pre-commit", "black", "flake8", "mypy", "isort", "ruff", "twine", "codecov", "coveralls", "pip-tools",
    "sphinx", "pyright", "build", "bumpversion", "pip", "setuptools", "nox", "check-manifest", "furo",
    "bandit", "zest-releaser",
})  # fmt: skip


def python_recipe(tree: Tree, name: str) -> Recipe:
    """Discover how a Python repository is installed and tested.

    Args:
        tree: the repository at a commit.
        name: the repository's short name.
    """
    metadata = read_metadata(tree)
    available = frozenset(item.minor for item in host_interpreters())
    toolchain = choose_python(tree, metadata, available, system_minors())
    said = (read_nox(tree), read_tox(tree), read_hatch(tree))
    extras = metadata.for_tests()
    named = dict.fromkeys(extra for installed in said for extra in installed.extras)
    named |= dict.fromkeys(extras_of_requirement_files(tree))
    extras += tuple(extra for extra in named if extra in metadata.extras and extra not in extras)
    plain = metadata.dependencies or tuple(_plain_requirements(tree, metadata))
    wanted = [*plain, *(line for extra in extras for line in metadata.extras[extra])]
    wanted += [line for line in test_requirements(tree, metadata, said) if not _is_tool(line)]
    members = workspace_members(tree)
    wanted += [line for member in members for line in member.wanted if not _is_tool(line)]
    command, paths = test_command(tree, metadata)
    native = native_build(tree, metadata)
    if "pytest" in command.value:
        wanted.append(Line(value="pytest", source=command.source))
    if is_newer_than_code(tree.committed, toolchain.value):
        wanted = [_unpinned(line) for line in wanted]
    own = {normal_name(metadata.name or name.rsplit("/", 1)[-1])}
    own |= {normal_name(member.metadata.name) for member in members}
    requirements = [line for line in _once(_applying(wanted, toolchain.value)) if _name(line) not in own]
    there = {_name(line) for line in requirements} | own
    optional = _applying(_optional(tree, metadata, command, there), toolchain.value)
    return Recipe(
        ecosystem="python",
        name=name,
        commit=tree.commit,
        committed=tree.committed,
        cutoff=cutoff(tree.committed, toolchain.value),
        toolchain=toolchain,
        system=_system(tree, native, [*requirements, *optional]),
        tools=tuple(_once([*_applying(_for_build(metadata, native), toolchain.value), *_TOOLS])),
        requirements=tuple(requirements),
        optional=tuple(optional),
        extras=extras,
        prepare=_prepare(tree) + native.prepare,
        install=_install(tree, metadata, extras, native, members),
        test_command=command,
        test_paths=paths,
    )


def _optional(tree: Tree, metadata: Metadata, command: Line, there: set[str]) -> list[Line]:
    """What test files, pytest's options, the runner and CI name and no metadata does."""
    named = [
        *(Line(value=name, source=why) for runner, name, why in _FOR_RUNNERS if runner_of(command.value) == runner),
        *undeclared_packages(tree, metadata),
        *(line for line in ci_packages(tree, metadata) if not _is_tool(line)),
    ]
    return [line for line in _once(named) if _name(line) not in there]


def _system(tree: Tree, native: NativeBuild, requirements: list[Line]) -> tuple[SystemPackage, ...]:
    """What every build needs, what the repository's own files install, and what some packages need."""
    known = yaml.safe_load(resource("environments", "python", "system-packages.yaml").read_text(encoding="utf-8"))
    found = {package: SystemPackage(value=package, source="every build") for package in _BASIC_SYSTEM}
    for package in (*system_packages(tree), *native.system):
        found.setdefault(package.value, package)
    for line in requirements:
        for name in known.get(_name(line), "").split():
            found.setdefault(name, SystemPackage(value=name, source=f"{_name(line)} needs it"))
    return tuple(found.values())


def cutoff(committed: date, version: str) -> date:
    """The day until which packages are sought.

    The end of the commit's month, so that neighbouring commits share their packages; later when the interpreter was not
    settled on that day, since the packages of the code's time do not know it.
    """
    last = committed
    if version in RELEASES and RELEASES[version] + TESTED > committed:
        last = max(committed, RELEASES[version] + LEARNT)
    return last.replace(day=monthrange(last.year, last.month)[1])


def is_newer_than_code(committed: date, version: str) -> bool:
    """Whether the interpreter came out after the commit, so that the versions which the code pins do not know it."""
    return version in RELEASES and RELEASES[version] > committed


def _unpinned(line: Line) -> Line:
    value = re.sub(r"==\s*[\w.*+!-]+", "", line.value)
    return line if value == line.value else Line(value=value, source=f"{line.source}, without its pin")


def _prepare(tree: Tree) -> tuple[Line, ...]:
    """Build helpers that lie in a submodule, which a copy of the repository does not hold: taken from the index."""
    if "ah_bootstrap.py" not in tree.names or "astropy_helpers" not in tree.read(".gitmodules"):
        return ()
    fetch = "pip download --no-cache-dir --no-deps --no-binary :all: --dest /tmp/helpers astropy-helpers"
    unpack = "mkdir -p astropy_helpers && tar -xzf /tmp/helpers/*.tar.gz --strip-components 1 -C astropy_helpers"
    return (Line(value=f"{fetch} && {unpack} && rm -r /tmp/helpers", source=".gitmodules"),)


def _for_build(metadata: Metadata, native: NativeBuild) -> list[Line]:
    """What has to be there before the project is built; an old setuptools could not fetch it where a build runs."""
    return [*native.tools, *(line for line in metadata.setup_requires if not metadata.build_requires)]


def _install(
    tree: Tree, metadata: Metadata, extras: tuple[str, ...], native: NativeBuild, members: tuple[Member, ...]
) -> tuple[Line, ...]:
    if not metadata.installable and not members:
        return (ROOT_ON_PATH,)
    root = (f"'.[{','.join(extras)}]'" if extras else ".") if metadata.installable else ""
    # All at once, so that none of them is taken from the index for another.
    what = " ".join(f"--editable {place}" for place in (root, *(f"./{member.folder}" for member in members)) if place)
    command = f"{native.variables}pip install --no-cache-dir{native.options} {what}"
    source = "pyproject.toml, setup.cfg or setup.py" + ("; with the members of its workspace" if members else "")
    files = ("pyproject.toml", "setup.cfg", "setup.py", *(f"{member.folder}/pyproject.toml" for member in members))
    build_files = "".join(tree.read(name) for name in files)
    tool = next((tool for tool in _VERSION_VARIABLES if re.search(tool, build_files)), None)
    if tool and tree.version:
        # The copy of the repository has no tags, from which such tools would tell the version.
        command = f"{_VERSION_VARIABLES[tool]}={tree.version} {command}"
        source += f"; the version that {tool} would tell from the tags"
    install = Line(value=command, source=source)
    if native.options or any(re.match(r"(src|lib)/.+\.py$", name) for name in tree.names):
        return (install,)
    # Setuptools of 64 and later imports such packages by a hook; what looks for modules on the path would miss them.
    return (install, ROOT_ON_PATH.model_copy(update={"source": "the packages lie in the repository's root"}))


def with_extras(recipe: Recipe, extras: tuple[str, ...]) -> Recipe:
    """The recipe with other extras of the project itself."""
    what = f"'.[{','.join(extras)}]'" if extras else "."
    install = tuple(
        line.model_copy(
            update={"value": re.sub(r"--editable ('\.\[[^]]*\]'|\.)(?=\s|$)", f"--editable {what}", line.value)}
        )
        for line in recipe.install
    )
    return recipe.model_copy(update={"extras": extras, "install": install})


def _plain_requirements(tree: Tree, metadata: Metadata) -> list[Line]:
    return requirement_lines(tree, "requirements.txt") if "requirements.txt" in tree.names else []


def _applying(lines: list[Line], version: str) -> list[Line]:
    """The lines whose markers hold for the interpreter on Linux."""
    platform = {"python_version": version, "python_full_version": f"{version}.0", "sys_platform": "linux"}
    kept = []
    for line in lines:
        try:
            marker = Requirement(line.value).marker
        except InvalidRequirement:
            continue
        if marker is None or marker.evaluate({**platform, "platform_system": "Linux", "os_name": "posix", "extra": ""}):
            kept.append(line)
    return kept


def _once(lines: list[Line]) -> list[Line]:
    """The lines whose requirement can be read, each distribution once: the first that pins it wins."""
    chosen: dict[str, Line] = {}
    for line in lines:
        name = _name(line)
        if name and (name not in chosen or (not _has_range(chosen[name]) and _has_range(line))):
            chosen[name] = line
    return list(chosen.values())


def _name(line: Line) -> str:
    return distribution_name(line.value)


def _has_range(line: Line) -> bool:
    return bool(re.search(r"[<>=~!]", line.value.split(";")[0]))


def _is_tool(line: Line) -> bool:
    return _name(line) in _NOT_FOR_TESTS
