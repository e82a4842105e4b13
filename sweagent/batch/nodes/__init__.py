"""Nodes: machines that work on jobs, and how they are reached."""
