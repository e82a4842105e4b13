"""Choose the Python version of a repository by weighing the evidence."""

import re
from datetime import date, timedelta

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from sweagent.environment.discover.ci_steps import workflows
from sweagent.environment.discover.container_files import container_version
from sweagent.environment.discover.nox_sessions import FILE as NOXFILE
from sweagent.environment.discover.nox_sessions import read_nox
from sweagent.environment.discover.python_metadata import Metadata
from sweagent.environment.recipe import Toolchain
from sweagent.environment.tree import Tree

RELEASES = {
    "2.7": date(2010, 7, 3), "3.6": date(2016, 12, 23), "3.7": date(2018, 6, 27), "3.8": date(2019, 10, 14),
    "3.9": date(2020, 10, 5), "3.10": date(2021, 10, 4), "3.11": date(2022, 10, 24), "3.12": date(2023, 10, 2),
    "3.13": date(2024, 10, 7), "3.14": date(2025, 10, 7),
}  # fmt: skip
"""The days on which minor versions came out, as python.org tells."""

SETTLED = timedelta(days=270)
"""So long after a release most packages have learnt it and offer wheels for it."""

TESTED = timedelta(days=90)
"""So long after a release a version is taken that the repository itself tests with."""


def choose_python(
    tree: Tree, metadata: Metadata, available: frozenset[str], system: frozenset[str] = frozenset()
) -> Toolchain:
    """Choose the interpreter: the newest that the evidence allows and that was settled on the day of the commit.

    Args:
        tree: the repository.
        metadata: from `read_metadata`.
        available: minor versions that can be had here; the choice stays among them when it can.
        system: those of this machine's system: the nearest that the evidence allows is the last to be tried.
    """
    pinned = _pinned(tree)
    available = available | system if available else available
    if pinned and (pinned[0] in available or not available):
        return Toolchain(value=pinned[0], source=pinned[1], alternatives=())
    candidates = [version for version in RELEASES if not available or version in available]
    allowed, source = _allowed(candidates, tree, metadata)
    python3 = [version for version in allowed if version != "2.7"] or allowed
    if allowed == ["2.7"] and any(version.startswith("3") for version in metadata.classified):
        python3 = candidates[1:2] or allowed
        source = "the oldest Python 3 here, since the classifiers name older ones"
    tested = tested_versions(tree)[0]
    waits = {version: TESTED if version in tested else SETTLED for version in python3}
    settled = [version for version in python3 if RELEASES[version] + waits[version] <= tree.committed]
    chosen = settled[-1] if settled else python3[0]
    reason = f"{source}; the newest that was settled on {tree.committed}" if settled else f"{source}; the oldest here"
    if pinned:
        reason += f"; {pinned[1]} asks for {pinned[0]}, which cannot be had here"
    others = sorted((v for v in python3 if v != chosen), key=lambda v: abs(python3.index(v) - python3.index(chosen)))
    here = [version for version in others[2:] if version in system][:1]
    return Toolchain(value=chosen, source=reason, alternatives=(*others[:2], *here))


def _allowed(candidates: list[str], tree: Tree, metadata: Metadata) -> tuple[list[str], str]:
    evidence: list[tuple[list[str], str]] = []
    if metadata.requires_python:
        try:
            wanted = SpecifierSet(metadata.requires_python.value)
        except InvalidSpecifier:
            wanted = SpecifierSet()
        fitting = [v for v in candidates if any(wanted.contains(f"{v}.{patch}") for patch in (0, 9, 18))]
        evidence.append((fitting, f"requires-python in {metadata.requires_python.source}"))
    tested, place = tested_versions(tree)
    evidence.append(([v for v in candidates if v in tested], place))
    evidence.append(([v for v in candidates if v in metadata.classified], "classifiers"))
    if not any(versions for versions, _ in evidence):
        said, place = container_version(tree, "python", "python")
        evidence.append(([v for v in candidates if v == said], place))
    allowed, sources = candidates, []
    for versions, source in evidence:
        both = [version for version in allowed if version in versions]
        if both:
            allowed = both
            sources.append(source)
    return allowed, " and ".join(sources) or "not stated"


def tested_versions(tree: Tree) -> tuple[frozenset[str], str]:
    """The versions that the repository's own CI or tox runs, and where that is said."""
    for names in (workflows(tree), [".travis.yml"], ["azure-pipelines.yml"], ["tox.ini"]):
        found: set[str] = set()
        places = []
        for name in names:
            text = tree.read(name)
            if name == "tox.ini":
                envlist = re.search(r"(?ms)^env_?list\s*=(.*?)(?=^\S)", text)
                versions = [f"{a}.{b}" for a, b in _tox_versions(envlist[1] if envlist else "")]
            else:
                versions = re.findall(r"['\"\s\[](?:python-?|pypy-?)?([23]\.\d{1,2})(?=['\"\s,\]]|$)", text)
            if set(versions) & RELEASES.keys():
                found |= set(versions) & RELEASES.keys()
                places.append(name)
        if found:
            return frozenset(found), ", ".join(places)
    in_sessions = set(read_nox(tree).versions) & RELEASES.keys()
    return frozenset(in_sessions), NOXFILE if in_sessions else ""


def _tox_versions(text: str) -> list[tuple[str, str]]:
    expanded = re.sub(r"py\{([^}]*)\}", lambda m: ",".join("py" + part.strip() for part in m[1].split(",")), text)
    return re.findall(r"\bpy([23])\.?(\d{1,2})\b", expanded)


def _pinned(tree: Tree) -> tuple[str, str] | None:
    match = re.match(r"\s*(?:cpython-|python-)?(\d+\.\d+)", tree.read(".python-version").split("\n")[0])
    if match:
        return match[1], ".python-version"
    match = re.match(r"python-(\d+\.\d+)", tree.read("runtime.txt"))
    return (match[1], "runtime.txt") if match else None
