"""Call functions side by side, each in a thread."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from sweagent.stop_token import StopToken

_R = TypeVar("_R")


def side_by_side(calls: Sequence[Callable[[], _R]], workers: int, stop: StopToken) -> list[_R]:
    """Call each; the results in their order.

    Args:
        calls: what is called.
        workers: how many at a time.
        stop: asked to stop those that are at work, where somebody interrupts this thread.

    Raises:
        The first error, in their order, when all have ended: what the others have done is not lost.
    """
    if len(calls) < 2:
        return [call() for call in calls]
    with ThreadPoolExecutor(min(workers, len(calls)), thread_name_prefix="gather") as threads:
        futures: list[Future[_R]] = [threads.submit(copy_context().run, call) for call in calls]
        try:
            for future in futures:
                future.exception()
        except BaseException as error:
            stop.stop(str(error))
            threads.shutdown(wait=True, cancel_futures=True)
            raise
    return [future.result() for future in futures]
