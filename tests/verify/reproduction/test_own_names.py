import pytest

from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict

BASE = {
    "lib/__init__.py": "",
    "lib/core.py": "def add(a, b):\n    return a - b\n",
    "tests/__init__.py": "",
    "tests/test_old.py": (
        "import unittest\n\nclass Old(unittest.TestCase):\n    def test_old(self):\n        self.assertTrue(True)\n"
    ),
}
CODE = BASE["lib/core.py"] + "\n\nSUPPORTED = ['add']\n\n\ndef sum_of(a, b):\n    return a + b\n"
ISSUE = "add is wrong"
HEAD = "import unittest\nfrom lib import core\n\nclass New(unittest.TestCase):\n    def test_it(self):\n        "
HAS = f"{HEAD}self.assertIn('add', getattr(core, 'SUPPORTED', []))\n"


def judged(project, test, issue=ISSUE, **options):
    given = Reproduction(path="tests/test_new.py", content=test, command="python -m unittest tests.test_new")
    usual = "python -m unittest"
    return project.verify({"lib/core.py": CODE}, reproduction=given, issue=issue, test_command=usual, **options)


@pytest.mark.parametrize(
    "test",
    [
        HAS,
        f"{HEAD}self.assertTrue(hasattr(core, 'sum_of'))\n",
        f"{HEAD}names = vars(core)\n        assert 'SUPPORTED' in names\n",
    ],
)
def test_what_asks_for_a_name_that_only_the_patch_defines_is_for_review(test, project):
    proof = judged(project(BASE), test)

    assert proof.verdict is Verdict.NEEDS_REVIEW
    assert [item.rule for item in proof.to_review] == ["own-name"]


def test_the_issue_and_the_user_may_ask_for_new_names(project):
    made = project(BASE)

    assert judged(made, HAS, issue="Tell in SUPPORTED what is supported").verdict is Verdict.VERIFIED
    assert judged(made, HAS, replaces=True).verdict is Verdict.VERIFIED
