"""Groups of command-line options that several commands share."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweagent.cli import options

if TYPE_CHECKING:
    from sweagent.cli.delivery import Delivery

Command = Callable[..., None]


def gathered(
    parameter: str, group: Mapping[str, inspect.Parameter], make: Callable[..., Any]
) -> Callable[[Command], Command]:
    """Put a group of options in the place of one parameter of a command.

    Args:
        parameter: the command's parameter; on the command line the group stands in its place.
        group: the options, by name.
        make: makes the parameter's value of the options, given by keyword.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def wrapped(**values: Any) -> None:
            said = {name: values.pop(name) for name in group}
            command(**values, **{parameter: make(**said)})

        parameters: list[inspect.Parameter] = []
        for name, own in inspect.signature(command).parameters.items():
            parameters += group.values() if name == parameter else [own]
        keyword_only = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
        # typer reads both.
        vars(wrapped)["__signature__"] = inspect.Signature(keyword_only)
        wrapped.__annotations__ = {one.name: one.annotation for one in keyword_only}
        return wrapped

    return decorate


def _group(*declared: tuple[str, Any, Any]) -> dict[str, inspect.Parameter]:
    return {
        name: inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, kind, default in declared
    }


RUN = _group(
    ("model", options.Model, None),
    ("api_base", options.ApiBase, None),
    ("policy", options.PolicySource, None),
    ("profile", options.Profile, None),
    ("max_cost", options.Cost, None),
    ("max_tokens", options.Tokens, None),
    ("max_steps", options.Steps, None),
    ("max_seconds", options.Seconds, None),
    ("sandbox", options.SandboxKind, None),
    ("image", options.Image, None),
    ("network", options.Network, None),
    ("strategy", options.Strategy, None),
    ("attempts", options.Attempts, None),
)
"""How a run goes."""


def run_settings(**said: Any) -> dict[str, Any]:
    """The options of `RUN`, nested as the settings are."""
    return options.settings_options(**{name.removeprefix("max_"): value for name, value in said.items()})


DELIVERY = _group(
    ("patch", Annotated[Path | None, typer.Option(help="Write the patch to this file too.")], None),
    ("apply", Annotated[bool, typer.Option(help="Apply a verified patch to the work tree of REPO.")], False),
    ("branch", Annotated[str | None, typer.Option(help="Commit the patch to a new branch of REPO.")], None),
    ("open_pr", Annotated[bool, typer.Option(help="Push a branch and open a draft pull request.")], False),
    ("api_url", options.ApiUrl, None),
)
"""Where the patch goes."""


def delivered(*, patch: Path | None, **said: Any) -> "Delivery":
    """The options of `DELIVERY` as one value."""
    from sweagent.cli.delivery import Delivery

    return Delivery(patch_file=patch, **said)


@dataclass(frozen=True)
class Choice:
    """Choice of instances in a data set; see `sweagent.batch.data.instances.load_instances`."""

    split: str
    slice: str
    pattern: str
    shuffle_seed: int | None
    ids: tuple[str, ...]

    @property
    def selection(self) -> dict[str, Any]:
        """The choice without the split, as `sweagent.batch.data.instances.select` takes it."""
        return {"slice": self.slice, "pattern": self.pattern, "shuffle_seed": self.shuffle_seed, "ids": self.ids}


CHOICE = _group(
    ("split", Annotated[str, typer.Option(help="Which part of the data set.")], "test"),
    ("slice_", Annotated[str, typer.Option("--slice", help="As in Python: 10, 5:10, ::2.")], ""),
    ("pattern", Annotated[str, typer.Option("--filter", help="A regular expression that ids must match.")], ""),
    ("shuffle", Annotated[int | None, typer.Option(help="Shuffle with this seed.")], None),
    ("ids", Annotated[list[str] | None, typer.Option("--id", help="Only this instance; may be repeated.")], None),
    ("ids_file", Annotated[Path | None, typer.Option("--ids", help="Only the ids in this file, one a line.")], None),
)
"""Which instances of a data set are meant."""


def chosen(
    *, split: str, slice_: str, pattern: str, shuffle: int | None, ids: list[str] | None, ids_file: Path | None
) -> Choice:
    """The options of `CHOICE` as a choice.

    Raises:
        UsageError: the file with ids cannot be read.
    """
    listed = (*(ids or ()), *(_read_ids(ids_file) if ids_file else ()))
    return Choice(split=split, slice=slice_, pattern=pattern, shuffle_seed=shuffle, ids=listed)


def _read_ids(path: Path) -> list[str]:
    from sweagent.errors import UsageError

    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}", "give a text file with one id a line") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
