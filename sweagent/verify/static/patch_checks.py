"""Check a patch statically for tampering with its judgement."""

import configparser
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from sweagent.testing.file_kinds import FileKinds, HarnessFile
from sweagent.verify.proof import Finding, Weight
from sweagent.verify.static.power_names import PowerKind
from sweagent.verify.static.powers import is_named, is_of_the_project, new_powers, powers
from sweagent.verify.static.source_tree import Power
from sweagent.verify.test_edits import weakened
from sweagent.verify.trees import LINK, FileChange, Trees, kinds_of

_RUNNER_MODULES = frozenset(
    {"pytest", "_pytest", "py", "pluggy", "unittest", "unittest2", "nose", "xdist", "mpmath", "tox", "nox", "coverage"}
)
_SHADOWED = _RUNNER_MODULES | sys.stdlib_module_names - {"test", "this", "antigravity", "__main__", "setup"}
_PROGRAMS = frozenset(
    {"pytest", "py.test", "python", "python3", "node", "npm", "npx", "jest", "vitest", "mocha", "tox", "nox", "go"}
    | {"cargo", "mvn", "gradle", "git", "sh", "bash", "env", "timeout", "cat"}
)
_IMPORT_ROOTS = frozenset({"", ".", "src", "lib", "python"})
_HELD_BACK = frozenset({"test-edited", "test-deleted", "hooks", "configuration", "runner"})
"""Rules about files that the judged runs take from the base; the user's consent to edits of tests covers them."""


def find_tampering(
    trees: Trees,
    patched: str,
    *,
    kinds: FileKinds | None = None,
    test_command: str = "",
    issue_text: str = "",
    allow_tests: bool = False,
    project: str = "",
) -> tuple[Finding, ...]:
    """Check what a patch changes against the rules.

    No rule here rejects a patch: edits of tests and of the runner's configuration are named, because the judged runs
    take those files from the base; what source code does is for a person to look at.

    Args:
        trees: gives the base tree.
        patched: the tree with the patch.
        kinds: what the files of the base tree are; None finds out.
        test_command: how the project runs its tests; the scripts that it names are part of the runner.
        issue_text: a power that the issue itself names is waived.
        allow_tests: the user allows edits of tests and of what belongs to them.
        project: the repository's name, which the names of its environment variables begin with.

    Returns:
        All findings; those that the user allows are marked as waived.
    """
    kinds = kinds or kinds_of(trees, test_command)
    changes = trees.changes(trees.base, patched)
    paths = [change.path for change in changes]
    before, after = trees.read_many(trees.base, paths), trees.read_many(patched, paths)
    packages = {str(PurePosixPath(path).parent) for path in trees.paths(patched) if path.endswith("/__init__.py")}
    sources = [path for path in paths if kinds.kind(path) is None]
    own = {project, *(PurePosixPath(path).name for path in packages)}
    known = [power for path in sources if path in before for power in powers(path, before[path])]
    findings: list[Finding] = []
    for change in changes:
        old, new = before.get(change.path), after.get(change.path)
        kind = kinds.kind(change.path)
        findings += _shadows(change, packages)
        if kind is not None:
            findings += _of_harness_file(change.path, kind, old, new, test_command)
        elif new is not None:
            found = _as_link(change) or new_powers(change.path, old, new, elsewhere=known)
            findings += [
                _of_power(change.path, power, issue_text) for power in found if not is_of_the_project(power, own)
            ]
    return tuple(_allowed(finding) if allow_tests else finding for finding in findings)


def _allowed(finding: Finding) -> Finding:
    return finding.model_copy(update={"waived": True}) if finding.rule in _HELD_BACK else finding


def _of_power(path: str, power: Power, issue_text: str) -> Finding:
    rule = f"power-{power.kind.name.lower()}"
    return Finding(rule=rule, path=path, line=power.line, detail=power.detail, waived=is_named(power, issue_text))


def _as_link(change: FileChange) -> list[Power]:
    """Source that becomes a link can be anything by the time that it is read."""
    linked = change.new is not None and change.new.mode == LINK and (change.old is None or change.old.mode != LINK)
    return [Power(PowerKind.UNREADABLE, "a symbolic link", 1)] if linked else []


