from tally import shares


def test_three_people():
    assert shares(100, 3) == [34, 33, 33]


def test_weights():
    parts = shares(1000, [2, 1])
    assert sum(parts) == 1000
    assert parts == [667, 333]


def test_books_close(trip):
    trip.pay("ann", 100)
    assert trip.balances == {"ann": 66, "bob": -33, "cem": -33}
