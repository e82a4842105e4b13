"""Pages of a list."""


def page(items, number, size):
    """The items of a page; the first page is 1."""
    first = (number - 1) * size
    return items[first : first + size]


def count(total, size):
    """How many pages so many items need; at least one."""
    return max(1, total // size)
