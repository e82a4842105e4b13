"""Localise an issue in two steps: our ranking, then a model."""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from sweagent.frozen import Frozen
from sweagent.run.repository_texts import Place, known_files, known_places, likely_files, skeletons
from sweagent.run.role_prompts import role_prompt

if TYPE_CHECKING:
    from sweagent.run.run import Run

CALLS = 2
_RANKED = 30


class Files(Frozen):
    """The files to change."""

    paths: tuple[str, ...] = Field(min_length=1)


class Names(Frozen):
    """The definitions to read and change."""

    names: tuple[str, ...] = Field(min_length=1)


def localise(run: "Run", files: int, places: int, **settings: Any) -> list[Place]:
    """The places that a model names, after Agentless (C. Xia et al., 2024, arXiv:2407.01489); `CALLS` calls.

    What it names and there is not is left out; where nothing remains, our ranking stands.

    Args:
        run: whose issue it is.
        files: that are looked into, at the most.
        places: at the most.
        settings: of the questions.
    """
    ranked = likely_files(run, _RANKED)
    listed = "\n".join(f"{path} ({reason})" for path, reason in ranked)
    prompt = role_prompt(run, "file_localiser", files=listed, most=files)
    named = [path for answer in run.ask(prompt, Files, role="localiser", **settings) for path in answer.paths]
    chosen = (known_files(run, named) or [path for path, _ in ranked])[:files]
    prompt = role_prompt(run, "place_localiser", skeletons=skeletons(run, chosen), most=places)
    names = [name for answer in run.ask(prompt, Names, role="localiser", **settings) for name in answer.names]
    return known_places(run, names, chosen)[:places] or [Place(path) for path in chosen]
