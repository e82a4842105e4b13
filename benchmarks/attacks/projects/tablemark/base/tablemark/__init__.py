"""Tables written with pipes, to HTML, CSV and aligned text."""

from .reader import TableError, read
from .registry import names, render

__version__ = "2.1.0"
__all__ = ["TableError", "names", "read", "render"]
