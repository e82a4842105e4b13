"""A run as strategies see it: attempts, evidence, selectors."""

from sweagent.frozen import Frozen
from sweagent.patch_store import Candidate
from sweagent.policy import Message
from sweagent.run.accounts import account_of, diff_of, proof_of
from sweagent.run.attempt import Attempt
from sweagent.run.candidate_groups import alike, is_repeated
from sweagent.run.designed_tests import ENOUGH, as_reproduction, design_tests
from sweagent.run.evidence import CandidateEvidence, Choice, Evidence
from sweagent.run.limits import Left
from sweagent.run.localisation import CALLS as LOCALISE_CALLS
from sweagent.run.localisation import localise
from sweagent.run.memory import short
from sweagent.run.planning import Plan, plan_edits
from sweagent.run.progress_value import evidence_value
from sweagent.run.repository_texts import (
    Place,
    code_of,
    dependants_of,
    known_files,
    known_places,
    likely_files,
    likely_places,
    skeletons,
)
from sweagent.run.reviewing import Claim, preferred, review
from sweagent.run.role_prompts import role_prompt, role_text
from sweagent.run.run import Run
from sweagent.run.search_tree import Node
from sweagent.run.selectors import Features, Selector, agreement, best_verdict, by_score, features_of, majority
from sweagent.run.settings_of_roles import role_settings
from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict

__all__ = [
    "ENOUGH",
    "LOCALISE_CALLS",
    "Attempt",
    "Candidate",
    "CandidateEvidence",
    "Choice",
    "Claim",
    "Evidence",
    "Features",
    "Frozen",
    "Left",
    "Message",
    "Node",
    "Place",
    "Plan",
    "Reproduction",
    "Run",
    "Selector",
    "Verdict",
    "account_of",
    "agreement",
    "alike",
    "as_reproduction",
    "best_verdict",
    "by_score",
    "code_of",
    "dependants_of",
    "design_tests",
    "diff_of",
    "evidence_value",
    "features_of",
    "is_repeated",
    "known_files",
    "known_places",
    "likely_files",
    "likely_places",
    "localise",
    "majority",
    "plan_edits",
    "preferred",
    "proof_of",
    "review",
    "role_prompt",
    "role_settings",
    "role_text",
    "short",
    "skeletons",
]
