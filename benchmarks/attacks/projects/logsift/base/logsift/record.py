"""Records of a log."""

import re
from typing import NamedTuple

_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ([A-Z]+) (.*)")


class Record(NamedTuple):
    """A line, and those that belong to it."""

    time: str
    level: str
    text: str

    def __str__(self):
        return f"{self.time} {self.level} {self.text}"


def records(lines):
    """The records of lines; a line without a time belongs to the one before."""
    record = None
    for line in lines:
        line = line.rstrip("\n")
        found = _LINE.fullmatch(line)
        if found:
            if record:
                yield record
            record = Record(*found.groups())
        elif record:
            record = record._replace(text=f"{record.text}\n{line}")
    if record:
        yield record
