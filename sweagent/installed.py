"""Refuse what needs a Python package that is not installed."""

import sys
from importlib.util import find_spec

from sweagent.errors import UsageError


def require_package(package: str, purpose: str) -> None:
    """Refuse to go on without a package, before anything is fetched or built.

    Args:
        package: as it is imported.
        purpose: what needs it, as the subject of a sentence.

    Raises:
        UsageError: it is not installed.
    """
    if find_spec(package) is None:
        raise missing_package(package, purpose)


def missing_package(package: str, purpose: str) -> UsageError:
    """The error of a package that is not installed, with how to install all of them.

    Args:
        package: as it is imported.
        purpose: what needs it, as the subject of a sentence.
    """
    return UsageError(
        f"{purpose} needs the package {package}, which {sys.executable} does not have",
        "install fix-issue whole: `pip install .` in its folder (`make demo` installs only what the demo needs)",
    )


def is_own_requirement(package: str) -> bool:
    """Whether a module belongs to no part of Python or of fix-issue, so that an installation lacks it."""
    name = package.partition(".")[0]
    return bool(name) and name != "sweagent" and name not in sys.stdlib_module_names
