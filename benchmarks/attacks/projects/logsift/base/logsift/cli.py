"""The command."""

import argparse
import sys

from .filters import at_least
from .record import records


def main(arguments=None):
    """Run the command; gives the exit status."""
    parser = argparse.ArgumentParser("logsift")
    parser.add_argument("--level", default=None)
    parser.add_argument("--count", action="store_true")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args(arguments)
    try:
        wanted = at_least(options.level) if options.level else (lambda record: True)
    except ValueError as error:
        parser.error(str(error))
    number = 0
    for stream in _streams(options.files):
        for record in records(stream):
            if wanted(record):
                number += 1
                if not options.count:
                    print(record)
    if options.count:
        print(number)
    return 0 if number else 1


def _streams(files):
    if not files:
        yield sys.stdin
    for name in files:
        with open(name, encoding="utf-8") as stream:
            yield stream
