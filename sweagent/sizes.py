"""Read and write sizes in bytes."""

import re

from sweagent.errors import UsageError

_BARE_LETTER = re.compile(r"(?<=[\d\s])([kmgtpe])$")


def parse_size(text: str, *, may_be_zero: bool = False) -> int:
    """Bytes of a size such as `512m` or `4g`.

    A bare letter is binary (`4g` is 4 GiB), as in Docker; `GB` and `GiB` are what the standards say.

    Args:
        text: a number, and a unit unless it is bytes.
        may_be_zero: whether nothing is a size.

    Raises:
        UsageError: it is not a size.
    """
    from pydantic import ByteSize, TypeAdapter, ValidationError

    try:
        size = int(TypeAdapter(ByteSize).validate_python(_BARE_LETTER.sub(r"\1ib", text.strip().lower())))
    except (ValidationError, OverflowError):
        size = -1
    if size < (0 if may_be_zero else 1):
        raise UsageError(f"{text!r} is not a size", "write it like 512m or 4g")
    return size


def format_size(count: int) -> str:
    """A number of bytes for people, in binary units as they are read: `1.5 GiB`."""
    unit, name = (1 << 30, "GiB") if count >= 1 << 30 else (1 << 20, "MiB")
    return f"{count / unit:.3g} {name}"
