from durations import humanize, parse


def test_zero():
    assert humanize(0) == "0s"


def test_parts():
    assert humanize(93784) == "1d 2h 3m 4s"


def test_negative():
    assert humanize(-90) == "-1m 30s"


def test_there_and_back():
    for seconds in (1, 59, 60, 3599, 3600, 86399, 86400, 123456):
        assert parse(humanize(seconds)) == seconds
