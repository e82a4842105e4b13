"""What the index says of the base, as texts for prompts."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sweagent.repository import open_repository
from sweagent.run.repository_texts import (
    Place,
    changed_places,
    code_of,
    dependants_of,
    example_test,
    known_files,
    known_places,
    likely_places,
    skeletons,
)
from sweagent.task import Issue, Task

FILES = {
    "shapes/area.py": "import math\n\n\ndef area(a, b):\n    return a + b\n\n\nclass Square:\n    def area(self):\n"
    "        return area(self.a, self.a)\n",
    "shapes/room.py": "from shapes.area import area, Square\n\n\nclass Room(Square):\n    def price(self):\n"
    "        return 3 * area(self.a, self.b)\n",
    "tests/test_area.py": "from shapes.area import area\n\n\ndef test_area():\n    assert area(1, 1) == 2\n",
}
DIFF = """\
diff --git a/shapes/area.py b/shapes/area.py
--- a/shapes/area.py
+++ b/shapes/area.py
@@ -4,2 +4,2 @@
 def area(a, b):
-    return a + b
+    return a * b
"""


@pytest.fixture
def run(git_repository: Callable[..., Path]) -> Any:
    """What these functions ask of a run: its index and its task."""
    from sweagent.code import open_index

    repository = open_repository(str(git_repository(FILES)))
    issue = Issue(title="area() adds its sides", body="`area(2, 3)` in shapes/area.py gives 5.")
    index = open_index(repository.git_dir, repository.base_commit)
    return SimpleNamespace(index=index, task=Task(id="t", repository=repository, issue=issue))


def test_the_likeliest_place_is_shown_with_its_lines(run: Any) -> None:
    assert Place("shapes/area.py", "area") in likely_places(run)[:3]
    shown = code_of(run, [Place("shapes/area.py", "area"), Place("shapes/area.py", "Square.area")])
    assert shown.count("shapes/area.py") == 1, "a file is shown once"
    assert "    5|    return a + b" in shown
    assert "   10|        return area(self.a, self.a)" in shown
    assert len(code_of(run, [Place("shapes/area.py")] * 3, 300)) < 330


def test_what_depends_on_a_place_is_listed_and_the_place_itself_is_not(run: Any) -> None:
    lines = dependants_of(run, [Place("shapes/area.py", "area")]).splitlines()
    assert "shapes/room.py:6 Room.price: return 3 * area(self.a, self.b)" in lines
    assert any(line.startswith("tests/test_area.py:5 test_area") for line in lines)
    assert not any("def area" in line for line in lines)
    without = dependants_of(run, [Place("shapes/area.py", "area")], tests=False)
    assert "tests/" not in without
    assert "Room extends Square" in dependants_of(run, [Place("shapes/area.py", "Square")])


def test_a_diff_names_the_definitions_that_it_changes(run: Any) -> None:
    assert changed_places(run, DIFF) == [Place("shapes/area.py", "area")]
    assert changed_places(run, "no diff") == []


def test_what_a_model_names_is_looked_up_and_what_there_is_not_left_out(run: Any) -> None:
    assert known_files(run, ["./shapes/area.py", "gone.py", "shapes/area.py"]) == ["shapes/area.py"]
    found = known_places(run, ["Square.area", "none", "shapes/room.py:Room"], ["shapes/area.py"])
    assert found == [Place("shapes/area.py", "Square.area"), Place("shapes/room.py", "Room")]
    assert "def area(a, b)" in skeletons(run, ["shapes/area.py"])
    assert "assert area(1, 1) == 2" in example_test(run, [Place("shapes/area.py", "area")])
