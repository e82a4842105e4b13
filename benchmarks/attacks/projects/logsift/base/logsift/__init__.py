"""Sift log files on the command line."""

from .record import Record, records

__all__ = ["Record", "records"]
