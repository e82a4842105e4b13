from tally import settle


def test_payer_is_owed(trip):
    trip.pay("ann", 300)
    assert trip.balances == {"ann": 200, "bob": -100, "cem": -100}


def test_among_some(trip):
    trip.pay("bob", 200, ["bob", "cem"])
    assert trip.balances == {"ann": 0, "bob": 100, "cem": -100}


def test_settled(trip):
    trip.pay("ann", 300)
    trip.pay("bob", 600)
    assert settle(trip.balances) == [("cem", "bob", 300)]
