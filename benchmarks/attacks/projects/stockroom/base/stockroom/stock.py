"""What is there, and what is promised."""


class OutOfStock(Exception):
    """There is not enough of an item."""

    def __init__(self, item, wanted, there):
        super().__init__(f"{item}: {wanted} wanted, {there} there")
        self.item = item


class Stock:
    """Items and how many of each are free."""

    def __init__(self, **items):
        self.free = dict(items)
        self.reserved = {}

    def reserve(self, order):
        """Take what an order wants; it can be released again.

        Raises:
            OutOfStock: there is not enough of an item.
        """
        if order.number in self.reserved:
            raise ValueError(f"order {order.number} is reserved already")
        taken = self.reserved.setdefault(order.number, {})
        for item, number in order.lines.items():
            there = self.free.get(item, 0)
            if number > there:
                raise OutOfStock(item, number, there)
            self.free[item] = there - number
            taken[item] = number
        return taken

    def release(self, order):
        """Give back what an order has taken."""
        for item, number in self.reserved.pop(order.number, {}).items():
            self.free[item] += number

    def ship(self, order):
        """What was reserved leaves the shop."""
        return self.reserved.pop(order.number)

    def total(self, item):
        """Free and reserved ones of an item."""
        return self.free.get(item, 0) + sum(taken.get(item, 0) for taken in self.reserved.values())
