"""Pause garbage collection during bulk allocation."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collection() -> Iterator[None]:
    """Keep the collector of cycles from running; what has no references left is freed as ever.

    It looks through all that lives whenever much was made, which takes a third of the time to open an index and finds
    nothing there. If it was off before, it stays off.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
