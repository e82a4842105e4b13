"""Human durations to seconds and back."""

from .formatting import humanize
from .parsing import DurationError, parse

__all__ = ["DurationError", "humanize", "parse"]
