import json
import subprocess
import sys
from pathlib import Path

import pytest

from sweagent.verify.blind.rewrite import blinded
from sweagent.verify.monitors import monitor_source

LIAR = """
def lie(base):
    return type("Liar", (base,), {"__eq__": lambda a, b: True, "__ne__": lambda a, b: False, "__hash__": base.__hash__})
"""
VALUES = """
import collections
import datetime
import decimal

class Plain:
    pass

try:
    import dataclasses
except ImportError:  # before 3.7
    class Point:
        def __init__(self, x):
            self.x = x
else:
    @dataclasses.dataclass
    class Point:
        x: int
        y: int = 0

Pair = collections.namedtuple("Pair", "a b")
cycle = []
cycle.append(cycle)
cycle.append(cycle)

class Proud(str):
    def __eq__(self, other):
        return str.__eq__(self, other)
    __hash__ = str.__hash__
"""
# What is asserted, and what the judge says: it holds, it does not, or only a class of the project's can say.
HELD, WRONG, OPEN = True, False, None
CASES = [
    ("1 + 1", "== 2", HELD),
    ("1 + 1", "== 3", WRONG),
    ("1 + 1", "!= 3", HELD),
    ("True", "is True", HELD),
    ("1", "is True", WRONG),
    ("2.5", "== pytest.approx(2.5000001)", HELD),
    ("[1, {'a': (2, {3})}]", "== [1, {'a': (2, {3})}]", HELD),
    ("'caf\\u00e9'", "== 'caf\\u00e9'", HELD),
    ("b'x\\x00'", "== b'x\\x00'", HELD),
    ("decimal.Decimal('1.10')", "== Decimal('1.1')", HELD),
    ("datetime.date(2020, 2, 29)", "== datetime.date(2020, 2, 29)", HELD),
    ("datetime.datetime(2020, 2, 29, tzinfo=datetime.timezone.utc)", "== datetime.date(2020, 2, 29)", WRONG),
    ("datetime.timedelta(0, 930, 100000)", "== datetime.timedelta(0, 930, 100000)", HELD),
    (
        "datetime.datetime(2020, 12, 29, 23, 59, 58, 100000)",
        "== datetime.datetime(2020, 12, 29, 23, 59, 58, 100000)",
        HELD,
    ),
    ("Pair(1, 2)", "== (1, 2)", HELD),
    ("Point(1)", "== 3", WRONG),
    ("Plain()", "is None", WRONG),
    ("Plain()", "is not None", HELD),
    ("Plain()", "== 1", WRONG),
    ("range(3)", "== range(3)", HELD),
    ("cycle", "== [1]", OPEN),
    ("Proud('x')", "== 'x'", HELD),
    ("lie(int)(1)", "== 2", OPEN),
    ("lie(str)('x')", "== 'y'", OPEN),
    ("[lie(float)(1)]", "== [2.0]", OPEN),
    ("{'a': lie(int)(1)}", "== {'a': 2}", OPEN),
    ("lie(Plain)()", "== 2", OPEN),
]


def judged(folder: Path, source: str, given: str = "", tree: Path | None = None, python: str = sys.executable) -> dict:
    """Run a rewritten script beside a module `lib`, and have its dump judged."""
    (folder / "lib.py").write_text(given)
    made = blinded(source, "_probe", header="import _probe", script=True)
    (folder / "script.py").write_text(made.source)
    record = folder / "record"
    record.unlink(missing_ok=True)
    (folder / "_probe.py").write_text(monitor_source("blind_probe.py", record=str(record)))
    subprocess.run([python, "script.py"], cwd=folder, check=False, capture_output=True)
    question = {
        "nonce": "1",
        "sites": [{"test": site.test, "level": site.level.value, "file": 0} for site in made.sites],
        "tables": [{"rows": rows, "file": 0} for rows in made.tables],
        "imports": [made.imports],
        "dump": record.read_text().splitlines(),
    }
    (folder / "question").write_text(json.dumps(question))
    (folder / "judge.py").write_text(monitor_source("blind_judge.py"))
    done = subprocess.run(
        [python, "-I", "-S", str(folder / "judge.py"), str(folder / "question")],
        cwd=tree or folder,
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("version", ["", "3.6", "3.13"])
def test_values_are_read_by_their_base_types_alone(tmp_path, version, old_environment):
    python = old_environment(version) if version else sys.executable
    lines = "".join(f"assert value({number}) {said}\n" for number, (_, said, _) in enumerate(CASES))
    source = f"import datetime\nimport pytest\nfrom decimal import Decimal\nfrom lib import value\n{lines}"
    made = "".join(f"    {number}: lambda: {code},\n" for number, (code, _, _) in enumerate(CASES))
    given = f"{LIAR}{VALUES}\nVALUES = {{\n{made}}}\n\ndef value(number):\n    return VALUES[number]()\n"
    (tmp_path / "pytest.py").write_text("approx = None\n")

    answer = judged(tmp_path, source, given, python=python)

    assert answer["ended"] == {"script": [[None, ""]]}
    said = {CASES[int(number)][:2]: rows[0][0] for number, rows in answer["seen"].items()}
    assert said == {case[:2]: case[2] for case in CASES}


@pytest.mark.parametrize("moved", [False, True])
def test_functions_of_the_base_tree_may_compare_values(tmp_path, moved):
    code = "class Unit:\n    def __eq__(self, other):\n        return True\n"
    base = tmp_path / "base"
    base.mkdir()
    (base / ("elsewhere.py" if moved else "lib.py")).write_text(f"\n\n{code}")
    run = tmp_path / "run"
    run.mkdir()

    kept = judged(run, "from lib import Unit\nassert Unit() == 3\n", code, base)
    changed = judged(run, "from lib import Unit\nassert Unit() == 3\n", code.replace("True", "bool(other)"), base)

    assert kept["new"] == {}
    assert [hook[1] for hook in changed["new"]["0"]] == ["Unit.__eq__"]


def test_a_hook_may_have_the_name_that_python_2_called_it_by(tmp_path):
    code = "class Unit:\n    def __nonzero__(self):\n        return True\n\n    __bool__ = __nonzero__\n"
    base = tmp_path / "base"
    base.mkdir()
    (base / "lib.py").write_text(code)

    kept = judged(tmp_path, "from lib import Unit\nassert Unit()\n", code, base)
    changed = judged(tmp_path, "from lib import Unit\nassert Unit()\n", code.replace("True", "self is not None"), base)

    assert kept["new"] == {}
    assert [hook[1] for hook in changed["new"]["0"]] == ["Unit.__nonzero__"]


def test_an_exception_ends_a_test_where_it_arose(tmp_path):
    answer = judged(tmp_path, "from lib import f\nassert f() == 1\n", "def f():\n    raise KeyError(1)\n")

    (kind, place) = answer["ended"]["script"][0]
    assert kind == "builtins.KeyError"
    assert place.endswith("lib.py")


def test_an_assertion_that_is_not_understood_runs_as_it_is(tmp_path):
    given = "def f():\n    return 1\ndef check_all(*values):\n    raise ValueError(values)\n"
    answer = judged(tmp_path, "from lib import check_all, f\ncheck_all(f(), 2)\n", given)

    assert answer["ended"]["script"][0][0] == "builtins.ValueError"
    assert answer["seen"]["0"][0][0] is True
