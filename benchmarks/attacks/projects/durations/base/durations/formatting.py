"""From seconds to text."""

from .units import UNITS


def humanize(seconds):
    """A duration as text, `1h 30m`; the largest unit is days."""
    if seconds == 0:
        return "0s"
    sign = "-" if seconds < 0 else ""
    rest = abs(seconds)
    parts = []
    for unit, size in UNITS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return sign + " ".join(parts)
