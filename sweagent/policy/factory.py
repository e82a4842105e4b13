"""Make the policy that the settings or the user name."""

import os
import sys
from pathlib import Path

from sweagent.config import ModelSettings, Settings
from sweagent.errors import UsageError
from sweagent.installed import require_package
from sweagent.policy.base import Caller, Policy
from sweagent.policy.composite import FallbackPolicy, RoulettePolicy
from sweagent.policy.human import HumanPolicy
from sweagent.policy.litellm_policy import LitellmPolicy
from sweagent.policy.model_name import check_model_name
from sweagent.policy.models import ModelInfo, model_info, models_behind
from sweagent.policy.money.budget import Budget
from sweagent.policy.replay import ReplayPolicy, load_script
from sweagent.waiting import Waiting


def policy_for(settings: Settings, budget: Budget, tell: Waiting | None = None, caller: Caller | None = None) -> Policy:
    """The policy of a run: the one that is played, else the model.

    Args:
        settings: of the run.
        budget: what may be spent.
        tell: receives the waits between attempts.
        caller: who asks; None for the first attempt.

    Raises:
        UsageError: as `policy_from` and `make_policy`.
        StorageError: the trajectory to play cannot be read.
    """
    if settings.policy:
        return policy_from(settings.policy, caller)
    return make_policy(settings.model, budget, tell, caller=caller)


def make_policy(
    settings: ModelSettings, budget: Budget, tell: Waiting | None = None, *, caller: Caller | None = None
) -> Policy:
    """The policy for a model, with the fallbacks or the mix that the models file gives it.

    Args:
        settings: which model, and how it is called.
        budget: what may be spent, by all models together.
        tell: receives the waits between attempts.
        caller: who asks, and what for; None for the first attempt.

    Raises:
        UsageError: no model is named, its key is not set, its price is unknown and no limit in tokens is given, a
            models file cannot be read, or litellm is not installed.
    """
    if not settings.name:
        raise UsageError(
            "no model is named",
            "give one with --model (as litellm names it, for example anthropic/claude-sonnet-4-5) "
            "and its key in the environment, or play a script with --policy",
        )
    require_package("litellm", "to ask a model")
    caller = caller or Caller()
    info = model_info(settings.name)
    if info.roulette:
        return RoulettePolicy(settings.name, [_one(settings, name, budget, tell, caller) for name in info.roulette])
    if info.fallbacks:
        names = (settings.name, *info.fallbacks)
        return FallbackPolicy([_one(settings, name, budget, tell, caller) for name in names])
    return _one(settings, settings.name, budget, tell, caller)


def policy_from(source: str, caller: Caller | None = None) -> Policy:
    """A policy that needs no key: `human`, a trajectory (`.jsonl`) to replay, or a script (YAML or JSON).

    Args:
        source: `human`, or a file.
        caller: whose replies are taken from it; None takes those of the first attempt.

    Raises:
        UsageError: there is no such file, or it is not a script.
        StorageError: the trajectory cannot be read.
    """
    if source == "human":
        if sys.stdin is not None and sys.stdin.isatty():
            require_package("prompt_toolkit", "--policy human at a terminal")
        return HumanPolicy()
    path = Path(source)
    if path.is_dir():
        path = path / "trajectory.jsonl"
    if not path.is_file():
        what = f"{source} is no file" if path.exists() else f"there is no file {source}"
        raise UsageError(what, "give `human`, a script or a trajectory")
    return ReplayPolicy(path, caller) if path.suffix == ".jsonl" else load_script(path, caller)


def effective_window(settings: ModelSettings, info: ModelInfo | None = None) -> int | None:
    """Tokens that a prompt may have for the model to have room for an answer; None when the window is unknown.

    Of several models (fallbacks, a mix) the smallest window counts.
    """
    info = info or model_info(settings.name)
    windows = [settings.context_window or model_info(name).context_window for name in models_behind(settings.name)]
    known = [window for window in windows if window]
    if not known:
        return None
    window = min(known)
    output = min(settings.max_output_tokens, info.max_output or settings.max_output_tokens)
    return max(window // 2, window - output)


def _one(settings: ModelSettings, name: str, budget: Budget, tell: Waiting | None, caller: Caller) -> LitellmPolicy:
    # The base URL is the named model's; another model has its provider's own.
    own = settings if name == settings.name else settings.model_copy(update={"name": name, "api_base": None})
    info = model_info(name)
    if not own.api_base:
        check_model_name(info)
    _check_key(own, info)
    if info.prices is None and budget.needs_prices:
        raise UsageError(
            f"the price of {name} is unknown, so the limit of ${budget.strictest_cost} cannot be kept",
            "set a limit in tokens (--max-tokens), or give the price in a models file (`fix-issue models` shows how)",
        )
    return LitellmPolicy(own, budget, info=info, tell=tell, caller=caller)


def _check_key(settings: ModelSettings, info: ModelInfo) -> None:
    """Refuse a model whose key is known to be missing, before anything is built for the run."""
    if not info.keys or settings.api_base or "api_key" in settings.extra:
        return
    tokens = (name.replace("_API_KEY", "_AUTH_TOKEN") for name in info.keys)
    if not any(os.environ.get(name) for name in (*info.keys, *tokens)):
        raise UsageError(
            f"{settings.name} needs a key, and {' or '.join(info.keys)} is not set",
            f"export {info.keys[0]}, name a server of your own with --api-base, or play a script with --policy",
        )
