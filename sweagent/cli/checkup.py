"""What `fix-issue doctor` looks at."""

import os
import shutil
import sys
from collections.abc import Iterator
from typing import Literal

from sweagent import __version__
from sweagent.errors import FixIssueError
from sweagent.model import Frozen

_KEYS = (
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "OPENROUTER_API_KEY",
    "MISTRAL_API_KEY",
    "AZURE_API_KEY",
)


class Check(Frozen):
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "missing", "warning"]
    text: str
    hint: str = ""


def checkup() -> list[Check]:
    """Look at everything; nothing is changed, and nothing outside this machine is asked."""
    return [*_programs(), *_sandboxes(), *_keys(), *_images(), *_leftovers()]


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
    set_keys = [name for name in _KEYS if os.environ.get(name)]
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


def _images() -> Iterator[Check]:
    from sweagent.environment import disk_use, list_images

    try:
        images, use = list_images(), disk_use()
    except FixIssueError:
        return
    yield Check(
        name="images",
        state="ok",
        text=f"{len(images)} environments, {use / 1e9:.1f} GB",
        hint="`fix-issue env prune` frees disk" if images else "the first run on a repository builds one",
    )


def _leftovers() -> Iterator[Check]:
    from sweagent.sandbox import find_leftovers

    found = find_leftovers()
    if found:
        text = f"{len(found)} sandboxes of runs that are no more"
        yield Check(
            name="leftovers", state="warning", text=text, hint="`fix-issue clean` removes them; so does the next run"
        )
