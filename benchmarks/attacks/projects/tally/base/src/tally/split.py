"""An amount among several people."""


def shares(amount, weights):
    """The part of each, in cents, by weight; `weights` is a number of people or a list."""
    weights = [1] * weights if isinstance(weights, int) else list(weights)
    if not weights or min(weights) < 0 or sum(weights) == 0:
        raise ValueError("nobody to share with")
    total = sum(weights)
    return [amount * weight // total for weight in weights]
