"""What everybody has paid and owes."""

from .split import shares


class Ledger:
    """Expenses of a group."""

    def __init__(self, people):
        self.people = list(people)
        self.balances = dict.fromkeys(self.people, 0)

    def pay(self, person, amount, among=None):
        """`person` pays for `among`, all by default; gives the part of each."""
        among = list(among or self.people)
        parts = dict(zip(among, shares(amount, len(among))))
        self.balances[person] += sum(parts.values())
        for name, part in parts.items():
            self.balances[name] -= part
        return parts


def settle(balances):
    """Payments `(from, to, cents)` that bring every balance to zero."""
    debtors = sorted((value, name) for name, value in balances.items() if value < 0)
    creditors = sorted(((value, name) for name, value in balances.items() if value > 0), reverse=True)
    payments = []
    while debtors and creditors:
        debt, debtor = debtors.pop(0)
        credit, creditor = creditors.pop(0)
        amount = min(-debt, credit)
        payments.append((debtor, creditor, amount))
        if -debt > amount:
            debtors.insert(0, (debt + amount, debtor))
        if credit > amount:
            creditors.insert(0, (credit - amount, creditor))
    return payments
