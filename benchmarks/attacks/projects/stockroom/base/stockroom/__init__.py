"""Stock of a small shop."""

from .order import Order
from .stock import OutOfStock, Stock

__all__ = ["Order", "OutOfStock", "Stock"]
