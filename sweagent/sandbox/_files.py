"""Read and write files over the channel by shell code."""

import errno
import os
import shlex
from collections.abc import Mapping

_BLOCK = 1 << 20
_TELLTALE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.ENOENT,
)


def quoted(path: str) -> str:
    """A path as one word of shell code; bytes that are not UTF-8 pass through `surrogateescape`."""
    return shlex.quote(path)


def read_code(path: str, limit: int | None) -> str:
    """Print a regular file, or exit with the number of the error."""
    source = f"head -c {limit} -- {quoted(path)}" if limit is not None else f"cat -- {quoted(path)}"
    return (
        f'p={quoted(path)}; [ -d "$p" ] && exit {errno.EISDIR}; '
        f'[ -e "$p" ] || exit {errno.ENOENT}; [ -r "$p" ] || exit {errno.EACCES}; '
        f'[ -f "$p" ] || exit {errno.EINVAL}; exec {source}'
    )


def write_code(path: str, size: int, mode: int | None, unique: str) -> str:
    """Take `size` bytes from standard input and put them in place of a file, at once.

    Everything is read from the channel whatever goes wrong: what is left there would be taken for a command.
    """
    change = f'chmod {mode:o} "$t"' if mode is not None else ":"
    put = (
        f'p={quoted(path)}; [ -L "$p" ] && p=$(readlink -f -- "$p"); '
        f'[ -d "$p" ] && exit {errno.EISDIR}; d=${{p%/*}}; t=${{d}}/.{unique}; '
        '[ -d "${d:-/}" ] || mkdir -p -- "${d:-/}" || exit 1; '
        f'if [ -e "$p" ]; then [ -w "$p" ] || exit {errno.EACCES}; cp -p -- "$p" "$t" || exit 1; '
        "else umask 022; fi; "
        f'{{ cat >"$t" && {change} && mv -f -- "$t" "$p"; }} || {{ rm -f -- "$t"; exit 1; }}'
    )
    return _fed(put, size)


def write_many_code(sizes: Mapping[str, int], unique: str) -> str:
    """Take files one after another from standard input, as `write_code` does; after a failure, only read the rest."""
    parts, rest = [], sum(sizes.values())
    for path, size in sizes.items():
        rest -= size
        one = write_code(path, size, None, unique)
        parts.append(f"{{ {one}; }} || {{ s=$?; {{ {taking(rest)} }} >/dev/null; exit $s; }}")
    return "\n".join(parts)


def unpack_code(path: str, size: int) -> str:
    """Take a tar archive of `size` bytes from standard input and unpack it into a folder."""
    # tar leaves what is behind the archive's end.
    put = (
        f'export LC_ALL=C; p={quoted(path)}; [ -d "$p" ] || mkdir -p -- "$p" || exit; '
        'tar -x -f - -C "$p" --no-same-owner && cat >/dev/null'
    )
    return _fed(put, size)


def _fed(code: str, size: int) -> str:
    """Give `size` bytes of standard input to code that reads all of them unless it fails."""
    return f"{{ {taking(size)} }} | {{ ( {code} ); s=$?; [ $s = 0 ] || cat >/dev/null; exit $s; }}"


def taking(size: int) -> str:
    """Copy exactly `size` bytes of standard input to standard output, and no byte more."""
    blocks, rest = divmod(size, _BLOCK)
    parts = []
    if blocks:
        parts.append(f"dd bs={_BLOCK} count={blocks} iflag=fullblock 2>/dev/null;")
    if rest:
        parts.append(f"dd bs={rest} count=1 iflag=fullblock 2>/dev/null;")
    return " ".join(parts) or ":;"


def file_error(status: int, message: str, path: str) -> OSError:
    """The error that a failed command of this module stands for."""
    if os.strerror(errno.EEXIST) in message:
        status = errno.ENOTDIR
    if "File size limit exceeded" in message:
        return OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
    number = status if status in (errno.EISDIR, errno.ENOENT, errno.EACCES, errno.EINVAL, errno.ENOTDIR) else 0
    if not number:
        number = next((code for code in _TELLTALE if os.strerror(code) in message), errno.EIO)
    return OSError(number, os.strerror(number), path)
