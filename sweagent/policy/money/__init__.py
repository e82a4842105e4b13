"""Tokens and money: usage, prices, limits."""
