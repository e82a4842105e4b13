"""Orders."""


class Order:
    """Items that a customer wants: `Order(7, tea=2, cups=1)`."""

    def __init__(self, number, **lines):
        self.number = number
        self.lines = lines

    def __repr__(self):
        return f"Order({self.number}, {self.lines})"
