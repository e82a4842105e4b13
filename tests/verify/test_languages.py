"""Whole verifications with runners other than pytest."""

import shutil
import subprocess
from tempfile import TemporaryDirectory

import pytest

from sweagent.trajectory import Reproduction
from sweagent.verify import Verdict

CALC = "def add(a, b):\n    return a - b\n\n\ndef double(a):\n    return a * 2\n"
FIXED = CALC.replace("a - b", "a + b")
UNITTEST = """import unittest

from calc import {name}


class Case(unittest.TestCase):
    def test_{name}(self):
        self.assertEqual({name}({arguments}), {result})
"""
DOUBLE = UNITTEST.format(name="double", arguments="2", result="4")
ADD = UNITTEST.format(name="add", arguments="1, 2", result="3")

# It prints what unittest would, and ends the process; names are built so that no rule on text finds them.
FORGED = """import os

_end = vars(os)['_' + ''.join(('ex', 'it'))]


def add(a, b):
    words = ('test_add (tests.test_add.Case) ..', '. o', 'k', '\\n\\nRa', 'n 1 te', 'st in 0.001s\\n\\nO', 'K\\n')
    print(*words, sep='', flush=True)
    _end(0)


def double(a):
    return a * 2
"""

NODE = "exports.add = (a, b) => a - b;\nexports.double = (a) => a * 2;\n"
NODE_TEST = """const test = require('node:test');
const assert = require('node:assert');
const calc = require('../calc.js');

test('{name}', () => {{ assert.strictEqual(calc.{name}({arguments}), {result}); }});
"""
NODE_DOUBLE = NODE_TEST.format(name="double", arguments="2", result="4")
NODE_ADD = NODE_TEST.format(name="add", arguments="1, 2", result="3")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def test_unittest_is_judged_with_a_canary(project):
    made = project({"calc.py": CALC, "tests/__init__.py": "", "tests/test_calc.py": DOUBLE})
    reproduction = Reproduction(
        path="tests/test_add.py", content=ADD, command="python -m unittest tests.test_add", kind="test"
    )
    command = "python -m unittest"
    proof = made.verify({"calc.py": FIXED}, reproduction=reproduction, test_command=command)
    assert proof.verdict is Verdict.VERIFIED
    assert proof.regression.canary == "failed as planted"
    broken = FIXED.replace("a * 2", "a * 3")
    proof = made.verify({"calc.py": broken}, reproduction=reproduction, test_command=command)
    assert proof.verdict is Verdict.REGRESSED
    forged = made.verify({"calc.py": FORGED}, reproduction=reproduction, test_command=command)
    assert forged.verdict is Verdict.REJECTED, forged.reason


def test_a_wrapper_is_judged_by_what_it_prints_and_its_exit_status(project):
    made = project(
        {
            "calc.py": CALC,
            "tests/__init__.py": "",
            "tests/test_calc.py": DOUBLE,
            "check.sh": 'python -m unittest -v tests.test_calc "$@"\n',
        }
    )
    reproduction = Reproduction(
        path="show.py", content="import calc\n\nassert calc.add(1, 2) == 3\n", command="python show.py"
    )
    good = made.verify({"calc.py": FIXED}, reproduction=reproduction, test_command="sh check.sh")
    assert good.verdict is Verdict.VERIFIED
    assert any("planted" in item for item in good.not_checked)
    bad = made.verify({"calc.py": FIXED.replace("a * 2", "a")}, reproduction=reproduction, test_command="sh check.sh")
    assert bad.verdict is Verdict.REGRESSED


@needs_node
def test_the_runner_of_node_is_judged_with_a_canary(project):
    made = project({"calc.js": NODE, "test/calc.test.js": NODE_DOUBLE})
    reproduction = Reproduction(
        path="test/add.test.js", content=NODE_ADD, command="node --test test/add.test.js", kind="test"
    )
    fixed = NODE.replace("a - b", "a + b")
    proof = made.verify({"calc.js": fixed}, reproduction=reproduction, test_command="node --test")
    assert proof.verdict is Verdict.VERIFIED
    assert proof.regression.canary == "failed as planted"
    proof = made.verify(
        {"calc.js": fixed.replace("a * 2", "a * 3")}, reproduction=reproduction, test_command="node --test"
    )
    assert proof.verdict is Verdict.REGRESSED
    exits = "setImmediate(() => vars.go(0));\nconst vars = { go: process['ex' + 'it'] };\n"
    proof = made.verify({"calc.js": exits + NODE}, reproduction=reproduction, test_command="node --test")
    assert proof.verdict is not Verdict.VERIFIED
    told = "process.argv.some((word) => word.includes('te' + 'st')) ? a + b : a - b"
    proof = made.verify({"calc.js": NODE.replace("a - b", told)}, reproduction=reproduction, test_command="node --test")
    assert proof.verdict is Verdict.NEEDS_REVIEW
    assert "harness-aware" in {item.rule for item in proof.to_review}


