"""Borrow packages of this program's own environment, without a registry."""

from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from sweagent.environment.recipe import normal_name


def distribution_name(requirement: str) -> str:
    """The normal name of the distribution that a requirement asks for; empty when it cannot be read."""
    try:
        return normal_name(Requirement(requirement).name)
    except InvalidRequirement:
        return ""


def borrowed_files(requirement: str) -> list[tuple[str, Path]] | None:
    """The installed files of a distribution and of all that it needs.

    Args:
        requirement: as pip takes it; the version installed here is taken, whichever is asked for.

    Returns:
        For each file its path in `site-packages` and its path here; None when something is not installed here.
    """
    found: list[tuple[str, Path]] = []
    wanted, seen = [distribution_name(requirement)], set()
    while wanted:
        name = wanted.pop()
        if name in seen or not name:
            continue
        seen.add(name)
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            return None
        for file in distribution.files or []:
            source = Path(str(distribution.locate_file(file)))
            if ".." not in file.parts and not file.is_absolute() and file.suffix != ".pyc" and source.is_file():
                found.append((str(file), source))
        wanted += [distribution_name(text) for text in distribution.requires or [] if _applies(text)]
    return found


def _applies(requirement: str) -> bool:
    marker = Requirement(requirement).marker
    return marker is None or marker.evaluate({"extra": ""})
