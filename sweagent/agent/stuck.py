"""Noticing that a policy goes round in circles.

The four patterns (the same step again and again, two steps in turn, errors without change, talk without action) are
those that OpenHands' stuck detector made known (Wang et al., "OpenHands: An Open Platform for AI Software Developers
as Generalist Agents", 2024); what counts as the same is decided here by action *and* observation, so that polling
something that changes is no alarm.
"""

import json
import re
from collections.abc import Sequence

from sweagent.agent.state import Turn
from sweagent.trajectory import ObservationStatus

REPEATS = 4
"""The same step this often in a row."""
ALTERNATIONS = 3
"""A pair of steps this often in a row."""
ERRORS = 6
"""Steps in a row that fail with the same text, whatever was tried."""
TALK = 3
"""Replies in a row that do nothing."""

# What differs between two runs of the same command without meaning anything.
_NOISE = re.compile(
    r"\b\d+(\.\d+)?\s?(ms|s|sec|secs|seconds?)\b|0x[0-9a-f]{6,}|\b\d{1,2}:\d{2}:\d{2}(\.\d+)?\b", re.IGNORECASE
)


def find_loop(turns: Sequence[Turn]) -> str | None:
    """Say which circle the last turns form, if any.

    Args:
        turns: the turns since the start or since the last nudge, oldest first; the last one is complete.

    Returns:
        A phrase for the policy and the record, such as `the same step 4 times`; None when there is no circle.
    """
    tail = turns[-max(REPEATS, 2 * ALTERNATIONS, ERRORS, TALK) :]
    prints = [_fingerprint(turn) for turn in tail]
    if len(prints) >= TALK and not any(turn.observations for turn in tail[-TALK:]):
        return f"{TALK} replies in a row without an action"
    if len(prints) >= REPEATS and len(set(prints[-REPEATS:])) == 1:
        return f"the same step with the same outcome {REPEATS} times in a row"
    pairs = prints[-2 * ALTERNATIONS :]
    if len(pairs) == 2 * ALTERNATIONS and len(set(pairs[::2])) == 1 and len(set(pairs[1::2])) == 1:
        return f"the same two steps in turn, {ALTERNATIONS} times each"
    failures = [_failure(turn) for turn in tail[-ERRORS:]]
    if len(failures) == ERRORS and failures[0] and len(set(failures)) == 1:
        return f"{ERRORS} steps in a row that failed in the same way"
    return None


def _fingerprint(turn: Turn) -> tuple[str, ...]:
    actions = [json.dumps([action.tool, action.arguments], sort_keys=True) for action in turn.reply.reply.actions]
    return (*actions, *(_NOISE.sub("#", observation.text) for observation in turn.observations))


def _failure(turn: Turn) -> str:
    if not turn.observations or any(observation.status is ObservationStatus.OK for observation in turn.observations):
        return ""
    return "\n".join(_NOISE.sub("#", observation.text) for observation in turn.observations)
