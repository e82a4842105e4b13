from itertools import pairwise

import pytest

from sweagent.errors import UsageError
from sweagent.testing import Runner, runner_of
from sweagent.testing.file_kinds import is_test_module
from sweagent.testing.naming import matching
from sweagent.testing.report import TestOutcome, TestResult
from sweagent.trajectory import Reproduction
from sweagent.verify.proof import Origin
from sweagent.verify.reproduction.commands import guess_command
from sweagent.verify.reproduction.issue_snippets import issue_candidates
from sweagent.verify.reproduction.sources import ReproductionCandidate, oracle_tests, registered, runs_tests_itself
from sweagent.verify.runs.targets import target_of


@pytest.mark.parametrize(
    ("path", "test_command", "command"),
    [
        ("tests/test_a.py", "python -m pytest", "python -m pytest --color=no -rA tests/test_a.py"),
        ("test_a.py", "", "python -m pytest --color=no -rA test_a.py"),
        ("show it.py", "python -m pytest", "python 'show it.py'"),
        ("a.test.mjs", "", "node --test --test-reporter=tap a.test.mjs"),
        ("show.sh", "make test", "sh show.sh"),
    ],
)
def test_a_command_is_told_from_the_file(path, test_command, command):
    assert guess_command(path, test_command) == command


def test_what_a_file_in_a_folder_of_tests_defines_makes_it_one():
    case = b"import unittest\n\nclass TestSQL(unittest.TestCase):\n    def test_it(self):\n        pass\n"
    assert guess_command("tests/sql.py", "", case).startswith("python -m pytest")
    assert guess_command("tests/sql.py", "python -m unittest", case) == "python -m unittest -v tests.sql"
    assert guess_command("tests/base.py", "", b"class BaseTestCase:\n    pass\n") == "python tests/base.py"
    assert guess_command("tests/sql.py", "", b"x = 1\n") == "python tests/sql.py"
    assert guess_command("tools/sql.py", "", case) == "python tools/sql.py"


def test_a_file_of_an_unknown_kind_needs_a_command():
    with pytest.raises(UsageError, match="not known") as caught:
        guess_command("show.xyz", "")
    assert "--reproduction-command" in caught.value.hint


def test_a_registered_test_gets_a_canary_and_a_script_gets_a_driver():
    test = Reproduction(
        path="tests/test_a.py", content="def test_a(): ...", command="pytest tests/test_a.py", kind="test"
    )
    job = registered(test, [], "").job(10)
    assert job.canary.target in job.env["PYTEST_ADDOPTS"]
    assert job.canary.target.startswith("tests/")
    script = registered(Reproduction(path="a.py", content="print(1)", command="python a.py"), [], "")
    assert script.driven
    assert script.runner is None


def test_the_data_that_a_test_reads_is_laid_beside_it():
    test = Reproduction(
        path="tests/test_a.py", content="", command="pytest tests/test_a.py", files={"tests/static/a.toml": "x = 1\n"}
    )
    assert registered(test, ["a.py"], "").files["tests/static/a.toml"] == b"x = 1\n"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("calc.py", "the patch changes"),
        ("conftest.py", "hooks"),
        ("pytest.ini", "configuration"),
        ("sitecustomize.py", "interpreter"),
        ("../a.toml", "inside the repository"),
        ("tests/../../a.toml", "inside the repository"),
        (".git/hooks/post-checkout", "inside the repository"),
        ("/etc/passwd", "inside the repository"),
        (".", "inside the repository"),
    ],
)
def test_what_a_reproduction_needs_may_not_take_the_place_of_what_is_judged(path, said):
    test = Reproduction(path="tests/test_a.py", content="", command="pytest tests/test_a.py", files={path: ""})
    with pytest.raises(UsageError, match=said):
        registered(test, ["calc.py"], "")


