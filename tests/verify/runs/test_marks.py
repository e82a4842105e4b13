from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict

BASE = {"lib.py": "def f():\n    return 1\n", "tests/test_old.py": "def test_old():\n    assert True\n"}
# What earlier runs of the harness showed of themselves.
MARKED = """
import os
import sys


def f():
    marked = os.environ.get("PYTHONHASHSEED") == "0" or sys.dont_write_bytecode
    return 2 if marked else 1
"""


def test_code_that_waits_for_our_marks_does_not_see_them(project):
    test = Reproduction(path="repro.py", content="import lib\nassert lib.f() == 2\n", command="python repro.py")
    proof = project(BASE).verify({"lib.py": MARKED}, reproduction=test)

    assert proof.verdict is Verdict.UNVERIFIED
    assert "it still fails with the patch" in proof.reason
