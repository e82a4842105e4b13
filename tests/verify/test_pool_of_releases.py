"""A standing pool without a history: in real releases a function is broken, and their own tests judge what mends it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sweagent.config import SandboxSettings, VerifySettings
from sweagent.patch import Patch
from sweagent.repository import seed_archive
from sweagent.sandbox import Sandbox, open_sandbox, probe
from sweagent.verify import Proof, Verdict, verify

pytestmark = pytest.mark.timeout(900)

# What bin/test of SymPy does; releases leave it out.
BIN_TEST = """\
import os
import sys
from optparse import OptionParser

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
parser = OptionParser()
parser.add_option("--verbose", action="store_true", default=False)
parser.add_option("-k", dest="kw", default="")
options, words = parser.parse_args()
import sympy

sys.exit(0 if sympy.test(*words, verbose=options.verbose, kw=options.kw) else 1)
"""


@dataclass(frozen=True)
class Release:
    """A release, and the function of it that is broken.

    Attributes:
        name: `name==version`.
        python: the version of Python.
        packages: what it needs.
        files: patterns of the files that are kept, so that a run takes seconds.
        path: of the module.
        function: that returns nothing on the base.
        test: the test file that shows it.
        command: how the project runs its tests.
        added: files that releases leave out.
    """

    name: str
    python: str
    packages: tuple[str, ...]
    files: tuple[str, ...]
    path: str
    function: str
    test: str
    command: str
    added: tuple[tuple[str, str], ...] = ()


def _django(version: str, python: str, *packages: str) -> Release:
    kept = ("django/**/*", "tests/*.py", "tests/templates/**/*", "tests/utils_tests/__init__.py")
    return Release(
        f"django=={version}", python, ("tblib", *packages), (*kept, "tests/utils_tests/test_d*.py"),
        "django/utils/dateparse.py", "parse_duration", "tests/utils_tests/test_dateparse.py",
        "python tests/runtests.py --parallel 2",
    )  # fmt: skip


LEFT_OUT = r"contrib/gis/|locale/(?!en/|__init__)|static/|/jinja2/|\.pyc$|^sympy/(?!discrete/).*/tests/"
RELEASES = {
    "Django 1.11": _django("1.11.29", "3.6", "pytz==2023.3"),
    "Django 5.2": _django("5.2.1", "3.12", "asgiref", "sqlparse"),
    "pytest": Release(
        "toolz==0.12.1", "3.12", ("pytest==8.3.4", "setuptools"), ("toolz/**/*", "tlz/**/*"),
        "toolz/itertoolz.py", "partition_all", "toolz/tests/test_itertoolz.py", "python -m pytest",
    ),
    "unittest": Release(
        "idna==3.7", "3.12", ("flit_core==3.9.0",), ("idna/**/*", "tests/*.py"),
        "idna/intranges.py", "intranges_contain", "tests/test_intranges.py", "python -m unittest discover",
    ),
    "SymPy": Release(
        "sympy==1.6.2", "3.8", ("mpmath==1.2.1",),
        ("sympy/**/*.py",), "sympy/discrete/recurrences.py", "linrec", "sympy/discrete/tests/test_recurrences.py",
        "python bin/test", (("bin/test", BIN_TEST),),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Judging:
    """A broken release that patches can be judged in."""

    release: Release
    whole: str
    project: object
    program: Path
    kind: str

    @contextmanager
    def open(self) -> Iterator[Sandbox]:
        home = self.program.parent.parent
        base = Path(self.program.resolve()).parent.parent
        env = {"PATH": f"{home}/bin:/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": "."}
        seed = seed_archive(self.project.repository, cache_dir=self.project.cache)  # type: ignore[attr-defined]
        settings = SandboxSettings(kind=self.kind)  # type: ignore[arg-type]
        with open_sandbox(settings, tree=seed, env=env, readable=(home, base)) as sandbox:
            yield sandbox

    def verify(self, after: str, releases) -> Proof:
        release = self.release
        broken = releases.returning(self.whole, release.function, "None")
        repository = self.project.repository  # type: ignore[attr-defined]
        patch = Patch(base_commit=repository.base_commit, text=releases.diff(release.path, broken, after))
        return verify(
            self.project.task(f"{release.function} returns nothing"), patch, sandboxes=self.open,  # type: ignore[attr-defined]
            named_tests=(release.test,), test_command=release.command, settings=VerifySettings(seconds=700),
        )  # fmt: skip


@pytest.fixture(scope="module", params=RELEASES)
def judging(request, tmp_path_factory, releases, old_pythons, make_project) -> Judging:
    release = RELEASES[request.param]
    program = old_pythons.environment(release.python, *release.packages)
    folder = tmp_path_factory.mktemp("release")
    (folder / "unpacked").mkdir()
    top = releases.unpacked(old_pythons._CACHE, program, release.name, folder / "unpacked")
    files = releases.kept(top, release.files, LEFT_OUT) | dict(release.added)
    whole = files[release.path]
    files[release.path] = releases.returning(whole, release.function, "None")
    kind = "bubblewrap" if probe("bubblewrap").works else "local"
    return Judging(release, whole, make_project(folder, files), Path(program), kind)


def test_what_mends_it_is_verified(judging, releases) -> None:
    proof = judging.verify(judging.whole, releases)
    assert proof.verdict is Verdict.VERIFIED, f"{proof.reason}\n{proof.commands}"
    assert proof.regression.canary == "failed as planted"
    assert judging.release.test in proof.regression.files
    assert proof.regression.compared > 1


def test_what_does_not_is_not(judging, releases) -> None:
    wrong = releases.returning(judging.whole, judging.release.function, "0")
    proof = judging.verify(wrong, releases)
    assert proof.verdict is Verdict.UNVERIFIED
    assert "still fails with the patch" in proof.reason, proof.reason
