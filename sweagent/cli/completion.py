"""`fix-issue completion SHELL`: complete words in bash, zsh, fish."""

import os
from collections.abc import Collection
from typing import Annotated, Literal

import typer

PROGRAM = "fix-issue"
VARIABLE = "_FIX_ISSUE_COMPLETE"
"""Set by a shell that asks for completions."""

Shell = Literal["bash", "zsh", "fish"]


def command(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print a script for a shell that completes commands, options and names of runs.

    \b
      bash   fix-issue completion bash >> ~/.bashrc
      zsh    fix-issue completion zsh >> ~/.zshrc
      fish   fix-issue completion fish > ~/.config/fish/completions/fix-issue.fish
    """
    from typer._completion_shared import get_completion_script

    print(get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell))


def asked() -> bool:
    """Whether a shell asks for completions."""
    return VARIABLE in os.environ


def prepare(commands: Collection[str]) -> None:
    """Make typer ready to answer; words that start no command are those of the main job.

    Args:
        commands: the names of all commands.
    """
    from typer._completion_classes import completion_init

    completion_init()
    for name in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS"):
        words = os.environ.get(name, "").split(" ")
        if len(words) > 2 and words[1] not in commands and not words[1].startswith("-"):
            os.environ[name] = " ".join([words[0], "solve", *words[1:]])
            if name == "COMP_WORDS" and os.environ.get("COMP_CWORD", "").isdigit():
                os.environ["COMP_CWORD"] = str(int(os.environ["COMP_CWORD"]) + 1)


def run_names(incomplete: str) -> list[str]:
    """Names of the user's runs that begin so."""
    from sweagent.run_folder import runs_folder

    folder = runs_folder()
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return [name for name in ("last", *sorted(names, reverse=True)) if name.startswith(incomplete)]
