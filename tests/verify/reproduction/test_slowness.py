"""A reproduction of slowness is accepted only where the gain is outside of the noise."""

import pytest

from sweagent.trajectory import Reproduction
from sweagent.verify import Verdict
from sweagent.verify.proof import Cause

SLOW = "def count(n):\n    found = 0\n    for _ in range(200):\n        found = len(list(range(n)))\n    return found\n"
FAST = "def count(n):\n    return n\n"
FILES = {
    "calc.py": SLOW,
    "tests/test_calc.py": "from calc import count\n\n\ndef test_count():\n    assert count(3) == 3\n",
    "conftest.py": "",
}


def slow(content: str, faster: float = 2.0) -> Reproduction:
    return Reproduction(path="slow.py", content=content, command="python slow.py", faster=faster)


def test_a_gain_by_the_factor_is_verified(project) -> None:
    proof = project(FILES).verify(
        {"calc.py": FAST}, reproduction=slow("from calc import count\nassert count(60_000) == 60_000\n")
    )
    assert proof.verdict is Verdict.VERIFIED
    shown = proof.reproduction
    assert [len(runs) for runs in (shown.base, shown.control, shown.patched)] == [3, 1, 4]
    assert shown.base[0].startswith("ended well after ")
    assert "4 runs of each side in turn; wanted: 2 times as fast" in shown.note


@pytest.mark.parametrize(
    ("patch", "content", "cause", "said"),
    [
        (SLOW.replace("found = 0", "found = 1"), "count(30_000)", Cause.PATCH, "not 2 times as fast with the patch"),
        (FAST, "assert count(60_000) == 1", Cause.REPRODUCTION, "has to end with exit 0 without the patch"),
        (
            FAST.replace("return n", "return 0"),
            "assert count(60_000) == 60_000",
            Cause.PATCH,
            "it fails with the patch",
        ),
    ],
    ids=["no gain", "fails", "wrong"],
)
def test_what_is_no_gain_is_not_verified(project, patch: str, content: str, cause: Cause, said: str) -> None:
    proof = project(FILES).verify({"calc.py": patch}, reproduction=slow(f"from calc import count\n{content}\n"))
    assert proof.verdict is not Verdict.VERIFIED
    assert said in proof.reproductions[0].reason
    assert proof.reproductions[0].cause is cause
