"""What a Python project says of itself, in whichever of its files."""

from packaging.requirements import Requirement

from sweagent.environment.bases.host_packages import distribution_name
from sweagent.environment.discover.pyproject import metadata_of_pyproject
from sweagent.environment.discover.python_metadata import Metadata
from sweagent.environment.discover.setup_files import metadata_of_setup_cfg, metadata_of_setup_py
from sweagent.environment.recipe import Line, normal_name
from sweagent.environment.tree import Tree, read_toml


def read_metadata(tree: Tree) -> Metadata:
    """Read pyproject.toml, setup.cfg and setup.py, the earlier ones first in rank."""
    found = [
        metadata_of_pyproject(read_toml(tree, "pyproject.toml")),
        metadata_of_setup_cfg(tree),
        metadata_of_setup_py(tree),
    ]
    name = next((item.name for item in found if item.name), "")
    extras = {extra: lines for item in reversed(found) for extra, lines in item.extras.items()}
    return Metadata(
        name=name,
        requires_python=next((item.requires_python for item in found if item.requires_python), None),
        classified=next((item.classified for item in found if item.classified), ()),
        dependencies=next((item.dependencies for item in found if item.dependencies), ()),
        extras={extra: _resolved(lines, name, extras) for extra, lines in extras.items()},
        groups={group: _resolved(lines, name, extras) for group, lines in found[0].groups.items()},
        build_requires=found[0].build_requires,
        setup_requires=tuple(line for item in found for line in item.setup_requires),
        tests_require=tuple(line for item in found for line in item.tests_require),
        backend=found[0].backend,
        installable=any(item.installable for item in found),
    )


def _resolved(
    lines: tuple[Line, ...], name: str, extras: dict[str, tuple[Line, ...]], seen: frozenset[str] = frozenset()
) -> tuple[Line, ...]:
    """The lines, with what the project asks of its own extras (`all = ["project[a,b]"]`) instead of the asking."""
    found: list[Line] = []
    for line in lines:
        if not name or distribution_name(line.value) != normal_name(name):
            found.append(line)
            continue
        for extra in sorted(Requirement(line.value).extras - seen):
            found += _resolved(extras.get(extra, ()), name, extras, seen | {extra})
    return tuple(found)
