"""The oracle: what only a benchmark knows of an issue."""

from sweagent.frozen import Frozen


class Oracle(Frozen):
    """What a benchmark knows and the agent must never see, so that no task holds it; only the verifier is given it."""

    fail_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    test_patch: str = ""
