import pytest

from sweagent.testing import TestOutcome
from sweagent.verify.comparison.pinned_tests import Pins, contradiction
from sweagent.verify.proof import Origin, TestChange
from sweagent.verify.reproduction.sources import ReproductionCandidate

OLD = b"""import shop
from shop import total
import pytest


def test_total():
    prices = [1, 2]
    assert total(prices) == 2


@pytest.mark.parametrize("name, said", [("a", "A"), pytest.param("b", "b")])
def test_label(name, said):
    assert shop.label(name) == said


def test_refuses():
    with pytest.raises(ValueError):
        total(None)


class CaseTests:
    def test_empty(self):
        self.assertEqual(total([]), -1)
        self.assertTrue(shop.is_open("sun"))
"""


@pytest.mark.parametrize(
    ("test", "reproduction", "said"),
    [
        ("t.py::test_total", "import shop\nassert shop.total([1, 2]) == 3\n", "total([1, 2]) gives 2 there, and 3"),
        ("t.py::test_total", "import shop\nassert shop.total([1, 2]) == 2.0\n", ""),
        ("t.py::test_total", "import shop\nassert shop.total([1, 3]) == 3\n", ""),
        ("t.py::test_label[b-b]", "from shop import label\nassert 'B' == label('b')\n", "label('b') gives 'b' there"),
        ("t.py::test_label[a-A]", "from shop import label\nassert label('c') == 'C'\n", ""),
        ("t.py::test_refuses", "from shop import total\nassert total(None) == 0\n", "total(None) gives an error there"),
        ("t.CaseTests.test_empty", "from shop import total\nx = total([])\nassert x == 0\n", "total([]) gives -1"),
        ("t.py::CaseTests::test_empty", "from shop import is_open\nassert not is_open('sun')\n", "gives True there"),
        ("t.py::test_total", "def (", ""),
    ],
)
def test_a_test_is_contradicted_by_the_same_call_with_another_answer(test, reproduction, said):
    found = contradiction(test, OLD, [reproduction.encode()])
    assert said in found
    assert bool(found) is bool(said)


@pytest.mark.parametrize("name", ["tests.test_shop.CaseTests.test_empty", "test_shop.CaseTests.test_empty"])
def test_a_dotted_name_leads_to_its_file(name):
    """As unittest names a test from the root, and Django from its folder of tests."""
    content = b"from shop import total\n\n\ndef test_it():\n    assert total([]) == 0\n"
    shown = ReproductionCandidate(Origin.REGISTERED, "r.py", "r.py", "pytest r.py", files={"r.py": content}, given=True)
    files = {"tests/test_shop.py": OLD, "tests/test_shop_window.py": b""}
    change = TestChange(id=name, before=TestOutcome.PASSED, after=TestOutcome.FAILED)
    assert Pins([shown], files.__getitem__, files).is_pinned(change)
    assert not Pins([shown], files.__getitem__, ["tests/test_shop_window.py"]).is_pinned(change)
