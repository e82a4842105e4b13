"""Discover the recipe of a repository's environment from its files."""
