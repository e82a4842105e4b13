"""Messages between a driver and its nodes, one JSON line each.

Nothing in them is a secret, and what goes to a node names no path of the driver's machine.
"""

import json
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from sweagent.errors import ExitCode, FixIssueError
from sweagent.frozen import Frozen


class Work(StrEnum):
    """What kind of job a node does; one node does one kind."""

    SOLVE = "solve"
    GRADE = "grade"
    ENVIRONMENT = "environment"


class Setup(Frozen):
    """The first message to a node."""

    type: Literal["setup"] = "setup"
    work: Work
    version: str
    """Of the driver; a node of another version refuses."""
    silence: float
    """Seconds without a word from the driver after which the node stops its work."""
    slots: int | None = None
    """Jobs at a time; None leaves it to the node."""
    payload: dict[str, Any]
    """What all jobs share."""


class Job(Frozen):
    """One instance for one node."""

    type: Literal["job"] = "job"
    name: str
    """Safe as the name of a folder."""
    epoch: int = 1
    """Counts the nodes that were given the job; reports of older epochs are dropped."""
    slots: int = 1
    """How many of the node's slots it takes: more for a run whose attempts work side by side."""
    memory: int | None = None
    """Bytes that it may need; None when nobody knows."""
    payload: dict[str, Any]
    files: dict[str, str] = {}
    """What earlier epochs left, by path in the job's folder."""


class Expect(Frozen):
    """Jobs that will come soon, so that their images can be pulled."""

    type: Literal["expect"] = "expect"
    payloads: tuple[dict[str, Any], ...]


class Stored(Frozen):
    """The driver has everything on disk that a job reported, up to a number."""

    type: Literal["stored"] = "stored"
    name: str
    epoch: int
    number: int


class Stop(Frozen):
    """Begin nothing new; what runs keeps its patch and ends at its next step."""

    type: Literal["stop"] = "stop"


class End(Frozen):
    """Nothing more will come; the node may go when its jobs have ended."""

    type: Literal["end"] = "end"


class Alive(Frozen):
    """The sender is there."""

    type: Literal["alive"] = "alive"


class Ready(Frozen):
    """The node can take jobs."""

    type: Literal["ready"] = "ready"
    host: str
    slots: int
    memory: int | None = None
    """Bytes that its jobs may use together; None for no limit."""


class Refused(Frozen):
    """The node cannot do this kind of job."""

    type: Literal["refused"] = "refused"
    message: str
    hint: str = ""
    exit_code: ExitCode = ExitCode.INTERNAL

    def error(self) -> FixIssueError:
        """The same as an error for the user."""
        error = FixIssueError(self.message, self.hint)
        error.exit_code = self.exit_code
        return error


class Written(Frozen):
    """A file of a job's folder: one more line of it, or its whole content."""

    type: Literal["written"] = "written"
    name: str
    epoch: int
    number: int
    """Counts what the job has reported."""
    path: str
    """Relative to the job's folder."""
    text: str
    append: bool = False
    wait: bool = False
    """The node goes on only when this is stored."""


class Noted(Frozen):
    """A line for people; without a name it is about the node."""

    type: Literal["noted"] = "noted"
    name: str = ""
    epoch: int = 0
    text: str
    failure: bool = False


class Progressed(Frozen):
    """What a job is doing."""

    type: Literal["progressed"] = "progressed"
    name: str
    epoch: int
    doing: str
    step: int | None = None
    more: float | None = 0.0
    """US dollars since the last such report; None when the price is unknown."""


class Ended(Frozen):
    """A job has ended."""

    type: Literal["ended"] = "ended"
    name: str
    epoch: int
    payload: dict[str, Any] | None = None
    """What came of it; None when it was stopped before its end."""
    error: Refused | None = None
    """What kept it from ending as it should."""


class Gone(Frozen):
    """The way to the node is closed. Made by who listens to it."""

    type: Literal["gone"] = "gone"
    why: str = ""
    for_good: Refused | None = None
    """No node of this executor will come any more."""


Order = Setup | Job | Expect | Stored | Stop | End | Alive
Report = Ready | Refused | Written | Noted | Progressed | Ended | Gone | Alive

_ORDER: TypeAdapter[Order] = TypeAdapter(Annotated[Order, Field(discriminator="type")])
_REPORT: TypeAdapter[Report] = TypeAdapter(Annotated[Report, Field(discriminator="type")])


class GarbledError(Exception):
    """A line is no message of this version."""


def as_line(message: Order | Report) -> bytes:
    """A message as one line; half surrogate pairs, bytes that are not UTF-8, are escapes in it."""
    return json.dumps(message.model_dump(mode="json")).encode("ascii") + b"\n"


def read_order(line: bytes) -> Order:
    """Read what a driver says.

    Raises:
        GarbledError: the line is no order.
    """
    try:
        return _ORDER.validate_python(json.loads(line))
    except (ValueError, ValidationError) as error:
        raise GarbledError(str(error)[:200]) from error


def read_report(line: bytes) -> Report:
    """Read what a node says.

    Raises:
        GarbledError: the line is no report.
    """
    try:
        return _REPORT.validate_python(json.loads(line))
    except (ValueError, ValidationError) as error:
        raise GarbledError(str(error)[:200]) from error
