"""The least that a batch of containers can cost: no agent, no model, no books, only containers and commands.

    python benchmarks/batch_empty_loop.py IMAGE OUTPUT --way exec|shell [--instances 20] [--workers 8]

For each instance a container is made, three commands run in it, and it is removed. `exec` starts `docker exec` for each
command; `shell` writes them to one shell that stays.
"""

import argparse
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

COMMANDS = ("cat shapes.*", "sed -i 's/width + height$/width * height/' shapes.*", "git diff")


def by_exec(image: str) -> str:
    """One process of the client for each command."""
    made = _docker("run", "-d", image, "sleep", "600").strip()
    try:
        return [_docker("exec", made, "bash", "-c", command) for command in COMMANDS][-1]
    finally:
        _docker("rm", "-f", made)


def by_shell(image: str) -> str:
    """One process of the client for all commands."""
    script = "\n".join(["exec 3>&1 >/dev/null", *COMMANDS[:-1], f"{COMMANDS[-1]} >&3", ""])
    return _docker("run", "-i", "--rm", image, "bash", said=script)


def main() -> None:
    """Read the command line, run all instances, write the patches as predictions."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("image")
    parser.add_argument("output", type=Path)
    parser.add_argument("--way", choices=("exec", "shell"), required=True)
    parser.add_argument("--instances", type=int, default=20)
    parser.add_argument("--workers", type=int, default=8)
    options = parser.parse_args()
    run = by_exec if options.way == "exec" else by_shell
    with ThreadPoolExecutor(options.workers) as pool:
        patches = list(pool.map(run, [options.image] * options.instances))
    options.output.mkdir(parents=True)
    predictions = {f"acme__shapes-{number}": {"model_patch": patch} for number, patch in enumerate(patches)}
    (options.output / "preds.json").write_text(json.dumps(predictions), encoding="utf-8")


def _docker(*arguments: str, said: str = "") -> str:
    return subprocess.run(["docker", *arguments], input=said, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
