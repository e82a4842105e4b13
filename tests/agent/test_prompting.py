"""What the first prompt takes from the repository itself."""

from collections.abc import Callable
from typing import Any

from sweagent.agent.prompting import read_context_files


def test_short_guides_are_read_and_long_ones_named(workshop: Callable[..., Any]) -> None:
    made = workshop({"AGENTS.md": "Use tabs.\n", "CONTRIBUTING.rst": "Be kind.\n" * 1000})
    found = dict(read_context_files(made.tree, ("AGENTS.md", "CONTRIBUTING.md", "CONTRIBUTING.rst")))
    assert list(found) == ["AGENTS.md", "CONTRIBUTING.rst"]
    assert found["AGENTS.md"] == "Use tabs.\n"
    assert "view it" in found["CONTRIBUTING.rst"]
    assert len(found["CONTRIBUTING.rst"]) < 100
