"""The Docker engine as builds need it."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sweagent.errors import EnvironmentBuildError, SandboxError
from sweagent.file_lock import LockedElsewhereError, locked
from sweagent.home import cache_folder
from sweagent.sandbox.engine import engine_errors

if TYPE_CHECKING:
    from docker import APIClient

Log = Callable[[str], None]
"""Takes lines for people; those of the build's own output are a `BuildOutput`."""

IMAGES = "fix-issue/env"
BASES = "fix-issue/base"
LABEL = "org.fix-issue"
_LOCK_WAIT = 3 * 3600.0


def state_folder() -> Path:
    """The folder for locks, uses and lock files of environments: `$XDG_CACHE_HOME/fix-issue/environments`."""
    folder = cache_folder() / "environments"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def owner() -> str:
    """What tells the images of this state folder from those of others on the same engine."""
    return hashlib.sha256(str(state_folder().resolve()).encode()).hexdigest()[:12]


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Hold the lock of a name among all processes of this user.

    Raises:
        EnvironmentBuildError: another process does not let go of it.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(state_folder() / "locks" / f"{name}.lock", wait=_LOCK_WAIT))
        except LockedElsewhereError as error:
            raise EnvironmentBuildError(
                f"another process has been busy with {name} for {_LOCK_WAIT / 3600:g} hours", "end it, then try again"
            ) from error
        yield


def copy_files(api: "APIClient", context: IO[bytes], *, tag: str, labels: Mapping[str, str]) -> str:
    """Have the engine's builder carry out a Dockerfile that runs nothing, and return the image's id.

    Args:
        api: the engine's client.
        context: a tar archive with the `Dockerfile` and what it copies.
        tag: the image's name; empty for none.
        labels: the image's labels.

    Raises:
        EnvironmentBuildError: the engine cannot do it.
    """
    lines: list[str] = []
    made = ""
    try:
        with engine_errors("the engine ended the build"):
            output = api.build(
                fileobj=context,
                custom_context=True,
                tag=tag or None,
                labels=dict(labels) or None,
                network_mode="none",
                rm=True,
                forcerm=True,
                decode=True,
            )
            for event in output:
                lines += str(event.get("stream") or event.get("error") or "").splitlines()
                if "error" in event:
                    raise EnvironmentBuildError("\n".join(lines[-20:]), "see the end of the log above")
                made = (event.get("aux") or {}).get("ID") or made
    except SandboxError as error:
        raise EnvironmentBuildError(str(error), error.hint or "see `fix-issue doctor`") from error
    return made
