"""Instances, tasks and predictions."""
