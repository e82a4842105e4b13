"""Compile extensions of Python projects beyond a plain editable install."""

import re

from sweagent.environment.discover.python_metadata import Metadata
from sweagent.environment.recipe import RUST, Line, SystemPackage
from sweagent.environment.tree import Tree
from sweagent.frozen import Frozen

_MESON_OPTIONS = ("meson.options", "meson_options.txt")
_SYSTEM_OPTION = re.compile(
    r"option\(\s*['\"]system-([a-z0-9][a-z0-9+.]{0,40})['\"]\s*,\s*type\s*:\s*['\"]boolean['\"]"
)
_MATPLOTLIB_FILE = "/opt/fix-issue/mplsetup.cfg"


class NativeBuild(Frozen):
    """What a build needs besides the project's own metadata."""

    tools: tuple[Line, ...] = ()
    """Packages that have to be there before the build."""
    system: tuple[SystemPackage, ...] = ()
    prepare: tuple[Line, ...] = ()
    options: str = ""
    """Of `pip install`, with a leading space."""
    variables: str = ""
    """Set for the installation, with a space at the end."""


def native_build(tree: Tree, metadata: Metadata) -> NativeBuild:
    """What compiles the project's extensions, as its build files say.

    An editable project of meson-python is compiled again when it is imported, with the tools of its build, so that
    these must stay. Libraries that the build would download, which it cannot reach, are taken from the system.

    Args:
        tree: the repository.
        metadata: its metadata.
    """
    if metadata.backend == "mesonpy":
        return _of_meson(tree, metadata)
    if metadata.backend == "maturin" or any("setuptools-rust" in line.value for line in metadata.build_requires):
        return NativeBuild(system=(SystemPackage(value=RUST, source="pyproject.toml [build-system]"),))
    if "system_freetype" in tree.read("setupext.py") or "local_freetype" in tree.read("setupext.py"):
        return _of_matplotlib()
    if "numpy.distutils" in tree.read("setup.py"):
        # The other setup scripts compile one file after the other: some compile the same file in several ways.
        return NativeBuild(variables="NPY_NUM_BUILD_JOBS=$(nproc) ")
    return NativeBuild()


def _of_meson(tree: Tree, metadata: Metadata) -> NativeBuild:
    source = "pyproject.toml [build-system]"
    libraries = [name for file in _MESON_OPTIONS for name in _SYSTEM_OPTION.findall(tree.read(file))]
    options = "".join(f" --config-settings=setup-args=-Dsystem-{name}=true" for name in libraries)
    return NativeBuild(
        tools=(*metadata.build_requires, Line(value="ninja", source=source)),
        system=tuple(SystemPackage(value=f"lib{name}-dev", source="options of Meson") for name in libraries),
        options=f" --no-build-isolation{options}",
    )


def _of_matplotlib() -> NativeBuild:
    """Matplotlib before 3.9: its setup has a file of its own that says whose libraries are used."""
    wanted = "[libs]\\nsystem_freetype = true\\nsystem_qhull = true\\n"
    write = f"mkdir -p /opt/fix-issue && printf '{wanted}' > {_MATPLOTLIB_FILE}"
    packages = ("libfreetype-dev", "libpng-dev", "libqhull-dev")
    return NativeBuild(
        system=tuple(SystemPackage(value=package, source="setupext.py") for package in packages),
        prepare=(Line(value=write, source="setupext.py"),),
        variables=f"MPLSETUPCFG={_MATPLOTLIB_FILE} ",
    )
