import pytest

from sweagent.verify.blind.rewrite import Level, blinded

# An assertion, how far it is blind, and what it says that must not be found in the process.
ASSERTIONS = [
    ("assert f(1) == 4711", Level.BLIND, "4711"),
    ("assert 4711 == f(1)", Level.BLIND, "4711"),
    ("assert f(1) == [4711, Decimal('1')], 'not 4711'", Level.BLIND, "4711"),
    ("assert f(1)['a'] in (1, 4711) and f(2) is None", Level.BLIND, "4711"),
    ("assert not f(1) == sorted([4711])", Level.BLIND, "4711"),
    ("assert f(1) == pytest.approx(4711)", Level.BLIND, "4711"),
    ("assert abs(f(1) - 4711) < 3", Level.BLIND, "4711"),
    ("assert f(1).startswith('4711')", Level.BLIND, "4711"),
    ("assert isinstance(f(1), str)", Level.BLIND, "str"),
    ("assert all(x == 4711 for x in f(1))", Level.BLIND, "4711"),
    ("want = {'a': 4711}\nassert f(1) == want", Level.BLIND, "4711"),
    ("for x, want in [(1, 4711), (2, 4712)]:\n    assert f(x) == want", Level.BLIND, "4711"),
    ("if f(1) != 4711:\n    raise AssertionError('want 4711')", Level.BLIND, "4711"),
    ("with pytest.raises(ValueError, match='4711'):\n    f(1)", Level.BLIND, "4711"),
    ("pytest.raises(ValueError, f, 1)", Level.BLIND, "ValueError"),
    ("mock.assert_called_once_with(4711)", Level.BLIND, "4711"),
    ("assert f(1) == f(4711)", Level.OUTSIDE, ""),
    ("assert f(1)", Level.OUTSIDE, ""),
    ("want = [4711]\nwant.append(f(2))\nassert f(1) == want", Level.OUTSIDE, ""),
    ("with pytest.raises(OwnError):\n    f(1)", Level.OUTSIDE, ""),
    ("assert_frames_are_alike(f(1), f(2))", Level.IN_PROCESS, ""),
    ("with pytest.raises(AssertionError):\n    assert f(1) == 2", Level.IN_PROCESS, ""),
]
HEAD = """\
import pytest
from decimal import Decimal
from lib import f, mock, OwnError, assert_frames_are_alike
"""


@pytest.mark.parametrize(("statement", "level", "secret"), ASSERTIONS)
def test_what_the_source_says_of_the_expected_stays_with_the_judge(statement, level, secret):
    body = "".join(f"    {line}\n" for line in statement.splitlines())
    made = blinded(f"{HEAD}def test_it():\n{body}", "_probe", header="import _probe")

    assert [site.level for site in made.sites] == [level]
    if secret:
        assert secret not in made.source


@pytest.mark.parametrize(
    ("statement", "level"),
    [
        ("self.assertEqual(f(1), 4711)", Level.BLIND),
        ("self.assertIn(4711, f(1))", Level.BLIND),
        ("self.assertAlmostEqual(f(1), 4711, places=3)", Level.BLIND),
        ("self.assertRaisesRegex(ValueError, '4711', f, 1)", Level.BLIND),
        ("self.assertEqual(f(1), f(2))", Level.OUTSIDE),
        ("self.assertQuerySetEqual(f(1), [4711])", Level.IN_PROCESS),
    ],
)
def test_assertions_of_unittest_are_known(statement, level):
    head = "import unittest\nfrom lib import f\nclass T(unittest.TestCase):\n    def test_it(self):\n"
    made = blinded(f"{head}        {statement}\n", "_probe", header="import _probe")

    assert [site.level for site in made.sites] == [level]
    assert ("4711" in made.source) == (level is Level.IN_PROCESS)


def test_a_column_of_a_table_is_withheld_only_where_assertions_alone_use_it():
    made = blinded(
        HEAD
        + "@pytest.mark.parametrize('given, want', [(1, 4711), pytest.param(2, 4712, id='two')])\n"
        + "def test_it(given, want):\n    assert f(given) == want\n"
        + "@pytest.mark.parametrize('given, want', [(1, 4713)])\n"
        + "def test_more(given, want):\n    assert f(given, want) == want\n",
        "_probe",
        header="import _probe",
    )

    assert made.tables == (("4711", "4712"),)
    assert "4711" not in made.source
    assert "4713" in made.source
    assert [site.level for site in made.sites] == [Level.BLIND, Level.OUTSIDE]


def test_what_a_runner_reads_by_its_name_stays():
    made = blinded(f"{HEAD}pytest_plugins = ['pytester']\npytestmark = []\n", "_probe", header="import _probe")

    assert "pytest_plugins = ['pytester']" in made.source


def test_documentation_names_nothing_and_future_imports_stay_first():
    made = blinded('"""4711"""\nfrom __future__ import annotations\n', "_probe", header="import _probe")

    assert "4711" not in made.source
    compile(made.source, "made", "exec")


@pytest.mark.parametrize(
    ("body", "reached"),
    [
        ("assert f(1) == 2", [True]),
        ("if f(0):\n    return\nassert f(1) == 2", [False]),
        ("if f(0):\n    assert f(1) == 2\nassert f(1) == 3", [False, True]),
        ("with open(f(0)):\n    assert f(1) == 2", [True]),
        ("with contextlib.suppress(OSError):\n    assert f(1) == 2", [False]),
        ("with pytest.raises(ValueError):\n    assert f(1) == 2", [True, False]),
        ("for x in f(0):\n    assert x == 2", [False]),
    ],
)
def test_assertions_that_a_finished_test_has_reached_for_certain(body, reached):
    source = "import contextlib\n" + HEAD + "def test_it():\n" + "".join(f"    {line}\n" for line in body.splitlines())
    made = blinded(source, "_probe", header="import _probe")

    assert [site.certain_in == "test_it" for site in made.sites] == reached
