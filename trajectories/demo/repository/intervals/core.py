"""Intervals are pairs (start, end) with start <= end; both ends belong to the interval."""


def _check(interval):
    start, end = interval
    if start > end:
        raise ValueError("start %r is after end %r" % (start, end))
    return start, end


def merge(intervals):
    """Return the union of the intervals as a sorted list of disjoint intervals.

    Intervals that touch, such as (1, 3) and (4, 6), are joined.
    """
    merged = []
    for start, end in sorted(_check(interval) for interval in intervals):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def total(intervals):
    """Return how many integers the intervals cover together."""
    return sum(end - start + 1 for start, end in merge(intervals))


def covers(intervals, point):
    """Say whether any of the intervals contains the point."""
    return any(start <= point <= end for start, end in merge(intervals))


def gaps(intervals):
    """Return the intervals between the given ones."""
    union = merge(intervals)
    return [(left[1] + 1, right[0] - 1) for left, right in zip(union, union[1:])]
