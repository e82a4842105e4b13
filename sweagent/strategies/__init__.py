"""Strategies: how a run goes about its task, one file each."""
