"""What went wrong in a call, and whether another attempt can help."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from sweagent.errors import ContextOverflowError, PolicyError
from sweagent.printable import one_line
from sweagent.proxies import HINT as PROXY_HINT
from sweagent.proxies import Refusal

Kind = Literal[
    "throttled",
    "server",
    "connection",
    "timeout",
    "garbled",
    "proxy",
    "certificate",
    "overflow",
    "quota",
    "key",
    "missing",
    "request",
]

_RETRIED = frozenset({"throttled", "server", "connection", "timeout", "garbled"})
_UNSURE = frozenset({"connection", "timeout", "garbled"})
_ANSWER_LOST = frozenset({502, 504, 520, 524})
"""HTTP statuses of gateways that got no whole answer from a provider which may have been at work, and may bill it."""
_OTHER_KEY = frozenset({"throttled", "quota", "key"})

_OVERFLOW = re.compile(
    r"context[ _]length[ _]exceeded|context[ _]window|maximum context|prompt is too long|prompt too long"
    r"|input (?:is|was) too long|too many (?:input )?tokens|token count .{0,40}exceeds"
    r"|exceeds? .{0,60}(?:context|token limit)"
    r"|longer than the (?:maximum )?model|reduce the length|input tokens? .{0,40}exceed|request too large for"
    r"|exceed_context_size"
    r"|context size|range of input length",
    re.I,
)
_QUOTA = re.compile(
    r"insufficient_quota|insufficient (?:balance|credits|funds)|credit balance|exceeded your current quota"
    r"|billing(?:_hard_limit| hard limit)|payment required|spending limit|out of credits",
    re.I,
)
_NO_KEY = re.compile(r"missing credentials|missing .{0,40}api[ _]key|api_key client option must be set", re.I)
_GARBLED = re.compile(
    r"expecting value|jsondecode|json decode|unable to get json|invalid json|not valid json|<html|<!doctype|extra data"
    r"|unterminated string|invalid response object|error parsing|unable to (?:get|parse)|expected .{0,20}got",
    re.I,
)
_DROPPED = re.compile(
    r"incomplete chunked read|peer closed|server disconnected|connection reset|remoteprotocolerror|content-length", re.I
)
_CERTIFICATE = re.compile(r"certificate[_ ]verify[_ ]failed", re.I)
_ANSWER = re.compile(r"\b([1-5]\d\d)\b[ \w-]{0,80}")
_DELAY_IN_TEXT = re.compile(
    r"(?:try again in|retry in|retry after|\"retryDelay\":\s*\")\s*(\d+(?:\.\d+)?)\s*(ms|s|m\b)?", re.I
)
_SECRET = re.compile(
    r"(?i)\b(?:sk|pk|rk|gsk|xai|hf|or|nvapi|key|AIza|ghp|pplx|fw|r8)[-_A-Za-z0-9*]{6,}"
    r"|(?<=bearer )[\w.~+/*-]{6,}=*|(?<=api[-_ ]key[=: ])['\"]?[\w.*-]{6,}|(?<=key=)[\w*-]{6,}"
)


@dataclass(frozen=True)
class Fault:
    """One failed call.

    Attributes:
        kind: what it was.
        message: one line, without keys.
        retry_after: seconds that the provider asked to wait, None when it did not say.
        status: HTTP status, None when there was no answer.
        sent: whether it may have reached the provider: not what a proxy on the way refused to pass on.
    """

    kind: Kind
    message: str
    retry_after: float | None = None
    status: int | None = None
    sent: bool = True

    @property
    def retried(self) -> bool:
        """Another attempt can help."""
        return self.kind in _RETRIED

    @property
    def unsure(self) -> bool:
        """The provider may have done, and billed, the work."""
        return self.sent and (self.kind in _UNSURE or self.status in _ANSWER_LOST)

    @property
    def other_key(self) -> bool:
        """Another key can help."""
        return self.kind in _OTHER_KEY

    def error(self, model: str) -> PolicyError:
        """What the user is told when no attempt is left."""
        if self.kind == "overflow":
            return ContextOverflowError(
                f"the prompt is larger than the window of {model}: {self.message}",
                "set model.context_window to what the server offers, or take a model with a larger window",
            )
        hint = {
            "quota": "the account has no credit left: top it up or use another key",
            "key": "check the provider's key in your environment (`fix-issue doctor` shows which one is read)",
            "missing": "check model.name and model.api_base (`fix-issue models NAME` shows what is known of it)",
            "request": "the provider refuses the request as it is; model.extra and the models file change it",
            "proxy": PROXY_HINT,
            "certificate": "trust the authority that signed it: SSL_CERT_FILE names a file with authorities",
            "throttled": "wait, lower the number of workers, or give more keys or fallbacks in the models file",
        }.get(self.kind, "the provider or the network fails; go on later with `fix-issue resume`")
        return PolicyError(f"{model}: {self.message}", hint)


def diagnose(error: BaseException, secrets: tuple[str, ...] = ()) -> Fault:
    """Classify what litellm, the HTTP client or the network raised.

    Args:
        error: the exception.
        secrets: keys that must not appear in the message.
    """
    text = " ".join(_texts(error))
    status = _status(error)
    refusal = _refusal_of_proxy(error)
    if refusal is not None:
        words = redact(refusal.describe("the provider"), secrets)
        kind: Kind = "server" if refusal.passing else "proxy"
        return Fault(kind, words, _retry_after(error, text), refusal.status, sent=False)
    kind = "certificate" if _CERTIFICATE.search(text) else _kind(error, text, status)
    return Fault(
        kind, redact(one_line(str(error), 400) or type(error).__name__, secrets), _retry_after(error, text), status
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what caused it."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(seen) < 8:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _refusal_of_proxy(error: BaseException) -> Refusal | None:
    """What a proxy answered to CONNECT; None when it was something else."""
    for cause in _chain(error):
        if type(cause).__name__ == "ProxyError" and (match := _ANSWER.search(str(cause))):
            return Refusal(int(match[1]), match[0].strip())
    return None


def redact(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Replace keys: those that are known, in whole or in part, and what looks like one."""
    for secret in sorted((secret for secret in secrets if len(secret) >= 6), key=len, reverse=True):
        text = text.replace(secret, "[key]")
    return _SECRET.sub("[key]", text)


