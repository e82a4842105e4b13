"""Knowing a repository without a model: syntax, index, search, map, localisation."""
