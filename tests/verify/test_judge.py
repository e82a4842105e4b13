import pytest

from sweagent.cli.verify import _reproduction
from sweagent.config import VerifySettings
from sweagent.errors import ExitCode, SandboxError
from sweagent.testing import TestOutcome
from sweagent.trajectory import Reproduction
from sweagent.verify import Verdict, feedback
from sweagent.verify.decision import cause_of
from sweagent.verify.oracle import Oracle
from sweagent.verify.proof import Cause, Origin, ReproductionEvidence

CALC = "def add(a, b):\n    return a - b\n\n\ndef double(a):\n    return a * 2\n"
FIXED = CALC.replace("a - b", "a + b")
TESTS = "from calc import double\n\n\ndef test_double():\n    assert double(2) == 4\n"
FILES = {"calc.py": CALC, "tests/test_calc.py": TESTS, "conftest.py": ""}

A_TEST = Reproduction(
    path="tests/test_add.py",
    content="from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    command="python -m pytest tests/test_add.py",
    kind="test",
)
A_SCRIPT = Reproduction(
    path="show.py",
    content="import sys\nfrom calc import add\n\nsys.exit(0 if add(1, 2) == 3 else 1)\n",
    command="python show.py",
)


def script(content: str, command: str = "python show.py") -> Reproduction:
    return Reproduction(path="show.py", content=content, command=command)


def test_a_fix_with_a_test_that_shows_it_is_verified(project):
    made = project(FILES)
    proof = made.verify({"calc.py": FIXED}, reproduction=A_TEST)
    assert (proof.verdict, proof.verdict.exit_code) == (Verdict.VERIFIED, ExitCode.VERIFIED)
    assert proof.reproduction.origin is Origin.REGISTERED
    assert [
        len(runs) for runs in (proof.reproduction.base, proof.reproduction.control, proof.reproduction.patched)
    ] == [1, 2, 2]
    assert proof.regression.passed_before == proof.regression.passed_after == 1
    assert proof.regression.canary == "failed as planted"
    assert proof.regression.whole_suite
    # Every run has a sandbox of its own.
    assert len(made.opened) == len(proof.commands) == 10
    # It can be stored and read back.
    assert type(proof).model_validate_json(proof.model_dump_json()) == proof


def test_what_the_environment_lacks_is_said(project):
    proof = project(FILES).verify({"calc.py": FIXED}, lacks=("the module x is missing",))
    assert "the environment: the module x is missing" in proof.not_checked
    assert proof.reason.endswith("(the environment may be to blame: the module x is missing)")


def test_without_a_reproduction_nothing_is_verified(project):
    proof = project(FILES).verify({"calc.py": FIXED})
    assert (proof.verdict, proof.verdict.exit_code) == (Verdict.UNVERIFIED, ExitCode.UNVERIFIED)
    assert "no reproduction" in proof.reason
    assert proof.regression.compared == 1


@pytest.mark.parametrize(
    "changed",
    [CALC + "# a comment\n", CALC.replace("a - b", "b - a")],
    ids=["comment only", "wrong fix"],
)
def test_a_patch_that_leaves_the_issue_is_unverified(project, changed):
    proof = project(FILES).verify({"calc.py": changed}, reproduction=A_SCRIPT)
    assert proof.verdict is Verdict.UNVERIFIED
    assert "still fails with the patch" in proof.reason


def test_a_fix_that_breaks_something_else_is_regressed(project):
    made = project(FILES)
    proof = made.verify({"calc.py": FIXED.replace("a * 2", "a * 3")}, reproduction=A_SCRIPT)
    assert (proof.verdict, proof.verdict.exit_code) == (Verdict.REGRESSED, ExitCode.REGRESSED)
    (change,) = proof.regression.regressions
    assert change.id == "tests/test_calc.py::test_double"
    assert (change.before, change.after) == (TestOutcome.PASSED, TestOutcome.FAILED)
    assert "6 == 4" in change.message


