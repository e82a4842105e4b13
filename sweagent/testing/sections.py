"""Split printed failures into sections, one a test."""

import re


def sections(text: str, heading: re.Pattern[str], end: re.Pattern[str]) -> dict[str, str]:
    """Return the text below each heading by its name.

    Args:
        text: what the runner printed.
        heading: a line that begins a section; its groups, joined by `::`, are the name.
        end: a line that ends one without beginning another.
    """
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.splitlines():
        begins = heading.match(line)
        if begins:
            current = found.setdefault("::".join(part for part in begins.groups() if part), [])
        elif end.match(line):
            current = None
        elif current is not None:
            current.append(line)
    return {name: "\n".join(lines).strip("\n") for name, lines in found.items()}
