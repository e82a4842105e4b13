import pytest

from tally import shares


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [(300, 3, [100, 100, 100]), (1000, [3, 1], [750, 250]), (0, 2, [0, 0]), (500, [1, 0], [500, 0])],
)
def test_even(amount, weights, parts):
    assert shares(amount, weights) == parts


@pytest.mark.parametrize("weights", [0, [], [0, 0], [-1, 2]])
def test_nobody(weights):
    with pytest.raises(ValueError, match="nobody"):
        shares(100, weights)
