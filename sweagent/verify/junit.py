"""The proof as JUnit XML, for the test views of continuous integration."""

import re
from xml.etree import ElementTree

from sweagent.verdict import Verdict
from sweagent.verify.proof import Proof, Weight

_ILLEGAL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(proof: Proof) -> str:
    """One suite: the verdict, each reproduction, each regression and each finding as a test case.

    What a person has to look at, the verdict `needs review` included, is neither passed nor failed: it is `skipped`.
    """
    cases: list[tuple[str, str, str, str]] = []
    kind = "skipped" if proof.verdict is Verdict.NEEDS_REVIEW else "failure"
    cases.append(("verdict", "patch", "" if proof.verdict is Verdict.VERIFIED else proof.reason, kind))
    for item in proof.reproductions:
        cases.append(("reproduction", item.name, "" if item.accepted else item.reason, "skipped"))
    for change in proof.regression.regressions:
        cases.append(("regression", change.id, change.message or change.note, "failure"))
    for change in proof.regression.flaky:
        cases.append(("flaky", change.id, change.note, "skipped"))
    for finding in proof.findings:
        kind = "failure" if finding.weight is Weight.REJECT and not finding.waived else "skipped"
        cases.append((finding.weight.value, f"{finding.rule}: {finding.location}", finding.detail, kind))
    failures = sum(1 for *_, message, kind in cases if message and kind == "failure")
    skipped = sum(1 for *_, message, kind in cases if message and kind == "skipped")
    suite = ElementTree.Element(
        "testsuite",
        name=f"fix-issue verify {_legal(proof.task_id)}",
        tests=str(len(cases)),
        failures=str(failures),
        errors="0",
        skipped=str(skipped),
        time=f"{proof.seconds:.2f}",
        timestamp=proof.created_at.isoformat(),
    )
    for group, name, message, kind in cases:
        case = ElementTree.SubElement(suite, "testcase", classname=f"fix-issue.{group}", name=_legal(name), time="0")
        if message:
            ElementTree.SubElement(case, kind, message=_legal(message))
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def _legal(text: str) -> str:
    return _ILLEGAL.sub("�", text)
