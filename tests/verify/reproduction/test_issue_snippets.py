import shutil

import pytest

from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict
from sweagent.verify.oracle import Oracle
from sweagent.verify.reproduction.node_snippets import node_programs

BASE = {
    "core.py": "def add(a, b):\n    return a - b\n\n\ndef name():\n    return 'adder'\n",
    "tests/__init__.py": "",
    "tests/test_old.py": (
        "import unittest\n\nclass Old(unittest.TestCase):\n    def test_old(self):\n        self.assertTrue(True)\n"
    ),
}
FLAG = BASE["core.py"] + "\n\nRIGHT = True\n"
FIX = BASE["core.py"].replace("a - b", "a + b")
SESSION = "Sums are wrong:\n\n```python\n>>> from core import add\n>>> add(2, 1)\n1\n```\n\nRIGHT should be true.\n"
PRINTED = "Sums are wrong (RIGHT):\n\n```python\nfrom core import add\nprint(add(2, 1))  # 1\n```\n"
ASSERTED = "Sums are wrong (RIGHT):\n\n```python\nfrom core import add\nassert add(2, 1) == 3, add(2, 1)\n```\n"
INDENTED = "Sums are wrong (RIGHT):\n\n    >>> from core import add\n    >>> add(2, 1)\n    1\n\nso they are.\n"
NEW = "import unittest\nimport core\n\nclass New(unittest.TestCase):\n    def test_new(self):\n        self."
ANOTHER = "Names:\n\n```python\nfrom core import name\nprint(name())\n```\n\n"
OF_FLAG = f"{NEW}assertTrue(getattr(core, 'RIGHT', False))\n"
OF_SUM = f"{NEW}assertEqual(core.add(2, 1), 3)\n"


def judged(project, code, test, issue, **options):
    given = Reproduction(path="tests/test_new.py", content=test, command="python -m unittest tests.test_new")
    usual = "python -m unittest"
    return project(BASE).verify({"core.py": code}, reproduction=given, issue=issue, test_command=usual, **options)


@pytest.mark.parametrize(
    ("issue", "replaces"),
    [
        pytest.param(SESSION, False, id="session, the model's"),
        pytest.param(PRINTED, True, id="program, the user's"),
        pytest.param(INDENTED, False, id="indented session, the model's"),
        pytest.param(SESSION, True, id="session, the user's", marks=pytest.mark.slow),
        pytest.param(PRINTED, False, id="program, the model's", marks=pytest.mark.slow),
        pytest.param(INDENTED, True, id="indented session, the user's", marks=pytest.mark.slow),
    ],
)
def test_a_patch_that_changes_nothing_of_what_the_issue_shows_is_for_review(issue, replaces, project):
    proof = judged(project, FLAG, OF_FLAG, issue, replaces=replaces)

    assert proof.verdict is Verdict.NEEDS_REVIEW
    (finding,) = proof.to_review
    assert (finding.rule, finding.detail) == ("issue-unchanged", "prints the same with the patch as without: '1'")


def test_an_assertion_of_the_issue_that_still_fails_is_a_veto(project):
    proof = judged(project, FLAG, OF_FLAG, ASSERTED)

    assert proof.verdict is Verdict.UNVERIFIED
    assert "code in the issue's text" in proof.reason


@pytest.mark.parametrize(
    "issue",
    [
        pytest.param(SESSION, id="session"),
        pytest.param(PRINTED, id="program", marks=pytest.mark.slow),
        pytest.param(ASSERTED, id="assertion"),
        pytest.param(SESSION.replace(">>> add", ">>> import nowhere\n>>> add"), id="does not run"),
        pytest.param(ANOTHER + PRINTED, id="another snippet does not change"),
    ],
)
def test_a_fix_changes_what_the_issue_shows(issue, project):
    assert judged(project, FIX, OF_SUM, issue).verdict is Verdict.VERIFIED


def test_what_a_task_says_needs_no_word_of_the_issue(project):
    made = project(BASE)
    test_patch = made.patch({"tests/test_new.py": OF_FLAG}).text
    oracle = Oracle(fail_to_pass=("tests/test_new.py::New::test_new",), test_patch=test_patch)
    judged_by_it = made.verify({"core.py": FLAG}, oracle=oracle, issue=SESSION, test_command="python -m unittest")
    assert judged_by_it.verdict is Verdict.VERIFIED


@pytest.mark.parametrize(
    ("body", "package", "program"),
    [
        (
            "const { add } = require('sums');\nadd(2, 1); // 1\n",
            b'{"name": "sums", "main": "lib/a.js"}',
            ("fix_issue_snippet.cjs", "const { add } = require('./lib/a.js');\n_show(add(2, 1)); // 1\n"),
        ),
        (
            "import { add } from 'sums';\nconst n = 2;\nadd(n, 1)\n",
            b'{"name": "sums", "exports": "./a.js"}',
            ("fix_issue_snippet.mjs", "import { add } from 'sums';\nconst n = 2;\n_show(add(n, 1));\n"),
        ),
        ("add(2, 1);\n", b"", None),
        ("const { add } = require('sums');\nadd(2, ...\n", b"", None),
        ("const { add } = require('sums');\nconst n = add(2, 1);\n", b"[]", None),
    ],
    ids=["script", "module", "nothing is loaded", "cut", "nothing to print"],
)
def test_expressions_of_javascript_are_printed(body, package, program):
    made = [(name, code.split("\n", 2)[2]) for name, code in node_programs([("js", body), ("ts", body)], package)]

    assert made == [program] * bool(program)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize(("code", "verdict"), [("-", Verdict.NEEDS_REVIEW), ("+", Verdict.VERIFIED)])
def test_what_javascript_of_the_issue_prints_has_to_change(code, verdict, project):
    base = {
        "add.js": "exports.add = (a, b) => a - b;\n",
        "package.json": '{"name": "sums", "main": "add.js"}',
        "test/old.test.js": "require('node:test').test('old', () => {});\n",
    }
    test = (
        "require('node:test').test('new', () => {\n"
        "  const { add, right } = require('../add');\n  require('node:assert').ok(right || add(1, 1) === 2);\n});\n"
    )
    given = Reproduction(path="test/new.test.js", content=test, command="node --test test/new.test.js")
    issue = "right sums\n\n```js\nconst { add } = require('sums');\nadd(1, 1); // 0\n```\n"
    changed = {"add.js": f"exports.add = (a, b) => a {code} b;\nexports.right = true;\n"}

    assert project(base).verify(changed, reproduction=given, issue=issue, test_command="node --test").verdict is verdict
