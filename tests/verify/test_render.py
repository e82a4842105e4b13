import io
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sweagent.testing import TestOutcome
from sweagent.verify import Proof, Verdict, feedback, render_junit, render_markdown, render_terminal
from sweagent.verify.acceptance import lost_tests
from sweagent.verify.proof import (
    AssertionCounts,
    CanaryState,
    Cause,
    CommandRun,
    Finding,
    Origin,
    RegressionEvidence,
    ReproductionEvidence,
    Side,
    TestChange,
    Weight,
)
from sweagent.verify.sentences import compared


def proof(verdict: Verdict = Verdict.VERIFIED, **changes) -> Proof:
    values = {
        "verdict": verdict,
        "reason": "it is so",
        "task_id": "a__b-1",
        "repository": "a/b",
        "base_commit": "0" * 40,
        "patch_sha256": "1" * 64,
        "reproductions": (
            ReproductionEvidence(
                origin=Origin.REGISTERED,
                name="tests/test_r.py",
                accepted=True,
                base=("failed: X",) * 2,
                patched=("passed",) * 2,
            ),
        ),
        "regression": RegressionEvidence(
            compared=3, passed_before=3, passed_after=3, files=("tests/test_a.py",), canary=CanaryState.FAILED
        ),
        "commands": (CommandRun(side=Side.BASE, purpose="tests", command="pytest", exit_code=1, seconds=1.5),),
    }
    return Proof(**{**values, **changes})


def terminal(given: Proof) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(render_terminal(given))
    return console.export_text()


def test_the_proof_says_how_far_assertions_were_out_of_reach():
    counts = AssertionCounts(blind=4, outside=2, in_process=1)
    shown = proof().reproductions[0].model_copy(update={"assertions": counts})
    text = " ".join(render_markdown(proof(reproductions=(shown,))).split())
    assert "7 assertions: 4 judged blind, 2 compared outside of the process, 1 in the process only" in text


def test_every_rendering_tells_verdict_reproduction_and_tests():
    given = proof()
    for text in (terminal(given), render_markdown(given)):
        for part in ("verified", "tests/test_r.py", "failed: X", "3 passed before, 3 pass now", "failed as it must"):
            assert part in text


def test_regressions_flaky_and_failing_tests_and_findings_are_named():
    change = TestChange(id="tests/test_a.py::test_b", before=TestOutcome.PASSED, after=TestOutcome.FAILED, message="no")
    given = proof(
        Verdict.REGRESSED,
        regression=RegressionEvidence(
            files=("x",),
            regressions=(change,),
            flaky=(change.model_copy(update={"id": "flaky_one"}),),
            already_failing=("old_one",),
        ),
        findings=(Finding(rule="hooks", path="conftest.py", detail="bends", waived=True),),
        not_checked=("the weather",),
    )
    for text in (terminal(given), render_markdown(given)):
        for part in ("test_b", "flaky_one", "old_one", "conftest.py", "allowed by the user", "the weather"):
            assert part in text


TO_REVIEW = Finding(rule="early-exit", path="calc.py", line=7, detail="uses `_exit`")


def test_what_needs_review_is_named_with_its_file_and_line():
    given = proof(Verdict.NEEDS_REVIEW, findings=(TO_REVIEW,))
    for text in (terminal(given), render_markdown(given), render_junit(given)):
        assert "needs review" in text or "to review" in text or "review" in text
        assert "calc.py:7" in text
    assert f"--accept {TO_REVIEW.rule}" in terminal(given)
    waived = proof(findings=(TO_REVIEW.model_copy(update={"waived": True}),))
    assert "--accept" not in terminal(waived)


HOSTILE = "<img src=x onerror=1> @everyone [x](http://e.vil) closes other/repo#2 `````` | --> \u202eevil\u200b \x1b[31m"


def test_what_comes_from_the_repository_is_inert_in_markdown():
    given = proof(
        reason=HOSTILE,
        commands=(CommandRun(side=Side.BASE, purpose="tests", command=f"``` \n</details>{HOSTILE}", exit_code=1),),
        not_checked=(HOSTILE,),
    )
    text = render_markdown(given)
    bare = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text.replace("\\|", ""))
    for part in ("<img", "@everyone", "http://", "repo#2"):
        assert part not in bare
    assert not re.search("[\u202e\u200b\x1b]", text)


@given(st.text(max_size=80))
def test_a_table_row_stays_one_row(text):
    lines = render_markdown(proof(reason="x", not_checked=(text, "the weather"), commands=())).splitlines()
    rows = [line for line in lines if line.startswith("| not checked")]
    assert len(rows) == 1
    assert "the weather" in rows[0]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 3 for row in rows)


def test_markup_of_the_terminal_is_not_read():
    assert "[bold]x[/bold]" in terminal(proof(reason="[bold]x[/bold]"))


