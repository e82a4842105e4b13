"""What the first prompt takes from the repository itself."""

from collections.abc import Callable
from typing import Any

from sweagent.agent.prompting import read_context_files

GUIDE = """\
# Contributing

We welcome everybody. Please file a ticket first.

Every change must come with tests; run them with `tox -e py`.

Be kind: see the code of conduct.
"""


def test_of_guides_only_what_rules_code_and_tests_is_read(workshop: Callable[..., Any]) -> None:
    made = workshop(
        {"AGENTS.md": "Use tabs.\n", "CONTRIBUTING.md": GUIDE, "CONTRIBUTING.rst": "Run the tests.\n" * 1000}
    )
    found = dict(read_context_files(made.tree, ("AGENTS.md", "CONTRIBUTING.md", "CONTRIBUTING.rst")))
    assert found == {
        "AGENTS.md": "Use tabs.\n",
        "CONTRIBUTING.md": "Every change must come with tests; run them with `tox -e py`.",
    }
    long = workshop({"AGENTS.md": "Use tabs.\n" * 1000})
    ((_, text),) = read_context_files(long.tree, ("AGENTS.md",))
    assert "view it" in text
