"""Monitors of a judged run, which the code under test cannot easily mislead."""
