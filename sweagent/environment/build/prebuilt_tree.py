"""Turn a prebuilt image's work tree into the base tree."""

import io
import secrets
import shlex
import tarfile
import threading
from dataclasses import dataclass
from pathlib import PurePosixPath

from sweagent.errors import SandboxError
from sweagent.repository import Seed, make_seed
from sweagent.sandbox.base import Sandbox
from sweagent.task import Repository

_OUTPUT_LIMIT = 64_000_000
_MARK = "fix-issue: next"


@dataclass(frozen=True)
class _Difference:
    """What turns the image's tree into the base tree: a script that removes, run there, and an archive to unpack."""

    script: bytes
    archive: bytes


class PrebuiltTree:
    """Puts the base tree in the place of what an image has; build products that git ignores stay.

    The image's own `.git` always goes, because it may hold the project's future. A file that is the base's, byte for
    byte and with its mode, stays as it is, so that byte code made of it stays valid. What differs is found once, in
    the first sandbox: every other one starts from the same image.

    Args:
        repository: the repository at its base commit.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._lock = threading.Lock()
        self._difference: _Difference | None = None

    def put_into(self, sandbox: Sandbox) -> None:
        """Make the sandbox's work tree the base tree.

        Args:
            sandbox: of the image, with nothing run in it yet; it is closed when this fails.

        Raises:
            SandboxError: the tree cannot be replaced.
        """
        with self._lock:
            if self._difference is None:
                self._difference = _difference(sandbox, make_seed(self._repository))
        script = f"/tmp/{secrets.token_hex(12)}"  # noqa: S108 (in the sandbox; the name is random)
        sandbox.write(script, self._difference.script)
        done = sandbox.run(f"sh {script} && rm -f {script}", fresh=True)
        if done.exit_code != 0:
            sandbox.close()
            raise SandboxError(
                f"the tree of the image at {sandbox.workdir} cannot be replaced: {done.output[-500:]}",
                "use an image whose repository may be written by its user",
            )
        sandbox.put_tree(self._difference.archive, sandbox.workdir)


def _difference(sandbox: Sandbox, seed: Seed) -> _Difference:
    tracked, modes, digests = _listing(sandbox)
    same = {
        path for path, file in seed.files.items() if file.mode == modes.get(path) and file.digest == digests.get(path)
    }
    replaced = sorted({*tracked, *seed.files} - same)
    lines = ["rm -rf .git || exit 1"]
    lines += [f"rm -f -- {shlex.quote(path)} 2>/dev/null" for path in replaced]
    # The base's file may have the size and the time of the one before, by which alone byte code is told from stale.
    lines += [f"rm -f -- {_byte_code(path)}" for path in replaced if path.endswith(".py")]
    script = "\n".join([*lines, "exit 0\n"]).encode("utf-8", "surrogateescape")
    return _Difference(script, _without(seed, same))


def _listing(sandbox: Sandbox) -> tuple[list[str], dict[str, str], dict[str, str]]:
    """What git tracks in the image, and the modes (as git has them) and SHA-256 digests of its regular files.

    A path that cannot be told, because of its name or for lack of a tool, is missing there: it counts as different.
    """
    place = shlex.quote(sandbox.workdir)
    tracked = f"git -C {place} ls-files -z 2>/dev/null"
    files = r"find . -name .git -prune -o -type f -printf '%m %P\n' 2>/dev/null"
    done = sandbox.run(
        f"cd {place} && {tracked} | tr '\\0' '\\n'; echo '{_MARK}'; {files}; echo '{_MARK}'; "
        f"{tracked} | xargs -0 sha256sum -- 2>/dev/null; true",
        output_limit=_OUTPUT_LIMIT,
        fresh=True,
    )
    names, _, rest = done.output.partition(f"{_MARK}\n")
    found, _, sums = rest.partition(f"{_MARK}\n")
    listed = (line.partition(" ") for line in found.splitlines())
    modes = {path: "100755" if int(mode, 8) & 0o100 else "100644" for mode, _, path in listed if mode.isdecimal()}
    digests = {line[66:]: line[:64] for line in sums.splitlines()}
    return names.splitlines(), modes, digests


def _byte_code(path: str) -> str:
    pure = PurePosixPath(path)
    return f"{shlex.quote(str(pure.parent / '__pycache__' / pure.stem))}.*.pyc"


def _without(seed: Seed, same: set[str]) -> bytes:
    """The seed's archive without the files that are there already."""
    made = io.BytesIO()
    with (
        tarfile.open(seed.archive, encoding="utf-8", errors="surrogateescape") as whole,
        tarfile.open(
            fileobj=made, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape"
        ) as part,
    ):
        for member in whole:
            if member.name not in same:
                part.addfile(member, whole.extractfile(member) if member.isreg() else None)
    return made.getvalue()
