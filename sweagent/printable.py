"""Make foreign text printable, in lines of bounded length."""


def printable_text(text: str) -> str:
    """A text without control characters: what comes from elsewhere must not drive the user's terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)


def first_line(text: str, limit: int = 120) -> str:
    """The first line that says something, printable, cut to so many characters."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return _cut(printable_text(line).replace("\t", " "), limit)


def one_line(text: str, limit: int = 120) -> str:
    """All of a text on one line, printable, cut to so many characters."""
    return _cut(printable_text(" ".join(text.split())), limit)


def _cut(line: str, limit: int) -> str:
    return line if len(line) <= limit else line[: max(1, limit - 1)] + "…"
