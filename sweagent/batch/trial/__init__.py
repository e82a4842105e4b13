"""Trials of many environments."""
