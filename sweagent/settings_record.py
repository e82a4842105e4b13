"""Settings as they are written down: without secrets."""

import re
from typing import Any

from sweagent.config import Settings

_SECRET_WORDS = frozenset({
    "key", "keys", "secret", "secrets", "password", "passwd", "credential", "credentials", "header", "headers",
    "auth", "authorization", "bearer", "cookie", "cookies", "signature",
})  # fmt: skip
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_RUN_TOGETHER = re.compile(r"api_?key|access_?key|(?:access|auth|session|id)_?token|secret|passw|credential", re.I)
_NO_SECRETS = frozenset({"prompt_cache_key"})
"""Arguments that only sound like a secret."""


def without_secrets(settings: Settings) -> dict[str, Any]:
    """The settings without what of `model.extra` and of a strategy's options may be a secret.

    Limits such as `max_completion_tokens` stay: a number is no secret, whatever its name.
    """
    data = settings.model_dump(mode="json")
    # What the user has run on this machine is never taken from a log.
    del data["hooks"], data["notify"]
    data["model"]["extra"] = open_values(data["model"]["extra"])
    data["strategy"]["options"] = open_values(data["strategy"]["options"])
    return data


def open_values(value: Any) -> Any:
    """A value without what is named like a secret, at any depth."""
    if isinstance(value, list):
        return [open_values(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: open_values(item) for name, item in value.items() if not _is_secret(name) or _is_number(item)}


def _is_secret(name: str) -> bool:
    if name.lower() in _NO_SECRETS:
        return False
    words = [word.lower() for word in _WORD.findall(name)]
    return not _SECRET_WORDS.isdisjoint(words) or words[-1:] == ["token"] or bool(_RUN_TOGETHER.search(name))


def _is_number(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_number(item) for item in value)
    return value is None or isinstance(value, bool | int | float)
