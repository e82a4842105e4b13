import pytest

from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict

BASE = {
    "lib/__init__.py": "",
    "lib/core.py": "def add(a, b):\n    return a - b\n",
    "tests/test_old.py": "def test_old():\n    assert True\n",
}
CODE = BASE["lib/core.py"] + "\n\nSUPPORTED = ['add']\n\n\ndef sum_of(a, b):\n    return a + b\n"
ISSUE = "add is wrong"


def judged(project, test, issue=ISSUE, **options):
    given = Reproduction(path="tests/test_new.py", content=test, command="python -m pytest tests/test_new.py")
    return project.verify({"lib/core.py": CODE}, reproduction=given, issue=issue, **options)


@pytest.mark.parametrize(
    "test",
    [
        "from lib import core\n\ndef test_it():\n    assert 'add' in getattr(core, 'SUPPORTED', [])\n",
        "from lib import core\n\ndef test_it():\n    assert hasattr(core, 'sum_of')\n",
        "import lib.core\n\ndef test_it():\n    names = vars(lib.core)\n    assert 'SUPPORTED' in names\n",
    ],
)
def test_what_asks_for_a_name_that_only_the_patch_defines_is_for_review(test, project):
    proof = judged(project(BASE), test)

    assert proof.verdict is Verdict.NEEDS_REVIEW
    assert [item.rule for item in proof.to_review] == ["own-name"]


def test_the_issue_and_the_user_may_ask_for_new_names(project):
    test = "from lib import core\n\ndef test_it():\n    assert 'add' in getattr(core, 'SUPPORTED', [])\n"
    made = project(BASE)

    assert judged(made, test, issue="Tell in SUPPORTED what is supported").verdict is Verdict.VERIFIED
    assert judged(made, test, replaces=True).verdict is Verdict.VERIFIED
