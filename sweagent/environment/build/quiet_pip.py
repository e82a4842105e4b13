"""Run pip so that it can start no program.

Run as a script, by itself, with pip's arguments. `--only-binary` does not bind requirements that name an address, of
which a wheel's own metadata may have some too.
"""

import runpy
import sys
from typing import Any

_STARTING = frozenset(
    {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"}
)


def _refuse(event: str, _arguments: tuple[Any, ...]) -> None:
    if event in _STARTING:
        raise PermissionError("pip may start no program here: only wheels are installed")


if __name__ == "__main__":
    sys.addaudithook(_refuse)
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