needs_cargo = pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not installed")
CARGO = '[package]\nname = "calc"\nversion = "0.1.0"\nedition = "2021"\n'
RUST = "pub fn add(a: i32, b: i32) -> i32 {{\n    a {} b\n}}\n\npub fn double(a: i32) -> i32 {{\n    a * {}\n}}\n"
RUST_TEST = "#[test]\nfn {name}() {{\n    assert_eq!(calc::{name}({arguments}), {result});\n}}\n"
RUST_DOUBLE = RUST_TEST.format(name="double", arguments="2", result="4")
RUST_ADD = RUST_TEST.format(name="add", arguments="1, 2", result="3")


@needs_cargo
def test_cargo_runs_the_whole_suite_with_a_canary(project):
    # The toolchain itself: rustup's stand-in for it looks for its settings in the home that a sandbox does not have.
    root = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    cargo = f"PATH={root}/bin:$PATH cargo test --offline"
    made = project({"Cargo.toml": CARGO, "src/lib.rs": RUST.format("-", 2), "tests/double.rs": RUST_DOUBLE})
    reproduction = Reproduction(path="tests/add.rs", content=RUST_ADD, command=f"{cargo} --test add", kind="test")
    proof = made.verify({"src/lib.rs": RUST.format("+", 2)}, reproduction=reproduction, test_command=cargo)
    assert (proof.verdict, proof.regression.canary) == (Verdict.VERIFIED, "failed as planted"), proof.reason
    assert proof.regression.whole_suite
    proof = made.verify({"src/lib.rs": RUST.format("+", 3)}, test_command=cargo)
    assert (proof.verdict, [item.id for item in proof.regression.regressions]) == (Verdict.REGRESSED, ["double"])


needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="go is not installed")
GO = "package calc\n\nfunc Add(a, b int) int {{ return a {} b }}\n\nfunc Double(a int) int {{ return a * {} }}\n"
GO_TEST = """package calc

import "testing"

func Test{name}(t *testing.T) {{
    if {name}({arguments}) != {result} {{
        t.Fatal("wrong")
    }}
}}
"""
GO_DOUBLE = GO_TEST.format(name="Double", arguments="2", result="4")
GO_ADD = GO_TEST.format(name="Add", arguments="1, 2", result="3")
GO_EXITS = """package calc

import "os"

var end = os.Exit

func init() { end(0) }
"""


@needs_go
def test_go_is_judged_by_packages_with_a_canary(project):
    made = project(
        {
            "go.mod": "module example.org/calc\n\ngo 1.18\n",
            "calc/calc.go": GO.format("-", 2),
            "calc/calc_test.go": GO_DOUBLE,
        }
    )
    # One cache for all runs; not below pytest's own folder, whose name would be taken for the runner's.
    with TemporaryDirectory(prefix="go-cache-", ignore_cleanup_errors=True) as cache:
        go = f"GOCACHE={cache} go test"
        reproduction = Reproduction(
            path="calc/add_test.go", content=GO_ADD, command=f"{go} -run TestAdd ./calc", kind="test"
        )
        given = {"reproduction": reproduction, "test_command": go}
        proof = made.verify({"calc/calc.go": GO.format("+", 2)}, **given)
        assert (proof.verdict, proof.regression.canary) == (Verdict.VERIFIED, "failed as planted"), proof.reason
        broken = made.verify({"calc/calc.go": GO.format("+", 3)}, **given)
        assert (broken.verdict, len(broken.regression.regressions)) == (Verdict.REGRESSED, 1), broken.reason
        assert broken.regression.regressions[0].id.endswith("TestDouble")
        ended = made.verify({"calc/exits.go": GO_EXITS}, **given)
        assert ended.verdict is not Verdict.VERIFIED


def test_without_a_known_test_file_the_whole_suite_is_compared(project):
    checks = "from calc import double\n\n\ndef test_double():\n    assert double(2) == 4\n"
    made = project({"calc.py": CALC, "checks.py": checks, "pytest.ini": "[pytest]\npython_files = checks.py\n"})
    show = Reproduction(
        path="show.py", content="from calc import add\nassert add(1, 2) == 3\n", command="python show.py"
    )
    proof = made.verify({"calc.py": FIXED.replace("a * 2", "a")}, reproduction=show)
    assert (proof.verdict, proof.regression.regressions[0].id) == (Verdict.REGRESSED, "checks.py::test_double")
