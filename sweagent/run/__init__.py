"""A run as strategies see it: attempts, evidence, selectors."""

from sweagent.frozen import Frozen
from sweagent.run.attempt import Attempt
from sweagent.run.evidence import CandidateEvidence, Choice, Evidence
from sweagent.run.run import Left, Run
from sweagent.run.selectors import Selector, agreement, best_verdict

__all__ = [
    "Attempt",
    "CandidateEvidence",
    "Choice",
    "Evidence",
    "Frozen",
    "Left",
    "Run",
    "Selector",
    "agreement",
    "best_verdict",
]
