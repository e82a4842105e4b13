"""Asked is found under Node's runners too, and a run that loads another copy of a package proves nothing."""

import os
import shutil
from collections.abc import Mapping

import pytest

from sweagent.testing import Runner, TestOutcome
from sweagent.trajectory import Reproduction
from sweagent.verify import Verdict
from sweagent.verify.comparison.test_commands import TestJobs
from sweagent.verify.proof import Cause, Origin, Side
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.package_origins import WatchedPackage, package_strays, watched_packages
from sweagent.verify.runs.side_runner import Command, CommandResult, SideRunner, SideTree

P, F, E, S, GONE = (
    TestOutcome.PASSED,
    TestOutcome.FAILED,
    TestOutcome.ERROR,
    TestOutcome.SKIPPED,
    TestOutcome.NOT_THERE,
)
RUNNERS = {
    "node": (Runner.NODE, (), "node --test"),
    "mocha 5": (Runner.MOCHA, ("mocha@5",), "npx mocha"),
    "mocha": (Runner.MOCHA, ("mocha@11", "jest@29", "vitest@3"), "npx mocha"),
    "mocha in workers": (Runner.MOCHA, ("mocha@11", "jest@29", "vitest@3"), "npx mocha --parallel --jobs 2"),
    "jest": (Runner.JEST, ("mocha@11", "jest@29", "vitest@3"), "npx jest"),
    "vitest": (Runner.VITEST, ("mocha@11", "jest@29", "vitest@3"), "npx vitest run --globals"),
}
HEAD = "const { describe, it } = globalThis.describe ? globalThis : require('node:test');\n"
TESTS = """
describe('outer', () => {
  describe('inner [0]', () => {
    it('same', () => {});
    it('bad: a.b (c)', () => { throw new Error('bad\\\\nmore'); });
  });
  it('same', () => {});
});
for (const n of [1, 2]) it(`each ${n} of ["a > b"]`, () => { if (n === 2) throw new TypeError('two'); });
const original = it;
original('renamed', () => {});
require('./helper').make('made');
(it.skip || it)('skipped', () => {});
it('same', async () => {});
"""
HELPER = f"{HEAD}exports.make = (name) => (globalThis.it || it)(name, () => {{}});\n"
FOUND = {
    "outer inner [0] same": P,
    "outer > inner [0] > same": P,
    "outer inner [0] bad: a.b (c)": F,
    "outer::inner [0]::bad: a.b (c)": F,
    "outer same": P,
    "outer": F,
    'each 1 of ["a > b"]': P,
    'each 2 of ["a > b"]': F,
    "renamed": P,
    "made": P,
    "skipped": S,
    "same": P,
    "inner [0] same": GONE,
    "original": GONE,
    "absent": GONE,
}


def laid_out(project, packages: tuple[str, ...], npm, files: Mapping[str, str]):
    """A project in whose sandboxes packages are found, beside the work tree as npm's of a folder above it are."""
    made = project({"package.json": '{"name": "made"}', **files})
    folder = npm(*packages) if packages else None
    return made, {"NODE_PATH": str(folder), "PATH": f"{folder}/.bin:{os.environ['PATH']}"} if folder else {}


@pytest.mark.parametrize("name", RUNNERS)
@pytest.mark.parametrize("purpose", ["tests", "reproduction"])
def test_asked_is_found(name, purpose, project, node_packages):
    runner, packages, command = RUNNERS[name]
    files = {f"test/{file}.test.js": HEAD + TESTS for file in "ab"} | {"test/helper.js": HELPER}
    made, env = laid_out(project, packages, node_packages, files)
    command = command.replace("npx ", "")
    jobs = TestJobs(runner, command, {}, lambda path: b"")
    job = jobs.make(["test/a.test.js", "test/b.test.js"], 120, "tests", "test/a.test.js")
    if purpose == "reproduction":
        line = f"{command} test/a.test.js test/b.test.js"
        job = ReproductionCandidate(Origin.NAMED, "made", "test/a.test.js", line, runner=runner).job(120)
    run = SideRunner(made.open, 300).run(SideTree(Side.BASE), Command(**{**vars(job), "env": {**job.env, **env}}))
    several = FOUND | {"made": P}
    for file in ("test/a.test.js", "test/b.test.js"):
        found = {asked: run.report.outcome_of(f"{file}::{asked}") for asked in several}
        assert found == several, run.completed.output[-3000:]
    assert run.report.outcome_of("test/c.test.js::same") is GONE
    assert run.canary_failed
    bad = next(item for item in run.report.results if item.id.endswith("bad: a.b (c)"))
    assert bad.message.startswith(("bad", "Error: bad"))
    expected = 2 * len([word for word in FOUND.values() if word in (P, F, S)])
    assert sum(run.report.counts.values()) <= expected