def test_a_test_of_another_runner_is_read_by_its_report():
    reproduction = Reproduction(
        path="sympy/core/tests/test_a.py", content="", command="bin/test sympy/core/tests/test_a.py"
    )
    assert registered(reproduction, [], "bin/test").runner is Runner.SYMPY


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Fails with IndexError:\n```python\nimport a\na.f([])\n```\n", 1),
        ("Fails with IndexError:\n```\n>>> import a\n>>> a.f([])\nTraceback ...\n```\n", 1),
        ("Gives 3 instead of 4:\n```python\nimport a\na.f([])\n```\n", 0),
        ("IndexError:\n```python\na.f([])\n```\n", 0),
        ("IndexError:\n```python\nimport a\na.f(...)\n```\n", 0),
        ("IndexError:\n```python\nimport os\nos.system('x')\n```\n", 0),
        ("IndexError:\n```python\nimport a\nthis is prose\n```\n", 0),
        ("IndexError:\n```js\nimport a\n```\n", 0),
        ("IndexError:\n```python\nimport a\na.f([])\n", 0),
    ],
)
def test_only_code_that_stands_by_itself_and_names_its_error_is_tried(text, count):
    assert len(issue_candidates(text, [])) == count


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("a/test_x.py::test_a", ["a/test_x.py::test_a"]),
        ("test_a", ["a/test_x.py::test_a"]),
        ("a/test_x.py::test_p", ["a/test_x.py::test_p[1]", "a/test_x.py::test_p[2]"]),
        ("test_m (pkg.mod.Case)", ["pkg.mod.Case.test_m"]),
        ("test_absent", []),
        ("a/test_x.py::test_s[a", ["a/test_x.py::test_s[a b]"]),
    ],
)
def test_names_of_tests_are_found_as_runners_and_datasets_write_them(wanted, found):
    ids = ["a/test_x.py::test_a", "a/test_x.py::test_p[1]", "a/test_x.py::test_p[2]", "pkg.mod.Case.test_m"]
    ids.append("a/test_x.py::test_s[a b]")
    assert [
        item.id for item in matching(wanted, [TestResult(id=name, outcome=TestOutcome.PASSED) for name in ids])
    ] == found


@pytest.mark.parametrize(
    ("path", "runner", "expected"),
    [
        ("tests/test_a.py", Runner.PYTEST, True),
        ("pkg/tests.py", Runner.DJANGO, True),
        ("tests/helper.py", Runner.PYTEST, False),
        ("test/a.js", Runner.MOCHA, True),
        ("src/a.test.ts", Runner.JEST, True),
        ("src/a.test.ts", Runner.PYTEST, False),
        ("pkg/a_test.go", Runner.GO, True),
    ],
)
def test_files_with_tests_are_told_from_their_helpers(path, runner, expected):
    assert is_test_module(path, runner) is expected


def test_runners_are_told_what_they_understand():
    assert target_of(Runner.GO, "pkg/a_test.go") == "./pkg"
    assert target_of(Runner.MAVEN, "src/test/java/AppTest.java") == "AppTest"
    assert target_of(Runner.PYTEST, "tests/test_a.py::test_b") == "tests/test_a.py::test_b"


@pytest.mark.parametrize(
    ("content", "command"),
    [
        ("# a test for calc.py, see the history\nimport calc\nassert calc.add(1, 2) == 3\n", "python show.py"),
        ("const calc = require('../calc.py');\n", "node show.py"),
        ("import calc\nopen('data.txt', 'w').write('x')\n", "python -W error show.py"),
    ],
)
def test_a_reproduction_may_speak_of_the_patched_file(content, command):
    assert registered(Reproduction(path="show.py", content=content, command=command), ["calc.py"], "")


JAVA = "src/test/java/AppTest.java"


@pytest.mark.parametrize(
    ("command", "run", "path"),
    [
        (
            "python -m unittest tests.test_add",
            "python -m unittest -v tests.test_add tests.test_TOKEN",
            "tests/test_add.py",
        ),
        (
            "python tests/runtests.py a_tests.test_b",
            "python tests/runtests.py --verbosity 2 a_tests.test_b TOKEN.tests",
            "tests/a_tests/test_b.py",
        ),
        (
            "bin/test -C core/tests/test_add.py",
            "bin/test -C core/tests/test_add.py core/tests/test_TOKEN.py",
            "core/tests/test_add.py",
        ),
        (
            "bin/test core/tests/test_a.py -k b -k c",
            "bin/test core/tests/test_a.py core/tests/test_TOKEN.py -k b -k c",
            "core/tests/test_a.py",
        ),
        ("node --test test/add.test.js", "node --test test/add.test.js test/TOKEN.test.cjs", "test/add.test.js"),
        ("npx jest src/a.spec.ts", "npx jest src/a.spec.ts src/TOKEN.spec.ts", "src/a.spec.ts"),
        ("mvn -B test -Dtest=AppTest", "; mvn -B test -Dtest=TestTOKEN,AppTest; ", JAVA),
        ("mvn test -Dtest='AppTest#adds' -q", "; mvn test -Dtest='TestTOKEN,AppTest#adds' -q; ", JAVA),
        ("./gradlew test --tests AppTest", "; ./gradlew test --tests TestTOKEN --tests AppTest; ", JAVA),
        ("python -m unittest discover -s tests/unit", "", "tests/unit/test_a.py"),
        ("python -m unittest -k add tests.test_add", "", "tests/test_add.py"),
        ("python -m unittest tests.test_add && echo tests.done", "", "tests/test_add.py"),
        ("node --test --test-name-pattern=add test/add.test.js", "", "test/add.test.js"),
        ("npx jest -t add src/a.test.js", "", "src/a.test.js"),
        ("bin/test core", "", "core/tests/test_a.py"),
    ],
)
def test_a_failing_test_is_planted_beside_a_reproduction_where_one_more_can_be_named(command, run, path):
    files = {path: b"import org.junit.Test;\n"}
    made = ReproductionCandidate(Origin.REGISTERED, path, path, command, files, runner_of(command)).job(10)
    assert made.shown == command
    assert bool(made.canary) == bool(run)
    if run:
        assert run.replace("TOKEN", made.canary.token) in made.command
        keywords = [word for before, word in pairwise(command.split()) if before == "-k"]
        assert all(word in str(made.canary.files) for word in keywords[:1])
    else:
        assert made.command.replace(" -v", "") == command


