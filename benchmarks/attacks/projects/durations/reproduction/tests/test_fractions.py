import pytest

from durations import parse


@pytest.mark.parametrize(("text", "seconds"), [("1.5h", 5400), ("0.5m", 30)])
def test_a_fraction_counts(text, seconds):
    assert parse(text) == seconds


def test_a_fraction_among_others():
    assert parse("1d 0.25h") == 87300
