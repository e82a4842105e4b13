"""Evaluate assertions where the code under test cannot reach them."""
