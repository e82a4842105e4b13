"""Read and write files over the channel by shell code."""

import errno
import os
import shlex

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
    change = f'chmod {mode:o} "$t"' if mode is not None else '{ [ -e "$p" ] || chmod 644 "$t"; }'
    put = (
        f'p={quoted(path)}; [ -L "$p" ] && p=$(readlink -f -- "$p"); '
        f'[ -d "$p" ] && exit {errno.EISDIR}; d=${{p%/*}}; t=${{d}}/.{unique}; '
        'mkdir -p -- "${d:-/}" || exit 1; '
        f'if [ -e "$p" ]; then [ -w "$p" ] || exit {errno.EACCES}; cp -p -- "$p" "$t" || exit 1; fi; '
        f'{{ cat >"$t" && {change} && mv -f -- "$t" "$p"; }} || {{ rm -f -- "$t"; exit 1; }}'
    )
    return f"{{ {taking(size)} }} | {{ ( {put} ); s=$?; cat >/dev/null; exit $s; }}"


def unpack_code(path: str, size: int) -> str:
    """Take a tar archive of `size` bytes from standard input and unpack it into a folder."""
    put = f"export LC_ALL=C; mkdir -p -- {quoted(path)} && tar -x -f - -C {quoted(path)} --no-same-owner"
    return f"{{ {taking(size)} }} | {{ ( {put} ); s=$?; cat >/dev/null; exit $s; }}"


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
