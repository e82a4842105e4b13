"""Register the script or test that shows the issue."""

import logging
import time

from pydantic import BaseModel, Field, field_validator

from sweagent.edits import EditRefused, create
from sweagent.errors import FixIssueError
from sweagent.tool_api import ToolContext
from sweagent.tool_support.command_output import clamped, observation
from sweagent.tool_support.file_edits import write
from sweagent.tool_support.registered import Registered
from sweagent.tool_support.reproduction_command import is_run_as_test, reproduction_command
from sweagent.tool_support.sandbox_paths import PathRefused, content, look_to_change
from sweagent.tool_support.test_output import run_tests
from sweagent.trajectory import Observation, ObservationStatus, Reproduction

MAIN_ARGUMENT = "path"

_QUICK = 15.0
"""Seconds of a run above which it is not done again only to be watched."""
_SHOWN = 3
"""Failures of a reproduction whose essence is shown: it is to fail, and seldom for more than one reason."""
_POINTS = "[by the issue and by what it runs, look at these first; a guess:]"
_UNDER_WAY = (
    "registered; it passes with the changes that you have made. Whether it fails without them, the harness will see"
)


class Parameters(BaseModel, extra="forbid"):
    """The file and how it is run."""

    path: str = Field(description="test_*: run as a test")
    content: str = ""
    command: str = ""
    needs: tuple[str, ...] = Field(default=(), description="its data files")
    timeout: float | None = Field(default=None, gt=0)
    faster: float = Field(default=0, description="slowness: the factor to gain")

    @field_validator("faster")
    @classmethod
    def _is_a_factor(cls, value: float) -> float:
        if value and not 1.1 <= value <= 1000:
            raise ValueError("a factor from 1.1 to 1000")
        return value


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Write, run and register a script or test that fails now because of the issue."""
    timeout = clamped(context, parameters.timeout)
    try:
        place = look_to_change(context, parameters.path)
        before = content(context, place) if place.kind == "file" else None
        data = before
        if parameters.content or before is None:
            data = create(parameters.content, before)
            write(context, place, before, data)
        needed = dict(_needed(context, name) for name in parameters.needs)
    except (EditRefused, PathRefused) as error:
        return Observation(text=f"nothing was registered: {error}", status=ObservationStatus.REFUSED)
    is_test = is_run_as_test(place.shown, context.test_command)
    usual = reproduction_command(place.shown, context.test_command)
    command = parameters.command.strip() or usual
    started = time.monotonic()
    seconds = 0.0
    if is_test and command == usual:
        seen = run_tests(context, [place.shown], timeout, shown=_SHOWN)
    else:
        done = context.sandbox.run(command, timeout=timeout, output_limit=context.limits.characters, fresh=True)
        seconds = done.seconds
        seen = observation(context, command, done, timeout)
    reproduction = Reproduction(
        path=place.shown,
        content=(data or b"").decode("utf-8", "replace"),
        command=command,
        kind="test" if is_test else "script",
        files=needed,
        faster=parameters.faster,
    )
    context.state.of(Registered).command = command
    quick = time.monotonic() - started < _QUICK
    changed = _changed(context, reproduction)
    points = _points(context, reproduction, seen) if quick and not changed else ""
    return seen.model_copy(
        update={
            "text": "\n".join(
                part for part in (_verdict(seen, changed, reproduction.faster, seconds), seen.text, points) if part
            ),
            "reproduction": reproduction,
            "status": ObservationStatus.OK,
            "named_tests": (),
        }
    )


def _needed(context: ToolContext, name: str) -> tuple[str, str]:
    place = look_to_change(context, name)
    try:
        return place.shown, content(context, place).decode("utf-8")
    except UnicodeDecodeError as error:
        raise PathRefused(f"{place.shown} is not text: let the reproduction make it") from error


def _changed(context: ToolContext, reproduction: Reproduction) -> bool:
    """Whether the work tree's tracked files differ from their last commit, the reproduction's own left out."""
    command = "git -c core.fsmonitor=false diff --name-only HEAD --"
    done = context.sandbox.run(f"{command} 2>/dev/null", fresh=True, output_limit=100_000)
    return bool(set(done.output.splitlines()) - set(reproduction.paths))


def _verdict(seen: Observation, changed: bool, faster: float, seconds: float) -> str:
    if faster and seen.exit_code == 0:
        return f"registered; it took {seconds:.2f} s{' with the changes that you have made' if changed else ''}"
    if faster and seen.exit_code is not None:
        return "registered, but it fails: what shows slowness ends well, and is only slow"
    if seen.exit_code == 0 and changed:
        return _UNDER_WAY
    if seen.exit_code == 0:
        return "registered, but it passes now: it does not show the issue, unless that is resolved already"
    if seen.exit_code is None:
        return "registered, but it did not end in time; it must end by itself"
    if seen.text.startswith("0 tests ran"):
        return "registered, but no test ran"
    if seen.exit_code in (126, 127):
        return "registered, but it could not be started"
    if changed:
        return "registered; it fails with the changes that you have made:"
    return "registered; it fails now. See that it does so for the issue's reason:"


def _points(context: ToolContext, reproduction: Reproduction, seen: Observation) -> str:
    """Return the definitions to which a failing reproduction in Python points."""
    if not seen.exit_code or not reproduction.path.endswith(".py"):
        return ""
    try:
        from sweagent.tool_support.fault_localisation import pointed_at

        points = pointed_at(context, reproduction, seen.text)
    except FixIssueError:
        raise
    except Exception as error:
        # The policy can do without it: a fault here must not cost the reproduction.
        logging.getLogger("sweagent.tools").exception("no places for a reproduction")
        return f"[no places: {type(error).__name__}: {error}]"
    return f"{_POINTS}\n{points}" if points else ""
