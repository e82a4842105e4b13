import pytest

from durations import DurationError, parse


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45),
        ("10m", 600),
        ("2h", 7200),
        ("1d", 86400),
        ("1h 30m", 5400),
        ("1h30m", 5400),
        ("1 day, 2 hours", 93600),
        ("-5s", -5),
    ],
)
def test_whole_numbers(text, seconds):
    assert parse(text) == seconds


@pytest.mark.parametrize("text", ["", "  ", "abc", "5", "5 parsecs", "1h x"])
def test_nonsense(text):
    with pytest.raises(DurationError):
        parse(text)
