"""Which records are wanted."""

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def at_least(level):
    """A filter for records that are at least as grave as a level."""
    if level not in LEVELS:
        raise ValueError(f"no such level: {level}; one of {', '.join(LEVELS)}")
    return lambda record: record.level >= level
