from pathlib import PurePosixPath

import pytest

from sweagent.testing import Runner
from sweagent.verify.canary import make_canary


@pytest.mark.parametrize(
    ("runner", "near", "path", "target"),
    [
        (Runner.PYTEST, "tests/test_a.py", "tests/test_c1.py", "tests/test_c1.py"),
        (Runner.DJANGO, "tests/admin/tests.py", "tests/c1/tests.py", "c1.tests"),
        (Runner.NODE, "test/a.test.js", "test/c1.test.cjs", "test/c1.test.cjs"),
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
