"""Exit statuses of a run: what ended it."""

from enum import StrEnum


class ExitStatus(StrEnum):
    """What ended a run; `result.json` and the last event of the log have it."""

    SUBMITTED = "submitted"
    PAUSED = "paused"
    """Only of an attempt: its strategy let it work for so many steps."""
    STEP_LIMIT = "step_limit"
    TIME_LIMIT = "time_limit"
    BUDGET_LIMIT = "budget_limit"
    MALFORMED_REPLIES = "malformed_replies"
    STUCK = "stuck"
    CONTEXT_OVERFLOW = "context_overflow"
    POLICY_ERROR = "policy_error"
    SANDBOX_ERROR = "sandbox_error"
    INTERRUPTED = "interrupted"
    INTERNAL_ERROR = "internal_error"
    INFRASTRUCTURE = "infrastructure"
    """Only of an instance of a batch: engine, image, disk or provider failed more often than is retried."""
    USAGE = "usage"
    """Only of an instance of a batch: its record, its repository or a setting cannot be used."""

    @property
    def submitted(self) -> bool:
        """Whether the policy said that it is done."""
        return self is ExitStatus.SUBMITTED

    @property
    def final(self) -> bool:
        """Whether going on with the same settings would not help, so that `resume` gives the result again."""
        return self in (ExitStatus.SUBMITTED, ExitStatus.MALFORMED_REPLIES, ExitStatus.STUCK)

    @property
    def is_limit(self) -> bool:
        """Whether a limit of steps, time, money or context ended the run."""
        return self in (
            ExitStatus.STEP_LIMIT,
            ExitStatus.TIME_LIMIT,
            ExitStatus.BUDGET_LIMIT,
            ExitStatus.CONTEXT_OVERFLOW,
        )

    @property
    def unfinished(self) -> bool:
        """Whether something other than the policy's work ended the run, so that a batch goes on with it."""
        return self in (
            ExitStatus.INTERRUPTED,
            ExitStatus.SANDBOX_ERROR,
            ExitStatus.POLICY_ERROR,
            ExitStatus.INTERNAL_ERROR,
        )

    @property
    def is_failure(self) -> bool:
        """Whether the run could not be carried out; its error then gives the exit code, unless there is a patch."""
        return self in (ExitStatus.POLICY_ERROR, ExitStatus.SANDBOX_ERROR, ExitStatus.CONTEXT_OVERFLOW)

    @property
    def can_be_judged(self) -> bool:
        """Whether the patch so far is verified at the end: not when somebody waits for it, nor without a sandbox."""
        return self not in (ExitStatus.INTERRUPTED, ExitStatus.SANDBOX_ERROR, ExitStatus.PAUSED)
