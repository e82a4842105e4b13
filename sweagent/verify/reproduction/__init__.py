"""Reproductions: where they come from, and whether they show the issue."""
