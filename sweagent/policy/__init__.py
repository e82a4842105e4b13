"""Policies: models through litellm, recorded runs, scripts, people."""

from sweagent.policy.base import Caller, Message, Policy, ToolSchema, View
from sweagent.policy.factory import effective_window, make_policy, policy_for, policy_from
from sweagent.policy.human import HumanPolicy
from sweagent.policy.litellm_policy import LitellmPolicy, preload
from sweagent.policy.models import ModelInfo, model_info
from sweagent.policy.money.budget import Budget
from sweagent.policy.money.spending import Spending, UsageLine
from sweagent.policy.replay import ReplayPolicy, ScriptedPolicy, load_script
from sweagent.policy.replies.parsing import parse_reply
from sweagent.policy.replies.tools_text import text_format_instructions
from sweagent.policy.unpriced_models import with_token_limit
from sweagent.waiting import Countdown, Waiting

__all__ = [
    "Budget",
    "Caller",
    "Countdown",
    "HumanPolicy",
    "LitellmPolicy",
    "Message",
    "ModelInfo",
    "Policy",
    "ReplayPolicy",
    "ScriptedPolicy",
    "Spending",
    "ToolSchema",
    "UsageLine",
    "View",
    "Waiting",
    "effective_window",
    "load_script",
    "make_policy",
    "model_info",
    "parse_reply",
    "policy_for",
    "policy_from",
    "preload",
    "text_format_instructions",
    "with_token_limit",
]
