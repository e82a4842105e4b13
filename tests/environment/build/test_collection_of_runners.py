"""Runners that cannot be asked for their tests: these are loaded, counted and not run."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from sweagent.environment.build.node_lacks import package_of
from sweagent.environment.build.test_collection import Collection, collecting_command, read_collection
from sweagent.environment.missing import Lack, LackKind

Collect = Callable[..., Collection]
MODULE, OWN, PROGRAM = LackKind.MODULE, LackKind.OWN_MODULE, LackKind.PROGRAM


def _support(name: str) -> ModuleType:
    path = Path(__file__).parents[2] / "support" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"tests_support_{name}", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# Before a fixture gives each test a cache of its own.
OLD, NPM = _support("old_pythons"), _support("node_packages")


@pytest.fixture
def collect(tmp_path: Path) -> Collect:
    """Collect the tests of some files as the end of a build does; that none of them ran is checked."""

    def make(
        files: Mapping[str, str], command: str, own: tuple[str, ...] = (), packages: Path | None = None
    ) -> Collection:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        if packages:
            (tmp_path / "node_modules").symlink_to(packages)
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8", "CI": "1"}
        done = subprocess.run(
            ["sh", "-c", collecting_command(command)],
            cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert not list(tmp_path.rglob("ran")), done.stdout
        return read_collection(done.stdout, lambda module: module in own, command)

    return make


GOOD = """
import unittest


class Case(unittest.TestCase):
    def test_a(self):
        open("ran", "w").close()

    def test_b(self):
        open("ran", "w").close()
"""
OF_UNITTEST = {
    "tests/__init__.py": "",
    "tests/test_good.py": GOOD,
    "tests/test_left.py": "import unittest\n\nraise unittest.SkipTest('not here')\n",
    "tests/test_c.py": "import typing_of_nobody\n",
    "tests/test_d.py": "import typing_of_nobody.part\n",
    "tests/test_e.py": "import thing._fast\n",
    "thing/__init__.py": "",
}


@pytest.mark.parametrize("discover", ["", " discover", " discover -s tests -t . -v"])
def test_of_unittest(collect, discover) -> None:
    found = collect(OF_UNITTEST, f"{sys.executable} -m unittest{discover}", own=("thing",))
    assert (found.collected, found.usable) == (2, True)
    assert set(found.lacks) == {
        Lack(kind=MODULE, name="typing_of_nobody", files=2),
        Lack(kind=OWN, name="thing._fast", files=1),
    }


def test_a_suite_that_lacks_a_module_everywhere_is_not_usable(collect) -> None:
    found = collect({"tests/__init__.py": "import typing_of_nobody\n", "tests/test_good.py": GOOD},
                    f"{sys.executable} -m unittest discover -s tests -t .")  # fmt: skip
    assert (found.collected, found.usable) == (0, False)
    assert [lack.name for lack in found.lacks] == ["typing_of_nobody"]


@pytest.mark.parametrize("python", ["3.6", "3.8", "3.13"])
def test_of_unittest_old_and_new(python, collect) -> None:
    program = OLD.environment(python)
    found = collect(OF_UNITTEST, f"{program} -m unittest discover", own=("thing",))
    assert (found.collected, len(found.lacks)) == (2, 2), found.output


SETTINGS = "SECRET_KEY = 'x'\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}\n"
MANAGE = """
import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
"""
RUNTESTS = """
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import django
from django.conf import settings
from django.test.runner import DiscoverRunner

settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}}, SECRET_KEY="x")
django.setup()
sys.exit(bool(DiscoverRunner(interactive=False, parallel=2).run_tests(["app"])))
"""


@pytest.mark.parametrize(("python", "version"), [("3.6", "1.11"), ("3.12", "5.2")])
@pytest.mark.parametrize("style", ["tests/runtests.py", "manage.py"])
def test_of_django_with_two_workers(python, version, style, collect) -> None:
    program = OLD.environment(python, f"django=={version}", "tblib")
    below = style.rpartition("/")[0] + "/" if "/" in style else ""
    files = {
        style: RUNTESTS if below else MANAGE,
        "settings.py": SETTINGS,
        f"{below}app/__init__.py": "",
        f"{below}app/tests.py": GOOD + "\n\nclass Other(Case):\n    pass\n",
        f"{below}app/test_c.py": "import typing_of_nobody\n",
    }
    found = collect(files, f"{program} {style}" + ("" if below else " test --parallel 2"))
    assert found.collected == 4
    assert found.lacks == (Lack(kind=MODULE, name="typing_of_nobody", files=1),)


def test_of_django_whose_database_has_no_driver(collect) -> None:
    program = OLD.environment("3.12", "django==5.2", "tblib")
    settings = SETTINGS.replace("sqlite3", "mysql")
    files = {"manage.py": MANAGE, "settings.py": settings, "app/__init__.py": "", "app/tests.py": GOOD}
    found = collect(files, f"{program} manage.py test app")
    assert (found.collected, found.usable) == (0, False)
    assert [(lack.kind, lack.name) for lack in found.lacks] == [(MODULE, "MySQLdb")]


BIN_TEST = """
import sys

