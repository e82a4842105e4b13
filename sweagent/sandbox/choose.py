"""Choose the kind of sandbox and open one."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sweagent.config import SandboxSettings
from sweagent.errors import SandboxError
from sweagent.sandbox.base import Sandbox, SandboxKind
from sweagent.sandbox.engine import connect
from sweagent.sandbox.probe import probe

if TYPE_CHECKING:
    from sweagent.sandbox.egress import Seen

CHOOSE_SECONDS = 5.0


def choose_kind(
    kind: str = "auto", *, allow_local: bool = False, note: Callable[[str], None] = lambda text: None
) -> SandboxKind:
    """The kind to use: Docker when an engine answers, else bubblewrap when it works.

    Args:
        kind: a kind, which is taken as it is, or `auto`.
        allow_local: with `auto`, take the local sandbox, which isolates nothing, rather than fail.
        note: told why another one than Docker is taken.

    Raises:
        SandboxError: there is none; the message says why.
    """
    if kind in ("docker", "bubblewrap", "local"):
        return kind  # type: ignore[return-value] # narrowed by the line above
    try:
        connect(CHOOSE_SECONDS).close()
        return "docker"
    except SandboxError as error:
        problem, hint = str(error), error.hint
    bubblewrap = probe("bubblewrap")
    if bubblewrap.works:
        note(f"the sandbox is bubblewrap, for {problem}; to use Docker, {hint.split(', or choose')[0]}")
        return "bubblewrap"
    if allow_local:
        note(f"the sandbox is local, which isolates nothing, for {problem}, and {bubblewrap.problem}")
        return "local"
    raise SandboxError(
        f"there is no sandbox to run in ({problem}; {bubblewrap.problem})",
        f"{hint.split(', or choose')[0]}, install bubblewrap, or take --sandbox local, which isolates nothing",
    )


def open_sandbox(
    settings: SandboxSettings,
    *,
    workdir: str = "/testbed",
    tree: bytes | Path | None = None,
    run_id: str = "",
    image: str | None = None,
    env: Mapping[str, str] | None = None,
    readable: tuple[Path, ...] = (),
    allow_local: bool = False,
    relay_image: str = "",
    seen: "Seen | None" = None,
) -> Sandbox:
    """Open a sandbox. Close it, or use it as a context manager.

    Args:
        settings: its kind, bounds and defaults.
        workdir: the work tree's root in it; the local sandbox takes a folder of its own instead, also in `env`.
        tree: what the work tree holds at first: a tar archive, its path, or a folder, which is copied.
        run_id: the run it belongs to, for its labels.
        image: the image of a container; None takes that of the settings.
        env: variables for all commands, over those of the image.
        readable: folders of this machine that bubblewrap shows at the same path, not to be written.
        allow_local: with the kind `auto`, take the local sandbox rather than fail.
        relay_image: an image with a `python3`, for `allow_hosts`; the sandbox's own is tried after it.
        seen: told of every host that is asked for, with `allow_hosts`, and whether it was reached.

    Raises:
        SandboxError: it cannot be opened.
    """
    kind = choose_kind(settings.kind, allow_local=allow_local)
    settings = settings.model_copy(update={"kind": kind, "image": image or settings.image})
    if settings.allow_hosts and not settings.network and kind != "docker":
        raise SandboxError(
            f"the {kind} sandbox cannot open the network for some hosts only",
            "start Docker, or decide on --network or --no-network without --allow-host",
        )
    variables = dict(env or {})
    if kind == "docker":
        from sweagent.sandbox.docker import DockerSandbox

        return DockerSandbox(
            settings, workdir=workdir, tree=tree, run_id=run_id, env=variables, relay_image=relay_image, seen=seen
        )
    if kind == "bubblewrap":
        from sweagent.sandbox.bubblewrap import BubblewrapSandbox

        return BubblewrapSandbox(settings, workdir=workdir, tree=tree, run_id=run_id, env=variables, readable=readable)
    from sweagent.sandbox.local import LocalSandbox

    return LocalSandbox(settings, workdir=workdir, tree=tree, run_id=run_id, env=variables)