WORKSPACE = {
    "package.json": '{"name": "root", "workspaces": ["packages/*"]}',
    "packages/a/package.json": '{"name": "a", "dependencies": {"b": "^1.0.0"}}',
    "packages/a/index.js": "exports.twice = (x) => require('b').once(x) * 2;\n",
    "packages/b/package.json": '{"name": "b", "version": "2.0.0"}',
    "packages/b/index.js": "exports.once = (x) => x + 1;\n",
}
ONCE = "exports.once = (x) => x;\n"
KINDS = {
    "commonjs": (
        "packages/a/test/a.test.js",
        "const test = require('node:test');\nconst assert = require('assert');\n",
    ),
    "modules": ("packages/a/test/a.test.mjs", "import test from 'node:test';\nimport assert from 'assert';\n"),
}
IMPORT = {
    "commonjs": "const { twice } = require('../index.js');\n",
    "modules": "import b from 'b';\nconst twice = (x) => b.once(x) * 2;\n",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("linked", [True, False], ids=["linked", "published"])
def test_a_workspace_that_tests_a_published_release(kind, linked, project):
    """In node_modules lies a release of the package that the patch changes, or a link to it."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    path, head = KINDS[kind]
    text = f"{head}{IMPORT[kind]}test('twice', () => assert.equal(twice(3), 6));\n"
    installed = {} if linked else {"node_modules/b/package.json": '{"name": "b"}', "node_modules/b/index.js": ONCE}
    made = project({**WORKSPACE, **installed})
    setup = "mkdir -p node_modules && ln -sfn ../packages/b node_modules/b && " if linked else ""
    reproduction = Reproduction(path=path, content=text, command=f"{setup}node --test {path}", kind="test")
    proof = made.verify({"packages/b/index.js": ONCE}, reproduction=reproduction, test_command="node --test")
    (judged,) = [item for item in proof.reproductions if item.origin is Origin.REGISTERED]
    if linked:
        assert judged.accepted, judged.reason
    else:
        assert proof.verdict is Verdict.UNVERIFIED
        assert judged.cause is Cause.ENVIRONMENT
        assert "it tests `b` from node_modules/b/index.js and not the work tree's packages/b/index.js" in judged.reason


@pytest.mark.parametrize("name", ["jest", "vitest", "mocha"])
def test_other_runners_tell_where_a_package_comes_from(name, project, node_packages):
    runner, packages, command = RUNNERS[name]
    test = "const b = require('b');\nit('a', () => { if (b.once(3) !== 3) throw new Error('b'); });\n"
    installed = {"node_modules/b/package.json": '{"name": "b"}', "node_modules/b/index.js": ONCE}
    files = {**WORKSPACE, **installed, "packages/a/test/a.test.js": test}
    made, env = laid_out(project, packages, node_packages, files)
    jobs = TestJobs(runner, command.replace("npx ", ""), {}, lambda path: b"")
    job = jobs.make(["packages/a/test/a.test.js"], 120, "tests", "packages/a/test/a.test.js")
    bench = SideRunner(made.open, 300)
    bench.packages = (WatchedPackage("b", "packages/b", (), "packages/b/index.js"),)
    run: CommandResult = bench.run(SideTree(Side.BASE), Command(**{**vars(job), "env": env}))
    assert run.report.outcome_of("packages/a/test/a.test.js::a") is P, run.completed.output[-2000:]
    assert [(stray.module, stray.loaded) for stray in run.strays] == [("b", "node_modules/b/index.js")]
    assert len(bench.strays_of("tests")) == 1


def test_a_script_tells_where_a_package_comes_from(project):
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    installed = {
        "node_modules/b/package.json": '{"name": "b"}',
        "node_modules/b/index.js": "exports.once = (x) => x;\n",
    }
    bench = SideRunner(project({**WORKSPACE, **installed}).open, 300)
    bench.packages = (WatchedPackage("b", "packages/b", (), "packages/b/index.js"),)
    stray = bench.run(SideTree(Side.BASE), Command("reproduction", "node -e \"require('b')\"", 60))
    own = bench.run(SideTree(Side.BASE), Command("reproduction", "node -e \"require('./packages/b/index.js')\"", 60))
    assert (len(stray.strays), own.strays) == (1, ())


def test_a_changed_file_belongs_to_the_nearest_package():
    paths = [*WORKSPACE, "node_modules/c/package.json", "index.js", "packages/a/index.test.js", "notes/x.js"]
    read = lambda wanted: {path: WORKSPACE.get(path, "{}").encode() for path in wanted}  # noqa: E731
    found = watched_packages(["README.md", "notes/x.js", "packages/b/index.js", "packages/b/c.ts"], paths, read)
    assert found == (
        WatchedPackage("root", "", ("packages/a", "packages/b"), "notes/x.js"),
        WatchedPackage("b", "packages/b", (), "packages/b/index.js"),
    )
    assert watched_packages(["a.py"], paths, read) == ()
    assert found[0].in_tree("/work") == ("root", "/work", ("/work/packages/a", "/work/packages/b"))


@pytest.mark.parametrize(
    ("files", "stray"),
    [
        ([], False),
        (["/work/packages/b/lib.js"], False),
        (["/work/node_modules/b/index.js"], True),
        (["/work/packages/a/node_modules/b/index.js"], True),
        (["/opt/node_modules/b/index.js"], True),
        (["/work/node_modules/b/index.js", "/work/packages/b/lib.js"], False),
    ],
)
def test_an_installed_copy_is_stray_where_nothing_of_the_work_tree_is_loaded(files, stray):
    package = WatchedPackage("b", "packages/b", (), "packages/b/index.js")
    found = package_strays([package], [("b", file) for file in files], "/work")
    assert bool(found) == stray
    assert all("let the workspace link its own package" in str(item) for item in found)


def test_a_tool_may_have_a_copy_of_the_package_that_the_repository_is():
    package = WatchedPackage("b", "", (), "index.js")
    assert package_strays([package], [("b", "/work/node_modules/b/index.js")], "/work") == ()
