from tally.money import cents, euros


def test_euros():
    assert euros(1234) == "12.34"
    assert euros(-5) == "-0.05"


def test_cents():
    assert cents("12.34") == 1234
    assert cents("7") == 700
