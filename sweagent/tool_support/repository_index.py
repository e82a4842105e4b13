"""Index of the sandbox's repository, following the agent's edits."""

from sweagent.code import Index, LiveIndex
from sweagent.errors import UsageError
from sweagent.tool_api import ToolContext


def current_index(context: ToolContext) -> Index:
    """Return the index of the work tree as it is now.

    Raises:
        UsageError: the run has no git directory on the host to index.
        SandboxError: the sandbox is lost.
    """
    if context.git_dir is None or not context.base_commit:
        raise UsageError("this run has no index of the repository", "use search or bash")
    git_dir, base = context.git_dir, context.base_commit
    live = context.state.of(LiveIndex, lambda: LiveIndex(git_dir, base))

    def run(command: str) -> str:
        return context.sandbox.run(command, fresh=True, timeout=context.limits.timeout, output_limit=5_000_000).output

    return live.current(run, context.sandbox.read)
