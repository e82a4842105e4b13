"""Which test files a comparison runs together."""

import pytest

from sweagent.verify.comparison.schedule import Batch, Schedule

FILES = ("a", "b", "c", "d", "e")


def schedule(*, nearest: int = 2, seconds: float = 100.0) -> Schedule:
    return Schedule(FILES, nearest=nearest, related=5, remaining=lambda: seconds)


@pytest.mark.parametrize(
    ("earlier", "files"),
    [
        ([], ("a", "b")),
        ([(("c", "a"), 1)], ("c", "a")),
        # What the first one would take more than half of the time for is split again.
        ([(("c", "a"), 30)], ("a", "b")),
        # A batch that holds a file which was compared already is of no use.
        ([(("a", "x"), 1)], ("a", "b")),
        # A file that has been run with others waits for them.
        ([(("b", "e"), 1)], ("a",)),
    ],
)
def test_what_was_run_together_before_is_run_together_again(earlier, files) -> None:
    made = schedule()
    batch = made.next_batch(apart=True)
    assert batch is not None
    found = made.regrouped(batch, [Batch(names, seconds) for names, seconds in earlier])
    assert found.files == files
    assert found.seconds >= batch.seconds


def test_a_second_comparison_in_another_order_has_the_batches_of_the_first() -> None:
    earlier = [Batch(("d", "a"), 2), Batch(("b", "c", "e"), 3)]
    made, run = schedule(), []
    while batch := made.next_batch(apart=True):
        batch = made.regrouped(batch, earlier)
        run.append(batch.files)
        made.done(batch.files, 1, 1)
    assert run == [("d", "a"), ("b", "c", "e")]
