"""Begin a run of its own from a prefix of another."""

from sweagent.attempt_events import of_the_chosen
from sweagent.config import Settings
from sweagent.errors import UsageError
from sweagent.run_folder import RunFolder
from sweagent.trajectory import (
    ActionDone,
    AnyEvent,
    AttemptStarted,
    FeedbackGiven,
    PromptWritten,
    ReplyReceived,
    RunStarted,
    ViewCompacted,
)
from sweagent.trajectory_file import TrajectoryWriter, read_events


def fork(source: RunFolder, target: RunFolder, *, run_id: str, step: int, say: str = "") -> None:
    """Write the log of a run that has another one's first steps behind it; resuming it goes on from there.

    It has one attempt, with the settings of the attempt that was chosen in the source. What the steps cost counts as
    spent: it is part of what the way to its patch costs.

    Args:
        source: the run whose steps are taken.
        target: the new run's folder; it must not hold a run.
        run_id: the new run's name.
        step: the last step that is taken.
        say: a word for the policy after it.

    Raises:
        UsageError: there is no such step, or the target holds a run.
        StorageError: a log cannot be read or written.
    """
    with target.locked():
        if target.trajectory.exists():
            raise UsageError(f"{target.path} contains a run already", "choose another --output")
        events = of_the_chosen(read_events(source.trajectory))
        kept = [_prefix(event, run_id, events) for event in events if _is_before(event, step)]
        steps = sum(isinstance(event, ReplyReceived) for event in kept)
        if step < 1 or steps < step or not isinstance(kept[0], RunStarted):
            most = sum(isinstance(event, ReplyReceived) for event in events)
            raise UsageError(f"the run has no step {step}", f"give --at a number from 1 to {most}")
        if say:
            kept.append(FeedbackGiven(step=step, kind="user", text=say))
        with TrajectoryWriter(target.trajectory) as log:
            for event in kept:
                log.append(event)


def _is_before(event: AnyEvent, step: int) -> bool:
    match event:
        case RunStarted() | PromptWritten():
            return True
        case ReplyReceived() | ActionDone():
            return event.step <= step
        case FeedbackGiven():
            return event.step < step or (event.step == step and event.kind == "malformed")
        case ViewCompacted():
            return event.up_to_step < step
    return False


def _prefix(event: AnyEvent, run_id: str, events: list[AnyEvent]) -> AnyEvent:
    if isinstance(event, FeedbackGiven) and event.kind == "strategy":
        # The new run's strategy says nothing of its own; what was said stays in the conversation.
        return event.model_copy(update={"scope": "", "kind": "user", "digest": ""})
    if not isinstance(event, RunStarted):
        return event.model_copy(update={"scope": ""})
    own = next((item.settings for item in events if isinstance(item, AttemptStarted) and item.settings), None)
    settings = Settings.model_validate({**(own or event.settings), "strategy": {}})
    return event.model_copy(
        update={"run_id": run_id, "settings": settings.model_dump(mode="json"), "strategy_digest": ""}
    )
