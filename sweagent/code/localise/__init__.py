"""Rank the places where an issue is likely to be fixed."""
