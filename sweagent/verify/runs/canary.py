"""Plant a test that must fail beside the tests."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from sweagent.programs import program_source
from sweagent.testing import Runner

_GO = 'package {token}\n\nimport "testing"\n\nfunc Test_{token}(t *testing.T) {{\n\tt.Fatal("{token}")\n}}\n'
_RUST = '#[test]\nfn {token}() {{\n    panic!("{token}");\n}}\n'
_JAVASCRIPT = "{head}test('{token}', () => {{ throw new Error('{token}'); }});\n"
_JAVASCRIPT_HEADS = {
    Runner.NODE: "const test = require('node:test');\n",
    Runner.JEST: "",
    Runner.MOCHA: "const test = globalThis.it || globalThis.test;\n",
    Runner.VITEST: "import { test } from 'vitest';\n",
}
_ENDING = re.compile(r"([._-](?:test|spec))?(\.[cm]?[jt]sx?)$")
# What a neighbour is written for, and what a class of tests for it needs.
_JAVA = (
    ("org.junit.jupiter", "import org.junit.jupiter.api.Test;\n\n", "", "@Test "),
    ("org.junit.", "import org.junit.Test;\n\n", "", "@Test "),
    ("org.testng", "import org.testng.annotations.Test;\n\n", "", "@Test "),
    ("junit.framework", "", " extends junit.framework.TestCase", ""),
)
_JAVA_CLASS = (
    "{package}{imports}public class {name}{base} {{\n    {mark}public void test{name}() {{\n"
    '        throw new AssertionError("{token}");\n    }}\n}}\n'
)


@dataclass(frozen=True)
class Canary:
    """A planted test.

    Attributes:
        token: a random word in the test's name.
        files: contents by path.
        target: what the runner is told to run.
    """

    token: str
    files: Mapping[str, bytes]
    target: str


def make_canary(
    runner: Runner, near: str, token: str = "", *, keyword: str = "", content: bytes = b""
) -> Canary | None:
    """Make a failing test that the runner finds; None for runners where nothing is known of how.

    Args:
        runner: the runner.
        near: the path of a test file; the canary lies in the same folder.
        token: a word for names; made at random unless given.
        keyword: a test that SymPy's runner is to run by a part of its name, which the canary's name has too.
        content: of that test file, which tells the framework of Java's tests.
    """
    token = token or f"c{secrets.token_hex(8)}"
    folder = PurePosixPath(near).parent
    if runner is Runner.PYTEST:
        return _one_file(token, str(folder / f"test_{token}.py"), _function(token, token))
    if runner is Runner.SYMPY:
        made = _one_file(token, str(folder / f"test_{token}.py"), _function(token, f"{keyword}_{token}"))
        return replace(made, target=f"{made.target}::{keyword}") if keyword else made
    if runner is Runner.UNITTEST:
        return _one_file(token, str(folder / f"test_{token}.py"), _case(token))
    if runner is Runner.DJANGO:
        root = "tests/" if near.startswith("tests/") else ""
        files = {f"{root}{token}/__init__.py": b"", f"{root}{token}/tests.py": _case(token).encode()}
        return Canary(token, files, f"{token}.tests")
    if runner in _JAVASCRIPT_HEADS:
        text = _JAVASCRIPT.format(token=token, head=_JAVASCRIPT_HEADS[runner])
        return _one_file(token, str(folder / f"{token}{_ending(near, runner)}"), text)
    if runner is Runner.GO and near.endswith(".go"):
        # A package of its own, because the name of the neighbours' package is not known.
        place = folder / token
        return Canary(token, {f"{place}/{token}_test.go": _GO.format(token=token).encode()}, f"./{place}")
    if runner is Runner.CARGO and near.endswith(".rs") and folder.name == "tests":
        return _one_file(token, str(folder / f"{token}.rs"), _RUST.format(token=token))
    if runner in (Runner.MAVEN, Runner.GRADLE) and near.endswith(".java"):
        return _of_java(token, folder, content.decode("utf-8", "replace"))
    return None


def _function(token: str, name: str) -> str:
    source = program_source("canary_function.py")
    return source.replace("test_TOKEN", f"test_{name}").replace("TOKEN", token)


def _case(token: str) -> str:
    shared, _, _ = program_source("canary_function.py").partition("\n\ndef test_TOKEN")
    source = program_source("canary_case.py").replace("from canary_function import changed\n", shared)
    return source.replace("TOKEN", token)


def _ending(near: str, runner: Runner) -> str:
    """How the neighbour's name ends, by which its runner knows it; Node and Mocha take any file that is named."""
    found = _ENDING.search(near)
    if found is None or runner in (Runner.NODE, Runner.MOCHA):
        return ".test.cjs"
    return f"{found.group(1) or '.test'}{found.group(2)}"


def _of_java(token: str, folder: PurePosixPath, neighbour: str) -> Canary | None:
    framework = next((item for item in _JAVA if item[0] in neighbour), None)
    if framework is None:
        return None
    _, imports, base, mark = framework
    name, package = f"Test{token}", re.search(r"^package [\w.]+;", neighbour, re.MULTILINE)
    text = _JAVA_CLASS.format(
        package=f"{package.group()}\n\n" if package else "",
        imports=imports,
        base=base,
        mark=mark,
        name=name,
        token=token,
    )
    return Canary(token, {f"{folder}/{name}.java": text.encode()}, name)


def _one_file(token: str, path: str, text: str) -> Canary:
    return Canary(token, {path: text.encode()}, path)
