"""The units, the largest first."""

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
NAMES = {"day": "d", "hour": "h", "min": "m", "minute": "m", "sec": "s", "second": "s"}


def seconds_of(unit):
    """Seconds in a unit, by its letter or its name."""
    unit = unit.lower()
    if unit not in UNITS:
        unit = NAMES[unit.rstrip("s")]
    return UNITS[unit]