try:
    from sympy.testing.runtests import test
except ImportError:
    from sympy.utilities.runtests import test
sys.exit(not test("sympy/logic"))
"""


@pytest.mark.parametrize(("python", "version"), [("3.6", "1.0"), ("3.12", "1.14.0")])
def test_of_sympy(python, version, collect) -> None:
    """The release's own runner on its own tests, by what `bin/test` does; releases leave that file out."""
    program = OLD.environment(python, f"sympy=={version}", "mpmath==1.2.1")
    found = collect({"bin/test": BIN_TEST}, f"{program} bin/test")
    assert found.collected > 50
    assert found.lacks == ()


RUNNERS_OF_NODE = ("mocha@11", "jest@29", "vitest@3")
DESCRIBED = """
const { describe, it } = globalThis.describe ? globalThis : require('node:test');
describe('outer', () => {
  it('a', () => require('fs').writeFileSync('ran', ''));
  it('b', () => require('fs').writeFileSync('ran', ''));
});
"""
OF_NODE = {
    "spec/good.test.js": DESCRIBED,
    "spec/bad.test.js": "require('nothing-such/part');\n",
    "spec/own.test.js": "require('../lib/gone');\n",
}
LACKING = {
    Lack(kind=MODULE, name="nothing-such", files=1),
    Lack(kind=OWN, name="../lib/gone", files=1),
}


def _scripted(script: str) -> dict[str, str]:
    return {"package.json": json.dumps({"name": "made", "scripts": {"test": script}})}


@pytest.mark.parametrize("command", ["node --test spec/", "npm test"])
def test_of_nodes_own_runner(command, collect) -> None:
    NPM.packages()
    found = collect(OF_NODE | _scripted("node --test spec/"), command)
    assert (found.asked, found.collected) == (True, 1)
    assert set(found.lacks) == LACKING


@pytest.mark.parametrize(
    ("packages", "script"),
    [
        (["mocha@5"], "mocha spec/*.test.js"),
        (RUNNERS_OF_NODE, "mocha spec/*.test.js"),
        (RUNNERS_OF_NODE, "jest"),
        (RUNNERS_OF_NODE, "vitest run --globals"),
    ],
)
def test_of_other_runners_of_node(packages, script, collect) -> None:
    good = {"spec/good.test.js": DESCRIBED}
    found = collect(_scripted(script) | good, "npm test", packages=NPM.packages(*packages))
    assert (found.collected, found.lacks) == (2, ()), found.output


@pytest.mark.parametrize(
    ("script", "stops"), [("mocha spec/*.test.js", True), ("jest", False), ("vitest run --globals", False)]
)
def test_what_files_of_other_runners_lack(script, stops, collect) -> None:
    """Mocha ends at the first file that cannot be loaded, the others go on."""
    found = collect(_scripted(script) | OF_NODE, "npm test", packages=NPM.packages(*RUNNERS_OF_NODE))
    assert found.collected == (0 if stops else 2)
    assert (set(found.lacks) < LACKING) if stops else (set(found.lacks) == LACKING)


def test_a_runner_of_node_that_is_not_installed_is_a_missing_program(collect) -> None:
    NPM.packages()
    found = collect(_scripted("mocha-of-nobody"), "npm test")
    assert (found.asked, found.lacks, found.usable) == (True, (Lack(kind=PROGRAM, name="mocha-of-nobody"),), False)


def test_of_a_runner_that_nobody_knows_nothing_is_said(collect) -> None:
    NPM.packages()
    assert not collect(_scripted("node -e 1"), "npm test").asked


@pytest.mark.parametrize(
    ("module", "package"),
    [("a", "a"), ("a/b.js", "a"), ("@s/a/b", "@s/a"), ("./a", ""), ("/a", ""), ("node:fs", ""), ("a;rm -r b", "a")],
)
def test_the_package_of_a_module(module, package) -> None:
    assert package_of(module) == package
