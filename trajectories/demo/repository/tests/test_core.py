import pytest

from intervals import covers, gaps, merge, total


def test_merge_overlapping():
    assert merge([(1, 3), (2, 6), (8, 10)]) == [(1, 6), (8, 10)]


def test_merge_touching():
    assert merge([(4, 6), (1, 3)]) == [(1, 6)]


def test_merge_nothing():
    assert merge([]) == []


def test_bad_interval():
    with pytest.raises(ValueError):
        merge([(3, 1)])


def test_total():
    assert total([(1, 3), (2, 6)]) == 6


def test_covers():
    assert covers([(1, 3), (8, 10)], 9)
    assert not covers([(1, 3), (8, 10)], 5)


def test_gaps():
    assert gaps([(1, 3), (8, 10)]) == [(4, 7)]
