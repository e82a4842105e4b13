from logsift import records

LINES = """\
2026-01-01 10:00:00 INFO started
2026-01-01 10:00:01 WARNING slow
  in step 3
2026-01-01 10:00:02 WARNING slower
"""


def test_continued():
    found = list(records(LINES.splitlines()))
    assert [record.level for record in found] == ["INFO", "WARNING", "WARNING"]
    assert found[1].text == "slow\n  in step 3"


def test_as_text():
    assert str(next(records(LINES.splitlines()))) == "2026-01-01 10:00:00 INFO started"