def _of_harness_file(
    path: str, kind: HarnessFile, old: bytes | None, new: bytes | None, test_command: str
) -> Iterator[Finding]:
    if kind is HarnessFile.TEST:
        if new is None:
            yield _held("test-deleted", path, "deletes a test or a file that tests use")
        elif old is not None:
            yield from (_held("test-edited", path, said) for said in weakened(path, old, new)[:3])
    elif kind is HarnessFile.HOOKS:
        yield _held("hooks", path, "changes the hooks and fixtures of the test runner")
    elif kind is HarnessFile.STARTUP:
        yield Finding(rule="startup", path=path, detail="is run or read whenever the interpreter starts")
    elif kind is HarnessFile.RUNNER:
        yield _held("runner", path, "changes the program that runs the tests")
    elif runner_configuration(path, old or b"", test_command) != runner_configuration(path, new or b"", test_command):
        yield _held("configuration", path, "changes how tests are found or run")


def _held(rule: str, path: str, detail: str) -> Finding:
    """What is named only, because the judged runs take the file from the base."""
    return Finding(rule=rule, path=path, detail=detail, weight=Weight.NOTE)


def held_back(trees: Trees, patched: str, kinds: FileKinds, test_command: str = "") -> frozenset[str]:
    """The changed files that the judged runs take from the base: tests, and what decides how they are run.

    Args:
        trees: gives the base tree.
        patched: the tree with the patch.
        kinds: what the files of the base tree are.
        test_command: how the project runs its tests.
    """
    found = {change.path: kinds.kind(change.path) for change in trees.changes(trees.base, patched)}
    shared = [path for path, kind in found.items() if kind is HarnessFile.CONFIGURATION]
    old, new = trees.read_many(trees.base, shared), trees.read_many(patched, shared)
    same = {
        path
        for path in shared
        if runner_configuration(path, old.get(path, b""), test_command)
        == runner_configuration(path, new.get(path, b""), test_command)
    }
    return frozenset(path for path, kind in found.items() if kind and path not in same)


def runner_configuration(path: str, content: bytes, test_command: str = "") -> Any:
    """The part of a configuration file that concerns test runners, in a form that can be compared.

    Args:
        path: tells the format.
        content: of the file.
        test_command: how the project runs its tests; the scripts and tools that it names count too.
    """
    name, text = PurePosixPath(path).name, content.decode("utf-8", "replace")
    try:
        if name == "pyproject.toml":
            data = tomllib.loads(text)
            tools = data.get("tool", {})
            named = [key for key in tools if re.search(rf"\b{re.escape(key)}\b", test_command)]
            chosen = {key: tools.get(key) for key in ("pytest", "tox", "nox", "coverage", *named)}
            return chosen, data.get("project", {}).get("entry-points", {}).get("pytest11")
        if name == "setup.cfg":
            parser = configparser.ConfigParser(interpolation=None, strict=False)
            parser.read_string(text)
            wanted = re.compile(r"(tool:)?(pytest|tox|nosetests|coverage.*|aliases|test)")
            sections = {key: dict(parser[key]) for key in parser.sections() if wanted.fullmatch(key)}
            return sections, "pytest11" in text
        if name == "package.json":
            data = json.loads(text or "{}")
            words = set(re.split(r"\s+", test_command))
            named = [word for name in words for word in (name, f"pre{name}", f"post{name}")]
            scripts = {key: value for key, value in data.get("scripts", {}).items() if "test" in key or key in named}
            return scripts, [data.get(key) for key in ("jest", "mocha", "vitest", "ava", "tap", "nyc")]
    except (ValueError, configparser.Error, AttributeError):
        return text
    return text


def _shadows(change: FileChange, packages: set[str]) -> Iterator[Finding]:
    """New files that would be imported or started in place of what the interpreter or the shell means."""
    if change.old is not None or change.new is None:
        return
    path = PurePosixPath(change.path)
    folder = str(path.parent)
    if path.name in _PROGRAMS and (change.new.mode & 0o111 or path.parent.name in ("bin", ".bin", "Scripts")):
        yield Finding(rule="shadow", path=change.path, detail=f"could be started in place of the program `{path.name}`")
    if path.suffix not in (".py", ".so", ".pyd", ".pyc"):
        return
    is_package = path.name == "__init__.py"
    module = path.parent.name if is_package else path.name.split(".")[0]
    root = str(path.parent.parent) if is_package else folder
    on_path = root in _IMPORT_ROOTS
    if (on_path and module in _SHADOWED) or (module in _RUNNER_MODULES and root not in packages):
        yield Finding(rule="shadow", path=change.path, detail=f"would be imported in place of the module `{module}`")
    if path.suffix in (".so", ".pyd", ".pyc"):
        yield Finding(rule="shadow", path=change.path, detail="is compiled code that nobody can review")
