"""Instance images for the official evaluation, made by the product's own environment builder.

    python benchmarks/grading_images.py ROWS.jsonl --mirror FOLDER [--ids FILE]

ROWS are in the 5.x form (see `grading_rows.py`); FOLDER holds a git directory `<owner>+<name>/repo` for each project.
On the environment's image comes a thin layer: what an eval script expects of an official image, which is the command
`conda`, pip that answers without a network and has what a build of the project needs, and `tox` where the script starts
it. An image that is there is kept.
"""

import argparse
import json
import shlex
import time
import tomllib
from pathlib import Path
from typing import Any

from sweagent.config import SandboxSettings, Settings
from sweagent.environment import Image, discover, ensure_image
from sweagent.environment.bases.offline_base import context_archive
from sweagent.environment.build.build_network import build_network
from sweagent.environment.docker_build import build
from sweagent.environment.registry.dated_registry import HOST, python_index
from sweagent.errors import FixIssueError
from sweagent.git import git
from sweagent.sandbox.engine import connect, find_image
from sweagent.task import Repository

_CONDA = b"conda() { :; }\n"
_COMMIT = "git -c user.name=builder -c user.email=builder@localhost commit -qam 'Prepare the tests'"


_SEEN_BY_TOX = """\
import pathlib, sys, sysconfig
folder = pathlib.Path(sys.base_prefix, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}", "site-packages")
folder.mkdir(parents=True, exist_ok=True)
(folder / "environment.pth").write_text(sysconfig.get_path("purelib"))
"""
"""tox links to the interpreter itself, from where the packages of the virtual environment are not seen."""


def layer(row: dict[str, Any], environment: Image, build_needs: list[str]) -> str:
    """The Dockerfile of the thin layer."""
    lines = [f"FROM {environment.name}", "COPY activate /opt/miniconda3/bin/activate"]
    install = f"pip install --no-cache-dir --trusted-host {HOST} -i {python_index(None)}"
    if build_needs:
        lines.append(f"RUN {install} {shlex.join(build_needs)}")
    if any(need.startswith("setuptools-scm") for need in build_needs):
        # The tree has no tags from which the version could be told.
        lines.append(f"ENV SETUPTOOLS_SCM_PRETEND_VERSION={row['version']}.dev0")
    if "\ntox " in row["eval_script"]:
        lines.append(f"RUN {install} tox tox-current-env")
        lines.append(f"RUN {json.dumps(['python', '-c', _SEEN_BY_TOX])}")
    prepared = " && ".join(row.get("pre_install", []))
    if prepared:
        command = f"{prepared} && {{ git diff --quiet || {_COMMIT}; }}"
        lines.append(f"RUN {json.dumps(['/bin/sh', '-ec', command])}")
    # A value of `0` is how pip's own environment variable switches the isolation off.
    lines.append("ENV PIP_NO_INDEX=1 PIP_NO_BUILD_ISOLATION=0")
    return "\n".join(lines) + "\n"


def build_needs(git_dir: Path, commit: str) -> list[str]:
    """What a build of the project needs, as its pyproject.toml says it."""
    shown = git("show", f"{commit}:pyproject.toml", git_dir=git_dir, allowed=(0, 128))
    said = tomllib.loads(shown.stdout.decode("utf-8")) if shown.status == 0 else {}
    return list(said.get("build-system", {}).get("requires", []))


def ensure_instance_image(row: dict[str, Any], mirror: Path) -> str:
    """Find or make the image of one row, and say how it went."""
    client = connect()
    try:
        if find_image(client, row["image"]) is not None:
            return "present"
        git_dir = mirror / row["repo"].replace("/", "+") / "repo"
        repository = Repository(
            source=row["repo"], git_dir=str(git_dir), base_commit=row["base_commit"], name=row["repo"]
        )
        recipe = discover(repository.git_dir, repository.base_commit, name=repository.name)
        environment = ensure_image(recipe, repository, Settings(), log=lambda line: None)
        context = context_archive(
            {
                "Dockerfile": layer(row, environment, build_needs(git_dir, row["base_commit"])).encode(),
                "activate": _CONDA,
            }
        )
        with build_network(client, SandboxSettings(), print) as network:
            build(client, context, network=network, arguments={}, tag=row["image"], labels={}, log=lambda line: None)
        return f"built on Python {recipe.toolchain.value}"
    finally:
        client.close()


def main() -> None:
    """Make the images one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--mirror", type=Path, required=True)
    parser.add_argument("--ids", type=Path, help="a file with the ids, in the order to build; all rows by default")
    options = parser.parse_args()
    rows = {row["instance_id"]: row for row in map(json.loads, options.rows.read_text(encoding="utf-8").splitlines())}
    for name in options.ids.read_text(encoding="utf-8").split() if options.ids else rows:
        started = time.monotonic()
        try:
            outcome = ensure_instance_image(rows[name], options.mirror)
        except FixIssueError as error:
            outcome = f"failed: {shlex.join(str(error).splitlines()[-3:])}"
        print(f"{name}: {outcome} ({time.monotonic() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
