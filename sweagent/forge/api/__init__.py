"""Forges behind one protocol."""
