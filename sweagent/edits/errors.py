"""Why an edit was not made."""

from sweagent.errors import UsageError


class EditRefused(UsageError):  # noqa: N818 (a refusal is an answer to the model, not a fault)
    """The edit was not made, and nothing was changed. The message is written for the model."""