@given(st.text(max_size=80))
def test_junit_is_always_well_formed(text):
    given = proof(Verdict.REJECTED, reason=text, findings=(Finding(rule="hooks", path=text, detail=text),))
    suite = ElementTree.fromstring(render_junit(given))
    assert suite.get("tests") == str(len(suite.findall("testcase")))
    assert suite.get("failures") == str(len(suite.findall("testcase/failure")))


def test_junit_passes_only_for_a_verified_patch():
    assert ElementTree.fromstring(render_junit(proof())).get("failures") == "0"
    for verdict in set(Verdict) - {Verdict.VERIFIED, Verdict.NEEDS_REVIEW}:
        assert ElementTree.fromstring(render_junit(proof(verdict))).get("failures") != "0"
    looked_at = ElementTree.fromstring(render_junit(proof(Verdict.NEEDS_REVIEW, findings=(TO_REVIEW,))))
    assert (looked_at.get("failures"), looked_at.get("skipped")) == ("0", "2")


@pytest.mark.parametrize(
    ("verdict", "changes", "part"),
    [
        (
            Verdict.REGRESSED,
            {
                "regression": RegressionEvidence(
                    regressions=(
                        TestChange(id="t::a", before=TestOutcome.PASSED, after=TestOutcome.FAILED, message="1 != 2"),
                    )
                )
            },
            "t::a: 1 != 2",
        ),
        (
            Verdict.REJECTED,
            {"findings": (Finding(rule="hooks", path="conftest.py", detail="bends it", weight=Weight.REJECT),)},
            "conftest.py",
        ),
        (Verdict.UNVERIFIED, {"reproductions": ()}, "Register a reproduction"),
        (
            Verdict.UNVERIFIED,
            {
                "commands": (
                    CommandRun(
                        side=Side.PATCHED, purpose="reproduction", command="x", exit_code=1, output="ValueError: oh"
                    ),
                )
            },
            "ValueError: oh",
        ),
    ],
)
def test_feedback_says_what_to_mend(verdict, changes, part):
    text = feedback(proof(verdict, **changes))
    assert part in text
    assert len(text) < 3000


@pytest.mark.parametrize(
    ("verdict", "changes"),
    [
        (Verdict.VERIFIED, {}),
        (Verdict.NEEDS_REVIEW, {"findings": (TO_REVIEW,)}),
        *((Verdict.UNVERIFIED, {"cause": cause}) for cause in (Cause.ENVIRONMENT, Cause.HARNESS, Cause.TIME)),
    ],
)
def test_nothing_is_fed_back_that_the_policy_cannot_mend(verdict, changes):
    assert feedback(proof(verdict, **changes)) == ""


@pytest.mark.parametrize(
    ("summary", "asked"),
    [
        ("t.py::test_old and test_older assert what the issue calls wrong.", False),
        ("t.py::test_old asserts what the issue calls wrong.", True),
        ("", True),
    ],
)
def test_a_policy_that_names_each_broken_test_is_not_asked_again(summary, asked):
    names = ("t.py::test_old[1]", "pkg.t.Case.test_older")
    regressions = tuple(TestChange(id=name, before=TestOutcome.PASSED, after=TestOutcome.FAILED) for name in names)
    said = feedback(proof(Verdict.REGRESSED, regression=RegressionEvidence(regressions=regressions)), summary)
    assert bool(said) is asked


def test_a_sentence_has_both_counts_and_all_that_is_between_them():
    def change(name: str, before: TestOutcome, after: TestOutcome) -> TestChange:
        return TestChange(id=name, before=before, after=after)

    passed = TestOutcome.PASSED
    same = RegressionEvidence(compared=42, passed_before=41, passed_after=41)
    assert compared(same) == "41 existing tests pass as before"
    told = compared(
        same.model_copy(
            update={
                "passed_after": 36,
                "otherwise": tuple(change(f"t::{n}", passed, TestOutcome.XFAILED) for n in range(5)),
                "vanished": ("t::p[1]",),
                "not_compared": ("tests/slow.py: the time was used up",),
            }
        )
    )
    assert "of 42 existing tests that were compared 41 passed before and 36 pass now" in told
    assert "t::0 (xfailed)" in told
    assert "and 2 more" in told
    assert "t::p[1]" in told
    assert "not compared: tests/slow.py: the time was used up" in told
    assert len(lost_tests(same.model_copy(update={"otherwise": (change("t", passed, TestOutcome.SKIPPED),)}))) == 1


def test_what_was_kept_from_an_earlier_round_is_told_from_what_was_run():
    runs = [
        CommandRun(side=Side.BASE, purpose="tests", command="pytest", exit_code=0, kept=kept) for kept in (True, False)
    ]
    text = render_markdown(proof(Verdict.VERIFIED, commands=tuple(runs)))
    assert "1 command, each in a fresh sandbox" in text
    assert "1 result of base and control" in text
    assert "0.0 s, kept from earlier: " in text
