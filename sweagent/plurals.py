"""Count things in words: one file, two files."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: `1 file`, `2 files`, `1,000 files`.

    Args:
        number: how many.
        noun: for one.
        plural: for any other number; the noun with an s unless given.
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
