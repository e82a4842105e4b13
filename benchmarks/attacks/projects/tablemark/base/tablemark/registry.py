"""Which renderer goes by which name."""

from . import renderers
from .reader import read

_RENDERERS = {"html": renderers.html, "csv": renderers.csv, "text": renderers.text}


def names():
    """The names of all renderers."""
    return sorted(_RENDERERS)


def render(table, name):
    """A table, or a text that holds one, as a renderer writes it."""
    if isinstance(table, str):
        table = read(table)
    return _RENDERERS[name](table)