def test_a_patch_that_breaks_the_import_is_regressed(project):
    proof = project(FILES).verify({"calc.py": FIXED.replace("def double", "def twice")})
    assert proof.verdict is Verdict.REGRESSED


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_patch_is_no_patch(project, text):
    from sweagent.patch import Patch

    made = project(FILES)
    proof = made.verify(Patch(base_commit=made.repository.base_commit, text=text), reproduction=A_SCRIPT)
    assert (proof.verdict, proof.verdict.exit_code) == (Verdict.NO_PATCH, ExitCode.NO_PATCH)
    assert not made.opened


def test_a_patch_that_does_not_apply_is_told_so(project):
    from sweagent.patch import Patch

    made = project(FILES)
    text = "--- a/calc.py\n+++ b/calc.py\n@@ -1 +1 @@\n-nothing like it\n+x\n"
    proof = made.verify(Patch(base_commit=made.repository.base_commit, text=text))
    assert proof.verdict is Verdict.UNVERIFIED
    assert "does not apply" in proof.reason


UNFIT = {
    "passes on the base": (script("import calc\n"), "passes on the base"),
    "imports what is not there": (script("import nowhere_to_be_found\n"), "could not import"),
    "is not valid code": (script("def (:\n"), "not valid code"),
    "uses a name it does not define": (script("from calc import add\nassert ad(1, 2) == 3\n"), "does not define"),
    "reads a file that is missing": (script("open('data.bin')\n"), "missing"),
    "needs a command that is not there": (script("", "no-such-program show.py"), "not there"),
    "is not run by its command": (script("", "false"), "does not run show.py"),
    "fails on everything": (script("raise ValueError('always')\n"), "still fails with the patch"),
    "looks at the source": (
        script("import calc, inspect\nassert '+' in inspect.getsource(calc)\n"),
        "instead of running",
    ),
    "reads the patched file": (script("assert '+' in open('calc.py').read()\n"), "instead of running"),
    "asks git": (script("", "git diff --quiet show.py"), "instead of running"),
    "lies outside": (Reproduction(path="../x.py", content="", command="python ../x.py"), "inside the repository"),
    "is a hook": (
        Reproduction(path="conftest.py", content="", command="pytest conftest.py"),
        "cannot be a reproduction",
    ),
    "asks for a fixture": (
        A_TEST.model_copy(update={"content": "def test_add(no_such_fixture):\n    pass\n"}),
        "fixture",
    ),
    "is collected as nothing": (A_TEST.model_copy(update={"content": "x = 1\n"}), "no test ran"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_is_no_reproduction_is_named(project, name):
    reproduction, said = UNFIT[name]
    proof = project({"calc.py": CALC}).verify({"calc.py": FIXED}, reproduction=reproduction, test_command="true")
    assert proof.verdict is Verdict.UNVERIFIED
    assert said in proof.reproductions[0].reason
    assert not proof.reproductions[0].accepted


def test_a_script_that_passes_on_any_change_is_no_reproduction(project):
    size = len(CALC)
    proof = project(FILES).verify(
        {"calc.py": FIXED + "\n"},
        reproduction=script(f"import calc, os\nassert os.path.getsize(calc.__file__) != {size}\n"),
    )
    assert proof.verdict is Verdict.UNVERIFIED
    assert "mere comment" in proof.reproductions[0].reason


def test_fail_to_pass_of_a_task_is_a_reproduction(project):
    made = project(FILES)
    test_patch = made.patch(
        {"tests/test_calc.py": TESTS + "\n\ndef test_add():\n    import calc\n\n    assert calc.add(1, 2) == 3\n"}
    )
    oracle = Oracle(fail_to_pass=("tests/test_calc.py::test_add",), test_patch=test_patch.text)
    assert made.verify({"calc.py": FIXED}, oracle=oracle).verdict is Verdict.VERIFIED
    assert made.verify({"calc.py": CALC + "#\n"}, oracle=oracle).verdict is Verdict.UNVERIFIED


def test_a_test_that_the_patch_adds_is_a_reproduction_for_a_person_to_look_at(project):
    changes = {"calc.py": FIXED, "tests/test_add.py": A_TEST.content}
    made = project(FILES)
    proof = made.verify(changes)
    assert proof.verdict is Verdict.NEEDS_REVIEW
    assert [(item.rule, item.path) for item in proof.to_review] == [("own-test", "tests/test_add.py")]
    assert proof.reproduction.origin is Origin.PATCH
    assert proof.held_back == ("tests/test_add.py",)
    assert made.verify(changes, reproduction=A_TEST).verdict is Verdict.VERIFIED


def test_a_newer_version_of_a_test_file_takes_its_place_only_if_the_user_gives_it(project):
    old = TESTS + "\n\ndef test_add():\n    from calc import add\n\n    assert add(2, 1) == 1\n"
    made = project({**FILES, "tests/test_calc.py": old})
    newer = A_TEST.model_copy(
        update={
            "path": "tests/test_calc.py",
            "content": old.replace("== 1", "== 3"),
            "command": "python -m pytest --color=no -rA tests/test_calc.py",
        }
    )
    proof = made.verify({"calc.py": FIXED}, reproduction=newer, replaces=True)
    assert proof.verdict is Verdict.VERIFIED, proof.reason
    assert [change.id for change in proof.regression.fixed] == ["tests/test_calc.py::test_add"]
    # The model's own newer version contradicts the old test, which nobody else does.
    assert made.verify({"calc.py": FIXED}, reproduction=newer).verdict is Verdict.NEEDS_REVIEW


def test_a_named_test_that_fails_on_the_base_is_a_reproduction(project):
    made = project({**FILES, "tests/test_add.py": A_TEST.content})
    proof = made.verify({"calc.py": FIXED}, named_tests=("tests/test_add.py::test_add",))
    assert proof.verdict is Verdict.VERIFIED
    assert proof.reproduction.origin is Origin.NAMED
    assert [change.id for change in proof.regression.fixed] == ["tests/test_add.py::test_add"]


def test_a_patch_that_answers_the_inputs_of_the_reproduction_is_for_review(project):
    by_heart = CALC.replace("    return a - b", "    if a == 1 and b == 2:\n        return 3\n    return a - b")
    proof = project(FILES).verify({"calc.py": by_heart}, reproduction=A_TEST)
    assert proof.verdict is Verdict.NEEDS_REVIEW
    assert "the very inputs of tests/test_add.py (1, 2) by a branch of their own [known-answers]" in proof.reason


@pytest.mark.parametrize("deep", ["-" * 200_000 + "1", "a" + ".b" * 100_000], ids=["no memory", "no recursion"])
def test_code_that_is_too_deep_to_be_parsed_is_judged_all_the_same(project, deep):
    proof = project(FILES).verify({"calc.py": f"{CALC}{deep}\n", "tests/test_calc.py": f"{TESTS}{deep}\n"})
    assert proof.verdict in (Verdict.REJECTED, Verdict.REGRESSED, Verdict.UNVERIFIED)


def test_tests_whose_ids_hold_what_the_patch_changes_are_found_again(project):
    shown = "import pytest\nfrom calc import add\n\n\n@pytest.mark.parametrize('sum_', [add(1, 2), add(2, 2)])\n"
    made = project(
        FILES
        | {
            "tests/test_sums.py": f"{shown}def test_sum(sum_):\n    assert sum_ > 2\n",
            "tests/test_numbers.py": f"{shown}def test_number(sum_):\n    assert isinstance(sum_, int)\n",
        }
    )
    proof = made.verify({"calc.py": FIXED}, named_tests=("tests/test_sums.py",))
    assert proof.verdict is Verdict.VERIFIED, proof.reason
    assert any("test_number[-1], " in item for item in proof.not_checked)
    wrong = FIXED.replace("a + b", "a + b if b == a else b")
    proof = made.verify({"calc.py": wrong}, named_tests=("tests/test_sums.py",))
    assert proof.verdict is Verdict.UNVERIFIED
    proof = made.verify({"calc.py": CALC.replace("a - b", "str(a + b)")})
    assert proof.verdict is Verdict.REGRESSED


def test_code_in_the_issue_that_raises_the_error_it_names_is_a_reproduction(project):
    made = project({**FILES, "calc.py": CALC + "\n\ndef third(items):\n    return items[3]\n"})
    code = ">>> from calc import third\n>>> third([1, 2, 3])\n"
    issue = f"third fails\n\n```python\n{code}```\nIndexError: list index out of range\n"
    fixed = CALC + "\n\ndef third(items):\n    return items[2]\n"
    proof = made.verify({"calc.py": fixed}, issue=issue)
    assert proof.verdict is Verdict.VERIFIED
    assert proof.reproduction.origin is Origin.ISSUE


def test_code_in_the_issue_does_not_hide_what_became_of_the_reproduction(project):
    issue = "add fails\n\n```python\nimport nowhere\nnowhere.add(1)\n```\nValueError: wrong\n"
    proof = project({"calc.py": CALC}).verify(
        {"calc.py": FIXED}, reproduction=script("import calc\n"), issue=issue, test_command="true"
    )
    assert [item.origin for item in proof.reproductions] == [Origin.REGISTERED, Origin.ISSUE]
    assert proof.reason == "no reproduction: it passes on the base, so it does not show the issue"


def test_a_failing_environment_is_unverified(project):
    made = project(FILES)

    def broken():
        raise SandboxError("the engine is away")

    made.open = broken
    proof = made.verify({"calc.py": FIXED}, reproduction=A_SCRIPT)
    assert proof.verdict is Verdict.UNVERIFIED
    assert "the engine is away" in proof.reason


def test_a_reproduction_that_never_ends_is_ended(project):
    proof = project(FILES).verify(
        {"calc.py": FIXED},
        reproduction=script("import calc\nwhile True:\n    pass\n"),
        settings=VerifySettings(seconds=8),
    )
    assert proof.verdict is Verdict.UNVERIFIED
    assert any(run.timed_out for run in proof.commands)
    # It had less time than a first run has as a rule: the policy is not asked for another one.
    assert proof.cause is Cause.TIME
    assert feedback(proof) == ""


def test_what_was_registered_says_what_has_to_be_mended() -> None:
    late = ReproductionEvidence(origin=Origin.REGISTERED, name="a", accepted=False, cause=Cause.TIME)
    named = ReproductionEvidence(origin=Origin.NAMED, name="b", accepted=False, cause=Cause.REPRODUCTION)
    assert cause_of([late, named]) is Cause.TIME
    assert cause_of([named]) is Cause.REPRODUCTION


def test_nothing_is_opened_when_no_time_is_left(project):
    made = project(FILES)
    proof = made.verify({"calc.py": FIXED}, reproduction=A_SCRIPT, settings=VerifySettings(seconds=0.5))
    assert (proof.verdict, made.opened) == (Verdict.UNVERIFIED, [])
    assert any("the time was used up" in line for line in proof.not_checked)
    # What was given was not run: it is not to blame, and nothing is asked of the policy.
    assert (proof.cause, proof.reason) == (Cause.TIME, "the time was used up before show.py could be run")
    assert feedback(proof) == ""


SHOP = {
    "shop.py": "def total(prices):\n    return sum(prices) - 1\n\n\ndef label(name):\n    return name.lower()\n",
    "tests/__init__.py": "",
    "tests/models.py": "PRICES = [1]\n",
    "tests/test_label.py": "from shop import label\n\n\ndef test_label():\n    assert label('A') == 'a'\n",
    "tests/test_total.py": "from shop import total\n\n\ndef test_total():\n    assert total([1]) == 0\n",
}
SHOP_FIXED = SHOP["shop.py"].replace(" - 1", "").replace("lower", "upper")
NEWER_TOTAL = (
    "from shop import total\nfrom tests.models import PRICES\n\n\n"
    "def test_total(offset):\n    assert total(PRICES) == 5 + offset\n"
)
SHOP_TESTS = {
    "tests/models.py": "PRICES = [2, 3]\n",
    "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef offset():\n    return 0\n",
    "tests/test_total.py": NEWER_TOTAL,
    "tests/test_label.py": SHOP["tests/test_label.py"].replace("'a'", "'A'"),
}


def test_each_given_test_file_is_a_reproduction_and_takes_the_place_of_its_base_version(project):
    """An upstream fix whose own commit changes expectations in two files, with a fixture and data that they need."""
    first = "tests/test_total.py"
    given = Reproduction(
        path=first,
        content=SHOP_TESTS[first],
        command=f"python -m pytest {first}",
        files={path: text for path, text in SHOP_TESTS.items() if path != first},
    )
    proof = project(SHOP).verify({"shop.py": SHOP_FIXED}, reproduction=given, replaces=True, settings=LONG)
    assert proof.verdict is Verdict.VERIFIED, proof.reason
    assert {item.name for item in proof.reproductions} == {"tests/test_total.py", "tests/test_label.py"}
    assert not proof.regression.regressions
    assert proof.regression.passed_after == 2


def test_the_first_file_of_tests_is_run_wherever_it_stands_among_those_given(project, tmp_path):
    made = project(SHOP)
    for path, text in SHOP_TESTS.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    files = [tmp_path / path for path in SHOP_TESTS]
    found = _reproduction(files, None, made.repository, "python -m pytest")
    assert found.path == "tests/test_total.py"
    assert found.command == "python -m pytest --color=no -rA tests/test_total.py"
    assert set(found.files) == set(SHOP_TESTS) - {found.path}


LONG = VerifySettings(seconds=900)
"""The verdict is the same on a busy machine."""

PINNED = {
    "shop.py": "def label(name):\n    return name.lower()\n\n\ndef twice(n):\n    return n * 2\n",
    "tests/test_shop.py": "from shop import label, twice\n\n\ndef test_label():\n    assert label('Ab') == 'ab'\n\n\n"
    "def test_twice():\n    assert twice(2) == 4\n",
}
KEEPS = "from shop import label\n\n\ndef test_label_keeps():\n    assert label('Ab') == 'Ab'\n"


@pytest.mark.parametrize(("by_user", "verdict"), [(True, Verdict.VERIFIED), (False, Verdict.NEEDS_REVIEW)])
def test_a_test_that_pins_what_the_issue_calls_wrong_is_named(project, by_user, verdict):
    given = Reproduction(path="tests/test_keeps.py", content=KEEPS, command="python -m pytest tests/test_keeps.py")
    made = project(PINNED)
    fixed = {"shop.py": PINNED["shop.py"].replace(".lower()", "")}
    proof = made.verify(fixed, reproduction=given, replaces=by_user, settings=LONG)
    assert proof.verdict is verdict, proof.reason
    assert [change.id for change in proof.regression.pinned] == ["tests/test_shop.py::test_label"]
    assert "label('Ab') gives 'ab' there, and 'Ab' in the reproduction" in proof.findings[0].detail
    assert "tests/test_shop.py::test_label" in proof.reason
    if by_user:
        worse = {"shop.py": PINNED["shop.py"].replace(".lower()", "").replace("* 2", "* 3")}
        assert made.verify(worse, reproduction=given, replaces=True, settings=LONG).verdict is Verdict.REGRESSED
