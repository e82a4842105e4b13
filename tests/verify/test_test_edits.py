import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweagent.verify.test_edits import added_tests, changed_tests, run_by_their_names, weakened

OLD = """import a

LIMIT = 3


def helper():
    return LIMIT


class TestA:
    def test_one(self):
        assert a.one() == helper()


def test_two():
    assert a.two() == 2
"""


@pytest.mark.parametrize(
    "new",
    [
        OLD + "\n\ndef test_three():\n    assert a.three() == 3\n",
        OLD.replace("import a\n", "import a\nimport b\n"),
        OLD.replace("def test_two():\n", "def test_two():\n    'Said in words.'\n"),
        OLD + "\n\n@pytest.mark.skip\ndef test_new():\n    pass\n",
        OLD.replace("    def test_one", "    def test_zero(self):\n        pass\n\n    def test_one"),
    ],
)
def test_a_file_that_only_gains_tests_is_fine(new):
    assert weakened("tests/test_a.py", OLD.encode(), new.encode()) == []


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (OLD.replace("== 2", "in (2, 3)"), "test_two"),
        (OLD.replace("def test_two", "def x_two"), "removes `test_two`"),
        (OLD.replace("def test_two", "@pytest.mark.xfail\ndef test_two"), "test_two"),
        (OLD.replace("class TestA:", "@unittest.skip('x')\nclass TestA:"), "TestA"),
        (OLD.replace("class TestA:", "class ATest:"), "TestA::test_one"),
        (OLD.replace("    assert a.two", "    return\n    assert a.two"), "test_two"),
        (OLD + "\n\npytestmark = pytest.mark.skip('x')\n", "pytestmark"),
        (OLD + "\n\nraise unittest.SkipTest('x')\n", "SkipTest"),
        (OLD + "\n\ndel test_two\n__test__ = False\n", "__test__"),
        (OLD.replace("LIMIT = 3", "LIMIT = 4"), "LIMIT"),
    ],
)
def test_a_file_that_tests_less_is_told_by_what_it_lost(new, said):
    assert any(said in item for item in weakened("tests/test_a.py", OLD.encode(), new.encode()))


def test_other_languages_are_compared_by_line():
    old = b"test('a', () => { assert(f(1)); });\n"
    assert weakened("a.test.js", old, old + b"test('b', () => {});\n") == []
    assert weakened("a.test.js", old, old.replace(b"test(", b"test.skip("))
    assert weakened("a.test.js", old, b"")


def test_added_tests_are_named_as_pytest_names_them():
    new = OLD + "\n\nclass TestB:\n    def test_x(self): ...\n    def other(self): ...\n"
    assert set(added_tests("tests/test_a.py", OLD.encode(), new.encode())) == {"TestB::test_x"}
    assert set(added_tests("tests/test_a.py", None, OLD.encode())) == {"TestA::test_one", "test_two"}


@given(st.text(max_size=200))
def test_an_unchanged_file_loses_nothing(text):
    for path in ("a.py", "a.js"):
        assert weakened(path, text.encode(), text.encode()) == []


@pytest.mark.parametrize(
    ("source", "by_pytest", "by_unittest"),
    [
        ("def test_a(): ...\n", True, False),
        ("class TestA:\n    def test_a(self): ...\n", True, False),
        ("class Some(unittest.TestCase):\n    def test_a(self): ...\n", True, True),
        ("class Some(SimpleTestCase):\n    def test_a(self): ...\n", True, True),
        ("class BaseTests:\n    def test_a(self): ...\n\n\nclass More(BaseTests, TestCase): ...\n", False, False),
        ("class More(Other):\n    def test_a(self): ...\n", False, False),
    ],
)
def test_tests_of_a_class_that_others_inherit_from_are_not_told_by_name(source, by_pytest, by_unittest):
    names = changed_tests("test_a.py", b"", source.encode())
    assert names
    assert run_by_their_names(source.encode(), names, unittest=False) is by_pytest
    assert run_by_their_names(source.encode(), names, unittest=True) is by_unittest
