import pytest

from sweagent.testing import Runner
from sweagent.verify.proof import Origin
from sweagent.verify.reproduction.hardcoded_answers import known_by_heart
from sweagent.verify.reproduction.sources import ReproductionCandidate

BASE = "def name(code):\n    return CODES[code]\n"
TEST = b"from codes import name\n\n\ndef test_it():\n    assert name(418) == 'teapot'\n    assert name(1) == 'one'\n"


class Held:
    """Trees of one file each."""

    base = "base"

    def __init__(self, patched: str) -> None:
        self._files = {"base": {"codes.py": BASE.encode()}, "patched": {"codes.py": patched.encode()}}

    def read_many(self, tree, paths):
        return {path: self._files[tree][path] for path in paths if path in self._files[tree]}


def said_of(patched: str) -> str:
    files = {"test_codes.py": TEST}
    candidate = ReproductionCandidate(
        Origin.REGISTERED, "x", "test_codes.py", "pytest", files=files, runner=Runner.PYTEST
    )
    found = known_by_heart(Held(patched), "patched", ["codes.py", "notes.txt"], candidate)  # type: ignore[arg-type]
    return f"{found.path} {found.detail}" if found else ""


@pytest.mark.parametrize(
    "line",
    [
        "if code == 418:\n        return 'teapot'",
        "if code in (418, 1):\n        return 'teapot'",
        "if 418 == code and True:\n        result = 'teapot'\n        return result",
        "return 'teapot' if code == 418 else CODES[code]",
        "match code:\n        case 418:\n            return 'teapot'",
        "if code == 418:\n        yield 'teapot'",
        "'''Codes.'''\n    import re\n    code = int(code)\n    if code == 418:\n        return 'teapot'",
    ],
)
def test_a_branch_for_the_very_inputs_is_seen(line):
    assert "codes.py answers the very inputs of x (" in said_of(BASE.replace("return CODES[code]", line))


@pytest.mark.parametrize(
    "line",
    [
        "return {418: 'teapot'}.get(code) or CODES[code]",
        "if code == 418:\n        return CODES[code].lower()",
        "if code == 418:\n        return 'tea'",
        "if code == 419:\n        return 'teapot'",
        "if code > 418:\n        return 'teapot'",
        "if code == 1:\n        return 'one'",
        "code = int(code)\n    log(code)\n    if code == 418:\n        return 'teapot'",
        "return CODES[code",
        "if 'teapot' in os.environ:\n        return 418",
        "if sys.platform == 'teapot':\n        return 418",
        "if os.environ.get('teapot') == '418':\n        return 'one'",
    ],
)
def test_other_branches_and_tables_are_let_pass(line):
    assert said_of(BASE.replace("return CODES[code]", line)) == ""


def test_what_was_there_before_is_let_pass():
    assert said_of(BASE) == ""
