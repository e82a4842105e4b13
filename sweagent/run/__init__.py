"""A run as strategies see it: attempts, evidence, selectors."""

from sweagent.frozen import Frozen
from sweagent.patch_store import Candidate
from sweagent.policy import Message
from sweagent.run.attempt import Attempt
from sweagent.run.evidence import CandidateEvidence, Choice, Evidence
from sweagent.run.limits import Left
from sweagent.run.run import Run
from sweagent.run.selectors import Features, Selector, agreement, best_verdict, by_score, features_of, majority
from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict

__all__ = [
    "Attempt",
    "Candidate",
    "CandidateEvidence",
    "Choice",
    "Evidence",
    "Features",
    "Frozen",
    "Left",
    "Message",
    "Reproduction",
    "Run",
    "Selector",
    "Verdict",
    "agreement",
    "best_verdict",
    "by_score",
    "features_of",
    "majority",
]
