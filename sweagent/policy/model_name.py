"""Refuse a misspelt model name before anything is built."""

import difflib
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from sweagent.errors import UsageError
from sweagent.policy.models import ModelInfo, known_models

_ALIKE = 0.75
_MISSPELT = 0.92
"""So alike are names of which one is a slip of the other; digits are left out, which tell versions apart."""
_NAMED = 3
_ENUM = re.compile(r"^class LlmProviders\(.*?(?=^\S)", re.MULTILINE | re.DOTALL)


def check_model_name(info: ModelInfo) -> None:
    """Refuse a name that leads to no provider, or that is a slip of a known one.

    A name that the price list or a models file has is taken. Whether a provider has a model that is in neither is known
    only to the provider.

    Raises:
        UsageError: no provider is called so, or the model's name is a slip.
    """
    if info.listed:
        return
    near = close_names(info.name)
    also = f"did you mean {' or '.join(near)}? " if near else ""
    provider, slash, _ = info.name.partition("/")
    known = providers()
    if known and (not slash or provider not in known):
        what = f"there is no provider {provider!r}" if slash else f"it is not known which provider has {info.name!r}"
        raise UsageError(
            what, f"{also}write it as PROVIDER/MODEL, as in openai/gpt-5; a server of your own needs --api-base"
        )
    if info.keys and _is_slip(info.name, near):
        raise UsageError(
            f"the model {info.name} is not known",
            f"{also}if it is new, give it an entry in a models file (`fix-issue models {info.name}` shows how)",
        )


def close_names(name: str) -> tuple[str, ...]:
    """Names of known models that look much like one that is not known, the best first."""
    provider, slash, bare = name.lower().rpartition("/")
    plain = [model for model in known_models() if "/" not in model]
    near = difflib.get_close_matches(bare, plain, n=_NAMED, cutoff=_ALIKE)
    if slash:
        same = [model for model in known_models() if model.startswith(f"{provider}/")]
        near = difflib.get_close_matches(name, same, n=_NAMED, cutoff=_ALIKE) + near
    return tuple(dict.fromkeys(near))[:_NAMED]


@lru_cache(maxsize=1)
def providers() -> frozenset[str]:
    """The providers that litellm has, read from its source, for to import it takes seconds; empty where that fails."""
    spec = find_spec("litellm")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, "types", "utils.py")
        if path.is_file() and (found := _ENUM.search(path.read_text(encoding="utf-8"))):
            return frozenset(re.findall(r'^    \w+ = "([\w.-]+)"', found[0], re.MULTILINE))
    return frozenset()


def _is_slip(name: str, near: tuple[str, ...]) -> bool:
    """Whether the letters of a name are almost those of a known one, and not just those."""
    letters = _letters(name)
    alike = (difflib.SequenceMatcher(None, letters, _letters(other)).ratio() >= _MISSPELT for other in near)
    return any(alike) and all(_letters(other) != letters for other in known_models())


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]+", "", name.lower().rpartition("/")[2])
