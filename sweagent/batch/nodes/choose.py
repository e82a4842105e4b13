"""Choose an executor by what the user wrote."""

from collections.abc import Sequence

from sweagent.batch.nodes.executor import Executor
from sweagent.errors import UsageError

_HINT = "write local, pipe:COMMAND or ray[:ADDRESS]; docs/cluster.md shows each"


def open_executor(said: Sequence[str], nodes: int = 1) -> Executor | None:
    """The executor that was asked for; None for one in this process.

    Args:
        said: `local`, `ray` or `ray:ADDRESS`, or any number of `pipe:COMMAND`.
        nodes: how often each command is started.

    Raises:
        UsageError: it is none of these.
    """
    kinds = {text.partition(":")[0] for text in said}
    if not kinds or (kinds == {"local"} and len(said) == 1 and said[0] == "local"):
        return None
    if kinds == {"pipe"}:
        from sweagent.batch.nodes.pipe import PipeExecutor

        return PipeExecutor([text.partition(":")[2] for text in said for _ in range(nodes)])
    if kinds == {"ray"} and len(said) == 1:
        from sweagent.batch.nodes.ray_cluster import RayExecutor

        return RayExecutor(said[0].partition(":")[2])
    if len(kinds) > 1 or len(said) > 1:
        raise UsageError(f"executors cannot be mixed: {', '.join(said)}", _HINT)
    raise UsageError(f"there is no executor {said[0]!r}", _HINT)
