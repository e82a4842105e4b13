"""Limit models of unknown price in tokens."""

from sweagent.config import Settings
from sweagent.policy.models import model_info, models_behind


def with_token_limit(settings: Settings) -> Settings:
    """The settings with a limit in tokens where the limit in dollars cannot be kept.

    A limit in dollars that somebody gave is left as it is: `make_policy` then refuses the model.
    """
    limits = settings.limits
    if settings.policy or not settings.model.name or limits.tokens or limits.cost is None:
        return settings
    priced = all(model_info(name).prices is not None for name in models_behind(settings.model.name))
    if priced or "cost" in limits.model_fields_set:
        return settings
    limits = limits.model_copy(update={"tokens": limits.unpriced_tokens})
    return settings.model_copy(update={"limits": limits})
