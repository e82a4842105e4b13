"""What `fix-issue doctor` looks at."""

import os
import shutil
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from sweagent import __version__
from sweagent.cli.console import counted
from sweagent.errors import FixIssueError
from sweagent.frozen import Frozen

_PATIENCE = 10
"""Seconds that a registry may take to answer."""


class Check(Frozen):
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "missing", "warning"]
    text: str
    hint: str = ""


def checkup() -> Iterator[tuple[str, Iterator[Check]]]:
    """What there is to look at, group by group: what it is called, and its checks, made when they are asked for.

    Nothing is changed. Of the outside, only the registries are asked whether they answer.
    """
    yield "looking at programs", _programs()
    yield "looking for sandboxes", _sandboxes()
    yield "looking for keys", _keys()
    yield "asking the registries", _registries()
    yield "counting environments", _images()
    yield "looking for leftovers", _leftovers()


def _programs() -> Iterator[Check]:
    yield Check(name="fix-issue", state="ok", text=f"{__version__} on Python {sys.version.split()[0]}")
    git = shutil.which("git")
    hint = "" if git else "install git"
    yield Check(name="git", state="ok" if git else "missing", text=git or "not on PATH", hint=hint)


def _sandboxes() -> Iterator[Check]:
    from sweagent.sandbox import probe

    for kind in ("docker", "bubblewrap"):
        found = probe(kind)
        text = ", ".join(f"{name} {value}" for name, value in found.details.items()) or found.problem
        yield Check(name=kind, state="ok" if found.works else "missing", text=text, hint=found.hint)
        for warning in found.warnings:
            yield Check(name=kind, state="warning", text=warning)


def _keys() -> Iterator[Check]:
    from sweagent.policy.models import usual_keys

    set_keys = [name for name in usual_keys() if os.environ.get(name)]
    yield Check(
        name="model key",
        state="ok" if set_keys else "missing",
        text=", ".join(set_keys) or "none of the usual variables is set",
        hint="" if set_keys else "export the key of your provider (ANTHROPIC_API_KEY …), or use --api-base or --policy",
    )
    token = next((name for name in ("FIX_ISSUE_TOKEN", "GITHUB_TOKEN", "GH_TOKEN") if os.environ.get(name)), "")
    yield Check(
        name="forge token",
        state="ok" if token else "missing",
        text=token or "none set",
        hint="" if token else "needed for private repositories and for pull requests: export GITHUB_TOKEN",
    )


def _registries() -> Iterator[Check]:
    """Whether builds can get packages and base images."""
    from sweagent.environment.registry.settings import read_registry_settings

    settings = read_registry_settings()
    for index in settings.python_indexes:
        problem = _index_problem(index, settings.certificates)
        yield Check(
            name="package registry",
            state="missing" if problem else "ok",
            text=f"{urlsplit(index).hostname or index}: {problem or 'answers'}",
            hint="builds need it unless an image is given with --image: see `pip config list`" if problem else "",
        )
    if (answers := _image_registry_answers()) is not None:
        yield Check(
            name="image registry",
            state="ok" if answers else "missing",
            text="answers" if answers else "does not answer",
            hint="" if answers else "not needed: base images are then made from Debian packages (`fix-issue env base`)",
        )


def _index_problem(index: str, certificates: str | None) -> str:
    import httpx

    if index.startswith("file:"):
        return "" if Path(unquote(urlsplit(index).path)).is_dir() else "there is no such folder"
    context = ssl.create_default_context(cafile=certificates)
    try:
        answer = httpx.get(f"{index}/pip/", timeout=_PATIENCE, verify=context, follow_redirects=True)
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    return f"HTTP {answer.status_code}" if answer.is_error else ""


def _image_registry_answers() -> bool | None:
    """Whether the engine reaches an image registry; None without an engine."""
    from sweagent.sandbox.engine import connect, engine_failures

    try:
        client = connect(timeout=_PATIENCE)
    except FixIssueError:
        return None
    try:
        client.images.get_registry_data("debian:stable-slim")
    except engine_failures():
        return False
    finally:
        client.close()
    return True


def _images() -> Iterator[Check]:
    from sweagent.environment import disk_use, list_images
    from sweagent.sizes import format_size

    try:
        images, use = list_images(), disk_use()
    except FixIssueError:
        return
    yield Check(
        name="images",
        state="ok",
        text=f"{counted(len(images), 'environment')}, {format_size(use)}",
        hint="`fix-issue env prune` frees disk" if images else "the first run on a repository builds one",
    )


def _leftovers() -> Iterator[Check]:
    from sweagent.sandbox import find_leftovers

    found = find_leftovers()
    if found:
        text = f"{counted(len(found), 'sandbox', 'sandboxes')} of ended or killed runs"
        yield Check(
            name="leftovers", state="warning", text=text, hint="`fix-issue clean` removes them; so does the next run"
        )
