"""Call GitHub's REST API with retries and rate limits."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from sweagent.errors import ForgeError
from sweagent.forge.api.errors import NotFoundError, PermissionMissingError
from sweagent.proxies import HINT as PROXY_HINT
from sweagent.proxies import Refusal, refusal_in
from sweagent.waiting import wait_aloud

if TYPE_CHECKING:
    from github import GithubException
    from tenacity import RetryCallState

_T = TypeVar("_T")

ATTEMPTS = 4
SECONDARY_WAIT = 60.0
"""Seconds to wait after a secondary limit without a Retry-After header, as GitHub's documentation asks."""


class Caller:
    """Makes calls of the API and repeats those that failed for a passing reason.

    Args:
        where: the API's base URL, for messages.
        max_wait: the longest time to wait in all, in seconds; a rate limit that lasts longer is an error.
        sleep: waits; a stand-in for tests.
        now: the wall clock in seconds since 1970, which `X-RateLimit-Reset` refers to.
    """

    def __init__(
        self,
        where: str,
        *,
        max_wait: float = 900.0,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._where = where
        self._max_wait = max_wait
        self._sleep = sleep
        self._now = now

    def __call__(self, what: str, call: Callable[[], _T], *, repeatable: bool = True) -> _T:
        """Make a call.

        Args:
            what: what it does, for messages, such as `read issue 7`.
            call: makes the requests; it is called again on a retry.
            repeatable: whether doing it twice does no harm. If not, it is repeated only when the server certainly
                did not do it, which is after a rate limit.

        Raises:
            NotFoundError: 404 or 410.
            PermissionMissingError: 403 that is no rate limit.
            ForgeError: anything else, when retries are used up or of no use.
        """
        import requests
        import tenacity
        from github import GithubException

        waited, why = 0.0, ""

        def explain(state: "RetryCallState") -> None:
            nonlocal why
            error = state.outcome.exception() if state.outcome else None
            limited = isinstance(error, GithubException) and is_rate_limit(error)
            why = f"to {what}: {self._where} {'limits the rate' if limited else 'failed'}"

        def wait(state: "RetryCallState") -> float:
            nonlocal waited
            seconds = self._wait_for(state)
            waited += seconds
            return seconds

        def retry(state: "RetryCallState") -> bool:
            error = state.outcome.exception() if state.outcome else None
            return _may_pass(error, repeatable=repeatable) and waited + self._wait_for(state) <= self._max_wait

        retrying = tenacity.Retrying(
            retry=retry,
            wait=wait,
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            sleep=lambda seconds: wait_aloud(seconds, why, self._sleep),
            before_sleep=explain,
            reraise=True,
        )
        try:
            return retrying(call)
        except GithubException as error:
            raise self._explained(what, error) from error
        except requests.RequestException as error:
            raise self._unreachable(what, error) from error
        except (RuntimeError, AssertionError) as error:  # how PyGithub refuses redirects to another host
            raise ForgeError(
                f"cannot {what}: {error}", "check the API's base URL; GitHub Enterprise has https://HOST/api/v3"
            ) from error

    def _wait_for(self, state: "RetryCallState") -> float:
        from github import GithubException

        error = state.outcome.exception() if state.outcome else None
        headers = _headers(error) if isinstance(error, GithubException) else {}
        if headers.get("retry-after", "").isdigit():
            return float(headers["retry-after"])
        if isinstance(error, GithubException) and is_rate_limit(error):
            if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdigit():
                return max(0.0, float(headers["x-ratelimit-reset"]) - self._now()) + 1.0
            return SECONDARY_WAIT
        return float(min(2 ** (state.attempt_number - 1), 30))

    def _unreachable(self, what: str, error: Exception) -> ForgeError:
        if refusal := _refusal(error):
            return ForgeError(f"cannot {what}: {refusal.describe(self._where)}", PROXY_HINT)
        return ForgeError(
            f"cannot {what}: {self._where} cannot be reached ({type(error).__name__})",
            "check the network and the API's base URL, then run the command again",
        )

    def _explained(self, what: str, error: "GithubException") -> ForgeError:
        status, said = error.status, _message(error)
        if is_rate_limit(error):
            reset = _headers(error).get("x-ratelimit-reset", "")
            minutes = f" for {max(0, int(reset) - int(self._now())) // 60 + 1} min" if reset.isdigit() else ""
            return ForgeError(
                f"cannot {what}: the rate limit of {self._where} is used up{minutes}",
                "wait, or give a token with a higher limit in GITHUB_TOKEN",
            )
        if status == 401:
            return ForgeError(
                f"cannot {what}: {self._where} does not accept the token (401)",
                "put a valid token into GITHUB_TOKEN, or unset it for a public repository",
            )
        if status == 403:
            return PermissionMissingError(
                f"cannot {what}: the token does not allow it (403: {said})",
                "give the token the permissions contents, issues and pull requests; an organisation must approve it",
            )
        if status == 404:
            return NotFoundError(
                f"cannot {what}: {self._where} knows no such thing, or hides it (404)",
                "check owner, name and number; a private repository needs a token in GITHUB_TOKEN",
            )
        if status == 410:
            return NotFoundError(f"cannot {what}: it was deleted (410)", "give the issue's text in a file instead")
        if status >= 500:
            return ForgeError(f"cannot {what}: {self._where} answers {status}", "try again in some minutes")
        return ForgeError(f"cannot {what}: {self._where} answers {status}: {said}", "see the message of the forge")


def _may_pass(error: BaseException | None, *, repeatable: bool) -> bool:
    """Whether another attempt can help, and does no harm."""
    import requests
    from github import GithubException

    if isinstance(error, GithubException):
        return is_rate_limit(error) or (repeatable and error.status >= 500)
    refusal = _refusal(error)
    return repeatable and isinstance(error, requests.RequestException) and (refusal is None or refusal.passing)


def _refusal(error: BaseException | None) -> Refusal | None:
    """What a proxy on the way said; None when the fault is another."""
    import requests

    return refusal_in(str(error)) if isinstance(error, requests.exceptions.ProxyError) else None


def is_rate_limit(error: "GithubException") -> bool:
    """Whether a refusal is a primary or a secondary rate limit."""
    if error.status == 429:
        return True
    headers = _headers(error)
    said = _message(error).lower()
    return error.status == 403 and (
        headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers or "rate limit" in said
    )


def _headers(error: "GithubException") -> Mapping[str, str]:
    return {key.lower(): str(value) for key, value in (error.headers or {}).items()}


def _message(error: "GithubException") -> str:
    """What the forge says, with the details of its validation, on one line."""
    data = error.data if isinstance(error.data, dict) else {}
    parts = [str(data.get("message") or "")]
    for item in data.get("errors") or ():
        if isinstance(item, dict):
            parts.append(str(item.get("message") or f"{item.get('field', '')} {item.get('code', '')}"))
        else:
            parts.append(str(item))
    return " · ".join(" ".join(part.split()) for part in parts if part)[:500]


def validation_messages(error: "GithubException") -> str:
    """All messages of a 422 answer as one text, in lower case, to be matched against the known cases."""
    return _message(error).lower()
