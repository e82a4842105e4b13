"""The `fix-issue` command: one module a subcommand."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with a documented code.

    Args:
        arguments: without the program's name; None takes those of the process.
    """
    from sweagent.cli.app import run
    from sweagent.home import ignore_dotenv_files

    ignore_dotenv_files()
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))
