"""What the policy has registered, for the tools that run it."""

from dataclasses import dataclass


@dataclass
class Registered:
    """The reproduction that counts.

    Attributes:
        command: runs it; empty as long as there is none.
    """

    command: str = ""