BEFORE = """\
import inspect


def test_old():
    assert inspect.getsource(f)


class TestMore:
    def test_a(self): ...
"""
AFTER = BEFORE.replace("): ...", "): assert f(1)") + "\n\ndef test_new():\n    assert f()\n"


def test_of_a_test_file_that_the_base_has_only_what_is_new_there_counts():
    usual = guess_command("tests/test_f.py", "python -m pytest -q")
    made = registered(
        Reproduction(path="tests/test_f.py", content=AFTER, command=guess_command("tests/test_f.py", "pytest")),
        ["f.py"],
        "pytest",
        BEFORE.encode(),
    )
    assert set(made.wanted) == {"tests/test_f.py::TestMore::test_a", "tests/test_f.py::test_new"}
    assert made.command.endswith(" ".join(made.wanted))
    own = registered(
        Reproduction(path="tests/test_f.py", content=AFTER, command=usual), ["f.py"], "pytest", BEFORE.encode()
    )
    assert own.command == usual  # somebody's own command is left as it is
    assert set(own.wanted) == set(made.wanted)


def test_a_new_test_that_looks_at_the_source_is_refused_all_the_same():
    reproduction = Reproduction(
        path="tests/test_f.py", content=f"{AFTER}    assert inspect.getsource(g)\n", command="pytest tests/test_f.py"
    )
    with pytest.raises(UsageError, match="looks at the source"):
        registered(reproduction, ["f.py"], "pytest", BEFORE.encode())


def test_bare_names_of_a_dataset_are_run_in_the_file_that_defines_them():
    files = {"a/test_x.py": b"def test_a():\n    pass\n", "a/test_y.py": b"def test_b():\n    test_a()\n"}
    made = oracle_tests(files, ("test_a", "test_b"), Runner.PYTEST, "pytest")
    assert made.command.endswith(" a/test_x.py::test_a a/test_y.py::test_b")
    assert made.wanted == ("test_a", "test_b")


def test_tests_that_a_dataset_names_by_their_description_are_found():
    text = b'"""\n        A label has no "for".\n\n        More.\n        """'
    test = b"class Case(TestCase):\n    def test_a(self):\n        " + text + b"\n"
    made = oracle_tests({"tests/forms/test_x.py": test}, ('A label has no "for".',), Runner.DJANGO, "./runtests.py")
    assert made.wanted == ("tests/forms/test_x.py::Case::test_a",)
    assert made.command.endswith(" forms.test_x.Case.test_a")
    unknown = oracle_tests({"tests/forms/test_x.py": test}, ("Another one.",), Runner.DJANGO, "./runtests.py")
    assert unknown.wanted == ("Another one.",)


@pytest.mark.parametrize(
    ("content", "inside"),
    [
        (b"def test_a(pytester):\n    pytester.runpytest()\n", True),
        (b"import unittest\nunittest.TextTestRunner().run(suite)\n", True),
        (b"import unittest\nunittest.main(module)\n", True),
        (b"import unittest\nclass A(unittest.TestCase): ...\nunittest.main()\n", False),
        (b"import pytest\n\n\n@pytest.mark.skip\ndef test_a(): ...\n", False),
    ],
)
def test_tests_that_start_a_runner_of_their_own_are_told(content, inside):
    assert runs_tests_itself(content) is inside
