"""Arithmetic on closed intervals of integers."""

from .core import covers, gaps, merge, total

__all__ = ["covers", "gaps", "merge", "total"]
