"""Allow-list of environment variables for the Action's steps."""

import re
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path

_PLAIN = r"PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TZ|TERM|LANG|LANGUAGE|LC_[A-Z]+|SYSTEMROOT"
_KEYS = r"[A-Z][A-Z0-9_]*_API_KEY|AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|REGION|REGION_NAME)"
"""Keys of model providers. Their addresses are not among them: `api-base` names one."""
_RUNNER = r"GITHUB_[A-Z_]+|RUNNER_[A-Z_]+|INPUT_[A-Z_]+|CI"
"""The runner lets no step set these, and `INPUT_…` are set by the step itself."""

_STEP = re.compile(rf"{_PLAIN}|{_KEYS}|{_RUNNER}")
_AGENT = re.compile(rf"{_PLAIN}|{_KEYS}")
_NEVER = re.compile(r"GITHUB_.*|ACTIONS_.*|INPUT_.*|(?:FIX_ISSUE|GH)_TOKEN")
"""Not for the process with the model's key, whoever asks: the token, and the files that set variables and outputs."""


def keep_allowed(environment: MutableMapping[str, str], passed: Iterable[str] = ()) -> None:
    """Remove what no step needs: proxies, certificates, addresses of engines and servers, settings of libraries.

    Args:
        environment: of this process; it is changed.
        passed: names of further variables that the workflow's author wants in it.
    """
    more = set(passed)
    for name in [name for name in environment if not _STEP.fullmatch(name) and name not in more]:
        del environment[name]


def agent_environment(environment: Mapping[str, str], passed: Iterable[str], folder: Path) -> dict[str, str]:
    """The variables of the process that holds the key of the model's provider.

    Args:
        environment: of the step, as it was given.
        passed: names of further variables that the workflow's author wants in it.
        folder: an empty one, taken for the user's settings: only `--config` counts.
    """
    more = set(passed)
    kept = {
        name: value
        for name, value in environment.items()
        if (_AGENT.fullmatch(name) or name in more) and not _NEVER.fullmatch(name)
    }
    return {**kept, "XDG_CONFIG_HOME": str(folder)}
