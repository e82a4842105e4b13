import pytest

from sweagent.errors import UsageError
from sweagent.sizes import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("10g", 10 << 30),
        (" 1.5 G ", 3 << 29),
        ("512m", 512 << 20),
        ("10GiB", 10 << 30),
        ("1.5 GB", 1_500_000_000),
        ("2k", 2048),
        ("1t", 1 << 40),
    ],
)
def test_a_bare_letter_is_binary(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "g", "-1", "1x", "1 2", "0", "0.1", "inf", "1e3", "9" * 400 + "g"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        parse_size(text)


def test_nothing_is_a_size_where_it_means_something() -> None:
    assert parse_size("0", may_be_zero=True) == 0


@pytest.mark.parametrize(("count", "text"), [(0, "0 MiB"), (5 << 20, "5 MiB"), (3 << 29, "1.5 GiB")])
def test_a_size_is_written_in_the_units_that_it_is_read_in(count: int, text: str) -> None:
    assert format_size(count) == text
