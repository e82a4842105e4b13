"""The verifier: from a patch to its proof."""

from sweagent.verdict import Verdict
from sweagent.verify.acceptance import with_accepted
from sweagent.verify.judge import verify, verify_without_running
from sweagent.verify.junit import render_junit
from sweagent.verify.pool import judge_pool
from sweagent.verify.progress import Ticker, VerifyProgress
from sweagent.verify.proof import Proof, Selection
from sweagent.verify.render import feedback, render_markdown, render_terminal
from sweagent.verify.runs.kept_results import KeptResults

__all__ = [
    "KeptResults",
    "Proof",
    "Selection",
    "Ticker",
    "Verdict",
    "VerifyProgress",
    "feedback",
    "judge_pool",
    "render_junit",
    "render_markdown",
    "render_terminal",
    "verify",
    "verify_without_running",
    "with_accepted",
]
