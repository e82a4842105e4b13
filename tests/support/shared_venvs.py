"""Virtual environments that all tests of a run share, however much of the cache is a test's own."""

import os
from pathlib import Path

SHARED = "FIX_ISSUE_TEST_VENVS"
"""The variable that names their folder; the tests' first conftest sets it."""


def share_venvs(cache: str | Path) -> None:
    """Let a cache folder of a test's own keep its virtual environments where the others' are.

    Making one takes pip some ten seconds of processor time.

    Args:
        cache: what `XDG_CACHE_HOME` will be; it need not be there.
    """
    environments = Path(cache) / "fix-issue" / "environments"
    environments.mkdir(parents=True, exist_ok=True)
    link = environments / "venvs"
    if not link.is_symlink():
        link.symlink_to(os.environ[SHARED])