def _kind(error: BaseException, text: str, status: int | None) -> Kind:
    name = type(error).__name__
    if name == "ContextWindowExceededError" or (status in (None, 400, 413, 422, 500) and _OVERFLOW.search(text)):
        return "overflow"
    if status == 402 or _QUOTA.search(text):
        return "quota"
    if isinstance(error, TimeoutError) or "Timeout" in name or status == 408:
        return "timeout"
    if status in (401, 403) or name in ("AuthenticationError", "PermissionDeniedError") or _NO_KEY.search(text):
        return "key"
    if status == 404:
        return "missing"
    if status in (None, 200, 500) and _DROPPED.search(text):
        return "connection"
    if status in (None, 200, 500) and _GARBLED.search(text):
        return "garbled"
    by_status: dict[int, Kind] = {409: "server", 425: "throttled", 429: "throttled"}
    if status in by_status:
        return by_status[status]
    if "ConnectionError" in name or isinstance(error, OSError):
        return "connection"
    if status is not None and status >= 500:
        return "server"
    return "request"


def _texts(error: BaseException) -> list[str]:
    """The texts of an error and of what caused it, the response's body included."""
    texts: list[str] = []
    for current in _chain(error):
        texts += [type(current).__name__, str(current)[:4000]]
        body = getattr(current, "body", None)
        if body:
            texts.append(str(body)[:4000])
    return texts


def _status(error: BaseException) -> int | None:
    """The HTTP status of the answer; litellm invents 500 for what never got one."""
    status = getattr(error, "status_code", None)
    try:
        number = int(status) if status is not None else None
    except (TypeError, ValueError):
        return None
    if number == 500 and type(error).__name__ in ("APIConnectionError", "APIError") and not _answered(error):
        return None
    return number


def _answered(error: BaseException) -> bool:
    response = getattr(error, "response", None)
    return response is not None and getattr(response, "status_code", None) == 500 and bool(response.headers)


def _retry_after(error: BaseException, text: str) -> float | None:
    for headers in (
        getattr(getattr(error, "response", None), "headers", None),
        getattr(error, "litellm_response_headers", None),
    ):
        seconds = _from_headers(headers)
        if seconds is not None:
            return seconds
    found = _DELAY_IN_TEXT.search(text)
    if not found:
        return None
    return float(found[1]) * {"ms": 0.001, "m": 60.0}.get((found[2] or "s").lower(), 1.0)


def _from_headers(headers: Any) -> float | None:
    if not headers:
        return None
    milliseconds = headers.get("retry-after-ms")
    value = headers.get("retry-after")
    try:
        if milliseconds:
            return max(0.0, float(milliseconds) / 1000)
        if not value:
            return None
        return max(0.0, float(value))
    except (TypeError, ValueError):
        pass
    try:
        return max(0.0, (parsedate_to_datetime(str(value)) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
