"""Which runner a command is, and the command lines that run chosen tests."""

import shlex

import pytest

from sweagent.errors import UsageError
from sweagent.testing import Runner, command_for, dotted, runner_of

R = Runner


@pytest.mark.parametrize(
    ("command", "runner"),
    [
        ("python -m pytest", R.PYTEST),
        ("cd src && py.test -x", R.PYTEST),
        ("./tests/runtests.py --settings=test_sqlite", R.DJANGO),
        ("python manage.py test", R.DJANGO),
        ("python bin/test", R.SYMPY),
        ("python3 -m unittest discover -s tests", R.UNITTEST),
        ("go test ./...", R.GO),
        ("cargo +nightly test --workspace", R.CARGO),
        ("npx vitest run", R.VITEST),
        ("npx jest", R.JEST),
        ("npx mocha", R.MOCHA),
        ("node --import x --test", R.NODE),
        ("./mvnw -B test", R.MAVEN),
        ("./gradlew test", R.GRADLE),
        ("make test", R.UNKNOWN),
        ("npm test", R.UNKNOWN),
        ("/home/pytest-of-me/bin/python -m unittest", R.UNITTEST),
        ("/opt/pytest-9/bin/python3 tests/runtests.py", R.DJANGO),
        ("/opt/venv/bin/pytest-3 -q; true", R.PYTEST),
    ],
)
def test_runner_of(command: str, runner: Runner) -> None:
    assert runner_of(command) is runner


@pytest.mark.parametrize(
    ("runner", "base", "tests", "contains", "lacks"),
    [
        (R.PYTEST, "", ["a.py::t[x y]"], ["python -m pytest", "--junitxml=r", "'a.py::t[x y]'"], ["-rA"]),
        (R.UNITTEST, "python -m unittest discover -s t", ["t/a.py::C::m"], ["-v t.a.C.m"], ["discover", "-s"]),
        (R.UNITTEST, "", ["test_m (a.b.C)"], ["a.b.C.test_m"], []),
        (
            R.DJANGO,
            "python tests/runtests.py",
            ["tests/forms/tests.py", "forms.T.m"],
            ["forms.tests forms.T.m"],
            ["tests.forms"],
        ),
        (R.SYMPY, "", ["a/test_x.py::test_y"], ["a/test_x.py -k test_y"], []),
        (R.SYMPY, "", ["a.py::t", "b.py::u"], ["--verbose a.py b.py -k t u"], []),
        (R.SYMPY, "", ["a.py::t", "b.py"], ["--verbose a.py b.py"], ["-k", "-C"]),
        (
            R.GO,
            "go test ./...",
            ["acme/p::TestA/sub", "acme/p::TestB"],
            ["-json -run '^(TestA|TestB)$' acme/p", "> r"],
            ["./..."],
        ),
        (R.GO, "go test ./...", [], ["go test -json ./..."], ["-run"]),
        (R.GO, "", ["./pkg"], ["go test -json ./pkg"], ["-run"]),
        (R.CARGO, "", ["tests::a", "b"], ["--no-fail-fast -- tests::a b"], []),
        (
            R.JEST,
            "npm test",
            ["a.test.js::sum adds"],
            ["npm test -- --json --outputFile=r", "-t 'sum", "a.test.js"],
            [],
        ),
        (R.VITEST, "", ["a.ts"], ["--reporter=json --outputFile=r a.ts"], ["-t"]),
        (R.NODE, "", ["a.mjs"], ["--test-reporter=tap --test-reporter-destination=r a.mjs"], []),
        (R.MAVEN, "", ["a.B#c"], ["-Dtest='a.B#c'", "surefire-reports", "> r", "exit $status"], []),
        (R.GRADLE, "", ["a.B#c"], ["--tests a.B.c", "build/test-results"], []),
        (R.UNKNOWN, "make check", ["a b"], ["make check 'a b'"], []),
    ],
)
def test_command_for(runner: Runner, base: str, tests: list[str], contains: list[str], lacks: list[str]) -> None:
    command = command_for(runner, tests, test_command=base, report="r")
    for part in contains:
        assert part in command
    for part in lacks:
        assert part not in command


@pytest.mark.parametrize("name", ["--help", "", " ", "a\0b"])
def test_what_is_no_test_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not the name of a test"):
        command_for(Runner.PYTEST, [name])


def test_without_any_command_it_says_what_is_missing() -> None:
    with pytest.raises(UsageError, match="not known"):
        command_for(Runner.UNKNOWN, ["a"])


def test_names_are_words_to_the_shell() -> None:
    words = shlex.split(command_for(Runner.PYTEST, ["a.py; rm -rf /", "$(x)"]))
    assert words[-2:] == ["a.py; rm -rf /", "$(x)"]


@pytest.mark.parametrize(
    ("name", "root", "expected"),
    [
        ("tests/test_a.py::Case::test_b", "", "tests.test_a.Case.test_b"),
        ("./tests/forms/tests.py", "tests", "forms.tests"),
        ("test_b (a.b.Case.test_b)", "", "a.b.Case.test_b"),
        ("a.b.Case", "", "a.b.Case"),
    ],
)
def test_dotted(name: str, root: str, expected: str) -> None:
    assert dotted(name, root=root) == expected
