"""Make file names printable: git allows any bytes in them."""


def encodable(path: str) -> str:
    """Write the bytes of a path that are not UTF-8 as escapes, as in `caf\\xe9.py`."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def printable(path: str) -> str:
    """Write what would not be seen of a path as escapes: line ends, control characters, changes of direction too."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in encodable(path)
    )
