"""The local sandbox: a copy of the repository, no isolation."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from sweagent.config import SandboxSettings
from sweagent.errors import SandboxError
from sweagent.sandbox._channel import Transport, supervisor_arguments
from sweagent.sandbox._folders import fill, remove_folder
from sweagent.sandbox._process import ProcessTransport
from sweagent.sandbox._shell import DEFAULT_ENVIRONMENT, ShellSandbox
from sweagent.sandbox.base import SandboxInfo
from sweagent.sandbox.leftovers import claim_folder
from sweagent.sizes import parse_size

_INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")


class LocalSandbox(ShellSandbox):
    """Runs commands as the user, without isolation: time, output and the size of a file are bounded, nothing else.

    Of the environment only a few harmless variables are passed on, and HOME is an empty folder.

    Args:
        settings: bounds and defaults.
        workdir: what `env` calls the root of the work tree, which lies in a folder of its own here.
        tree: what the work tree holds at first: a tar archive, its path, or a folder that is copied.
        run_id: names the run in the folder's note.
        env: further variables.

    Raises:
        SandboxError: it does not start.
    """

    def __init__(
        self, settings: SandboxSettings, *, workdir: str, tree: bytes | Path | None, run_id: str, env: Mapping[str, str]
    ) -> None:
        folder = claim_folder("local", run_id)
        info = SandboxInfo(kind="local", name=str(folder), network=True, isolated=False)
        super().__init__(settings, info, str(folder / "tree"), str(folder / "outputs"))
        self._folder = folder
        named = re.compile(rf"{re.escape(workdir)}(?=$|[/:])")
        for name in ("tree", "home", "tmp"):
            (folder / name).mkdir()
        self._env = {
            **host_environment(),
            **DEFAULT_ENVIRONMENT,
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            **{name: named.sub(lambda _: self._workdir, value) for name, value in env.items()},
        }
        try:
            fill(folder / "tree", tree)
            self._open()
        except BaseException:
            self.close()
            raise

    def _connect(self, *, again: bool) -> Transport:
        text, arguments = supervisor_arguments(
            state=str(self._folder / "state"),
            outputs=self._outputs,
            workdir=self._workdir,
            namespace=False,
            lifetime=0,
        )
        shell = shutil.which("bash") or "/bin/sh"
        try:
            return ProcessTransport(
                [shell, "-c", text, "boot", *arguments],
                self._env,
                self._folder,
                {"RLIMIT_FSIZE": parse_size(self._settings.disk), "RLIMIT_CORE": 0},
            )
        except OSError as error:
            raise SandboxError(f"the local sandbox does not start: {error}", "see `fix-issue doctor`") from error

    def _remove(self) -> None:
        if self._transport is not None:
            self._transport.close()
        remove_folder(self._folder)


def host_environment() -> dict[str, str]:
    """The variables of this process that a command may see: none that could hold a secret."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {"PATH": os.defpath, "LANG": "C.UTF-8", **kept}
