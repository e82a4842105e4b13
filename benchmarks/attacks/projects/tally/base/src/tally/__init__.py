"""Who owes whom: shared expenses in cents."""

from .balance import Ledger, settle
from .money import euros
from .split import shares

__all__ = ["Ledger", "euros", "settle", "shares"]
