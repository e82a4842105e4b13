from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict

BASE = {"lib.py": "def f():\n    return 1\n", "tests/test_old.py": "def test_old():\n    assert True\n"}
# What earlier runs of the harness showed of themselves.
MARKED = """
import os
import sys


def f():
    marked = os.environ.get("PYTHONHASHSEED") == "0" or sys.dont_write_bytecode
    marked = marked or "NO_COLOR" in os.environ or "CI" in os.environ
    return 2 if marked else 1
"""


def test_code_that_waits_for_our_marks_does_not_see_them(project):
    test = Reproduction(path="repro.py", content="import lib\nassert lib.f() == 2\n", command="python repro.py")
    proof = project(BASE).verify({"lib.py": MARKED}, reproduction=test)

    assert proof.verdict is Verdict.UNVERIFIED
    assert "it still fails with the patch" in proof.reason


def test_a_patch_that_honours_a_common_variable_breaks_no_test_because_of_us(project, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = "import os\n\n\ndef f(text):\n    return f'\\x1b[31m{text}'\n"
    fixed = coloured.replace("    return", "    if 'NO_COLOR' in os.environ:\n        return text\n    return")
    old = "from lib import f\n\n\ndef test_colour():\n    assert f('a') == '\\x1b[31ma'\n"
    new = "from lib import f\n\n\ndef test_plain(monkeypatch):\n    monkeypatch.setenv('NO_COLOR', '1')\n"
    new += "    assert f('a') == 'a'\n"
    given = Reproduction(path="tests/test_new.py", content=new, command="python -m pytest tests/test_new.py")
    proof = project({"lib.py": coloured, "tests/test_old.py": old}).verify(
        {"lib.py": fixed}, reproduction=given, issue="NO_COLOR should be respected"
    )

    assert proof.verdict is Verdict.VERIFIED, proof.reason
