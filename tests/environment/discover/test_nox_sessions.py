"""A noxfile is read as syntax."""

import pytest

from sweagent.environment.discover.nox_sessions import NoxSessions, read_nox

NOXFILE = """
import nox
open('/tmp/never', 'w')
PYTHONS = ["3.7", "3.8", "pypy3"]
COMMON = ["pretend", "-c", "constraints.txt"]

@nox.session(python=PYTHONS)
def tests(session):
    session.install("pytest>=6", *COMMON, "-r", "requirements/tests.txt")
    session.install("-e", ".[test, extra]")
    session.install("--group", "testing", f"x=={session.python}", "./local")
    session.run("pytest", *session.posargs)

@nox.session
def docs(session):
    session.install("sphinx")

def tests_helper(session):
    session.install("nothing")
"""


def test_the_test_sessions_are_read(tree_of) -> None:
    found = read_nox(tree_of({"noxfile.py": NOXFILE}))
    assert found.versions == ("3.7", "3.8")
    assert [line.value for line in found.requirements] == ["pytest>=6", "pretend"]
    assert found.files == ("requirements/tests.txt",)
    assert found.extras == ("test", "extra")
    assert found.groups == ("testing",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def tests(:",
        "import nox\n@nox.session(python=A)\ndef tests(session): session.install(*A)\nA = [*A]\n",
        "@session\ndef tests(s): s.install('-r')\n",
        "@session(python=f())\ndef tests(s): s.install(x.y, 'a\\nUSER root', **k)\n",
        "x = " + "(" * 3000,
    ],
)
def test_what_cannot_be_told_is_left_out(tree_of, text: str) -> None:
    assert read_nox(tree_of({"noxfile.py": text})) == NoxSessions()


def test_the_recipe_has_what_the_sessions_install(recipe_of) -> None:
    files = {
        "noxfile.py": NOXFILE,
        "setup.py": "setup(extras_require={'extra': ['attrs']})",
        "requirements/tests.txt": "flaky\n",
        "pyproject.toml": "[dependency-groups]\ntesting = ['trustme']\n",
    }
    recipe = recipe_of(files | {"tests/test_a.py": ""})
    wanted = {line.value: line.source for line in recipe.requirements}
    assert {"pytest>=6", "pretend", "attrs", "flaky", "trustme"} <= wanted.keys()
    assert "sphinx" not in wanted
    assert wanted["pretend"] == "noxfile.py"
    assert "extra" in recipe.extras


def test_the_sessions_say_which_python(recipe_of) -> None:
    toolchain = recipe_of({"noxfile.py": NOXFILE, "a.py": ""}).toolchain
    assert "noxfile.py" in toolchain.source
