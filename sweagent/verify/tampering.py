"""Static checks of a patch: does it bend how it will be judged, instead of mending the code?"""

import configparser
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from sweagent.verify.harness_files import HarnessFile, harness_file
from sweagent.verify.proof import Finding, Weight
from sweagent.verify.source_rules import new_constructs
from sweagent.verify.test_edits import weakened
from sweagent.verify.tree import FileChange, Trees

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
    trees: Trees, patched: str, *, test_command: str = "", issue_text: str = "", allow_tests: bool = False
) -> tuple[Finding, ...]:
    """Check what a patch changes against the rules.

    No rule here rejects a patch that changes anything else than how it is judged: edits of tests and of the runner's
    configuration are named, because the judged runs take those files from the base; what source code does is for
    a person to look at.

    Args:
        trees: gives the base tree.
        patched: the tree with the patch.
        test_command: how the project runs its tests; the scripts that it names are part of the runner.
        issue_text: a construct that the issue itself names can be waived.
        allow_tests: the user allows edits of tests and of what belongs to them.

    Returns:
        All findings; those that the user allows are marked as waived.
    """
    changes = trees.changes(trees.base, patched)
    paths = [change.path for change in changes]
    before, after = trees.read_many(trees.base, paths), trees.read_many(patched, paths)
    packages = {str(PurePosixPath(path).parent) for path in trees.paths(patched) if path.endswith("/__init__.py")}
    findings: list[Finding] = []
    for change in changes:
        old, new = before.get(change.path), after.get(change.path)
        kind = harness_file(change.path, test_command)
        findings += _shadows(change, packages)
        if kind is not None:
            findings += _of_harness_file(change.path, kind, old, new, test_command)
        elif new is not None:
            found = new_constructs(change.path, old, new)
            findings += [Finding(rule=c.rule, path=change.path, line=c.line, detail=c.detail) for c in found]
    if all(harness_file(path, test_command) for path in paths):
        findings = [item.model_copy(update={"weight": Weight.REJECT}) for item in findings]
    return tuple(_waived(finding, issue_text, allow_tests) for finding in findings)


def _waived(finding: Finding, issue_text: str, allow_tests: bool) -> Finding:
    words = re.findall(r"`([^`]+)`|'([^']+)'", finding.detail)
    named = any(word and word in issue_text for pair in words for word in pair)
    allowed = allow_tests and (finding.rule in _HELD_BACK or named)
    return finding.model_copy(update={"waived": allowed}) if allowed else finding


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
