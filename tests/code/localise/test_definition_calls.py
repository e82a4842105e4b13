"""What is reached by calls from the definitions that a question names."""

from sweagent.code.index.definitions import Definition
from sweagent.code.localise.definition_calls import Calls


def function(name: str, parent: int = -1) -> Definition:
    return Definition(name, name, "method" if parent >= 0 else "function", 1, 2, parent)


def test_the_second_step_counts_half_and_the_third_nothing() -> None:
    names = ["start", "near", "far", "farther"]
    texts = ["def start():\n    near()", "def near():\n    far()", "def far():\n    farther()", "def farther(): pass"]
    reached = Calls([("a.py", function(name)) for name in names], texts).reached([1.0, 0.0, 0.0, 0.0])
    assert reached == [0.0, 1.0, 0.5, 0.0]


def test_a_member_of_the_own_class_is_meant_before_others_of_its_name() -> None:
    places = [
        ("a.py", Definition("One", "One", "class", 1, 9)),
        ("a.py", function("go", 0)),
        ("a.py", function("step", 0)),
        ("b.py", function("step")),
    ]
    texts = ["class One:", "def go(self):\n    self.step()", "def step(self): ...", "def step(): ..."]
    assert Calls(places, texts).reached([0.0, 1.0, 0.0, 0.0]) == [0.0, 0.0, 1.0, 0.0]


def test_a_plain_call_means_the_own_file_and_a_call_on_an_object_any() -> None:
    places = [("a.py", function("go")), ("a.py", function("step")), ("b.py", function("step"))]
    rest = ["def step(): ...", "def step(): ..."]
    assert Calls(places, ["def go():\n    step()", *rest]).reached([0.1, 0.0, 0.0]) == [0.0, 1.0, 0.0]
    assert Calls(places, ["def go(x):\n    x.step()", *rest]).reached([0.1, 0.0, 0.0]) == [0.0, 1.0, 1.0]


def test_a_name_that_many_have_leads_nowhere() -> None:
    places = [("a.py", function("go")), *((f"{n}.py", function("get")) for n in range(9))]
    texts = ["def go(x):\n    x.get()", *(["def get(): ..."] * 9)]
    assert Calls(places, texts).reached([1.0, *([0.0] * 9)]) == [0.0] * 10
