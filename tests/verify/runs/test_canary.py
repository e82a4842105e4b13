from pathlib import PurePosixPath

import pytest

from sweagent.testing import Runner
from sweagent.verify.runs.canary import make_canary


@pytest.mark.parametrize(
    ("runner", "near", "path", "target"),
    [
        (Runner.PYTEST, "tests/test_a.py", "tests/test_c1.py", "tests/test_c1.py"),
        (Runner.DJANGO, "tests/admin/tests.py", "tests/c1/tests.py", "c1.tests"),
        (Runner.NODE, "test/a.test.js", "test/c1.test.cjs", "test/c1.test.cjs"),
        (Runner.JEST, "src/a.spec.tsx", "src/c1.spec.tsx", "src/c1.spec.tsx"),
        (Runner.VITEST, "src/__tests__/a.ts", "src/__tests__/c1.test.ts", "src/__tests__/c1.test.ts"),
        (Runner.MOCHA, "test/a.mjs", "test/c1.test.cjs", "test/c1.test.cjs"),
        (Runner.SYMPY, "sympy/core/tests/test_a.py", "sympy/core/tests/test_c1.py", "sympy/core/tests/test_c1.py"),
        (Runner.GO, "calc/add_test.go", "calc/c1/c1_test.go", "./calc/c1"),
        (Runner.GO, "add_test.go", "c1/c1_test.go", "./c1"),
        (Runner.CARGO, "core/tests/add.rs", "core/tests/c1.rs", "core/tests/c1.rs"),
    ],
)
def test_the_canary_lies_where_the_runner_finds_it(runner, near, path, target):
    canary = make_canary(runner, near, token="c1")
    assert canary.target == target
    assert b"c1" in canary.files[path]
    assert str(PurePosixPath(path)) == path


@pytest.mark.parametrize(
    ("runner", "near"),
    [
        (Runner.CARGO, "src/lib.rs"),
        (Runner.CARGO, ""),
        (Runner.GO, "./calc"),
        (Runner.MAVEN, "src/test/java/ATest.java"),
    ],
)
def test_where_nothing_is_known_none_is_planted(runner, near):
    assert make_canary(runner, near) is None


JAVA = "src/test/java/org/app/AppTest.java"


@pytest.mark.parametrize(
    ("neighbour", "parts"),
    [
        ("package org.app;\nimport org.junit.jupiter.api.*;\n", ("import org.junit.jupiter.api.Test;", "@Test public")),
        ("package org.app;\nimport org.junit.Test;\n", ("import org.junit.Test;", "@Test public")),
        ("package org.app;\nimport org.testng.annotations.Test;\n", ("import org.testng.annotations.Test;", "@Test")),
        ("package org.app;\nimport junit.framework.TestCase;\n", ("Testc1 extends junit.framework.TestCase {",)),
    ],
    ids=["JUnit 5", "JUnit 4", "TestNG", "JUnit 3"],
)
@pytest.mark.parametrize("runner", [Runner.MAVEN, Runner.GRADLE])
def test_a_class_of_tests_is_written_for_the_framework_of_its_neighbour(runner, neighbour, parts):
    canary = make_canary(runner, JAVA, token="c1", content=neighbour.encode())
    text = canary.files["src/test/java/org/app/Testc1.java"].decode()
    assert canary.target == "Testc1"
    assert text.startswith("package org.app;\n")
    assert all(part in text for part in (*parts, "public void testTestc1()", '("c1")'))
    assert make_canary(runner, JAVA, content=b"import io.kotest.core.spec.style.FunSpec\n") is None
