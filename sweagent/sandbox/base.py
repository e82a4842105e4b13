"""The Sandbox protocol: a place where untrusted commands run and cannot hang."""

from collections.abc import Mapping
from types import TracebackType
from typing import Literal, Protocol, Self

from sweagent.frozen import Frozen

SandboxKind = Literal["docker", "bubblewrap", "local"]


class Completed(Frozen):
    """A command that has ended, by itself or at its deadline."""

    output: str
    """Standard output and error in order, decoded as UTF-8 with replacement; head and tail when `truncated`."""
    exit_code: int | None
    """None when the command was ended at its deadline or the sandbox was lost."""
    timed_out: bool = False
    truncated: bool = False
    total_bytes: int = 0
    """How many bytes the command wrote, whether kept or not."""
    full_output: str | None = None
    """With `truncated`: a file in the sandbox that holds more of the output (bounded)."""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    """What the reader should know: strays that were ended, memory exhausted, shell state lost …"""


class SandboxInfo(Frozen):
    """What a sandbox is, for the record."""

    kind: SandboxKind
    name: str
    """The container's id, or a folder."""
    image: str | None = None
    """Name of the image with its digest or id."""
    network: bool = False
    isolated: bool = True
    """False for the local sandbox, which bounds nothing but time and output."""
    warnings: tuple[str, ...] = ()
    """Bounds that were asked for and are not enforced here."""


class Sandbox(Protocol):
    """One long-lived channel to an isolated work tree. Always used as a context manager.

    The working directory and the exported variables carry over from one command to the next. Nothing that a command
    does ends the channel; a command past its deadline is ended with everything it started within two seconds.
    """

    @property
    def info(self) -> SandboxInfo:
        """What this sandbox is."""

    @property
    def workdir(self) -> str:
        """The absolute path of the repository inside the sandbox."""

    def run(
        self,
        command: str,
        *,
        timeout: float | None = None,
        output_limit: int | None = None,
        env: Mapping[str, str] | None = None,
        fresh: bool = False,
        background: bool = False,
    ) -> Completed:
        """Run a shell command (bash where there is one, else sh).

        Args:
            command: any text; a syntax error is an observation like any other.
            timeout: seconds; None takes the sandbox's default.
            output_limit: bytes of output to keep, head and tail; None takes the sandbox's default.
            env: variables for this command only.
            fresh: start from the sandbox's first state (work tree's root, first environment) and leave the carried
                state as it is. The harness's own commands use it.
            background: return at once; the job goes on until the sandbox closes, its output goes to `full_output`.

        Raises:
            SandboxError: the sandbox is lost and could not be brought back.
        """

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        """Return the content of a file (relative paths start at `workdir`).

        Args:
            path: a path inside the sandbox.
            limit: return at most this many bytes.

        Raises:
            FileNotFoundError, IsADirectoryError, PermissionError: as `open` would.
            SandboxError: the sandbox is lost.
        """

    def write(self, path: str, data: bytes, *, mode: int | None = None) -> None:
        """Write a file atomically, making its parent folders.

        Args:
            path: a path inside the sandbox.
            data: the whole content.
            mode: permission bits; None keeps those of an existing file, else 0o644.

        Raises:
            OSError: the disk is full, the path is a folder, or it may not be written.
            SandboxError: the sandbox is lost.
        """

    def write_many(self, files: Mapping[str, bytes]) -> None:
        """Write files as `write` does, one after another but in one command.

        Args:
            files: whole contents by path.

        Raises:
            OSError: as `write` for the first file that cannot be written.
            SandboxError: the sandbox is lost.
        """

    def put_tree(self, archive: bytes, path: str) -> None:
        """Unpack a tar archive into a folder of the sandbox, made when missing, owned by the sandbox's user."""

    def close(self) -> None:
        """End everything and remove the sandbox. Calling it twice is allowed."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None: ...
