"""Amounts are cents, whole numbers."""


def euros(cents):
    """Cents as text: 1234 is `12.34`."""
    sign = "-" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 100)
    return f"{sign}{whole}.{rest:02d}"


def cents(text):
    """Text as cents: `12.34` is 1234."""
    whole, _, rest = text.strip().partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0")[:2] or 0)
