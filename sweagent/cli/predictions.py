"""`fix-issue predictions`: patches in the layouts of other tools."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from sweagent.plurals import counted

if TYPE_CHECKING:
    from sweagent.batch.data.predictions import Layout


def command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="A .json or .jsonl file, or the folder of a batch of this program, mini-swe-agent or SWE-agent.",
        ),
    ],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where they are written; made when missing.")],
    layout: Annotated[str, typer.Option(help="official (preds.jsonl), mini-swe-agent or swe-agent.")] = "official",
) -> None:
    """Convert predictions between the official form and the layouts of mini-swe-agent and SWE-agent."""
    from sweagent.batch.data.predictions import read_predictions, write_layout
    from sweagent.errors import UsageError

    if layout not in _layouts():
        raise UsageError(f"{layout!r} is not a layout", f"the layouts are: {', '.join(_layouts())}")
    predictions = read_predictions(source)
    chosen: Layout = layout  # type: ignore[assignment] # checked above
    write_layout(folder, predictions, chosen)
    print(f"{counted(len(predictions), 'prediction')} in {folder}")


def _layouts() -> tuple[str, ...]:
    from sweagent.batch.data.predictions import Layout

    return get_args(Layout)
