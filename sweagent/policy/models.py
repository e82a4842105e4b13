"""What is known of a model: window, prices, how it is called.

Two sources: the price list that litellm bundles (read as a file, so that litellm need not be imported), and
`models.yaml` with the user's own file on top of it.
"""

import fnmatch
import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from sweagent.errors import UsageError
from sweagent.frozen import Frozen
from sweagent.home import config_folder
from sweagent.policy.money.usage import Prices, Tier

_PRICE_LIST = "model_prices_and_context_window_backup.json"
_MILLION = 1e6


class PriceEntry(Frozen):
    """Prices in US dollars per million tokens, as people write them."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)
    cache_write: float | None = Field(default=None, ge=0)

    def per_token(self) -> Prices:
        """The same in US dollars per token; a cache that is not priced costs what plain input costs."""
        plain = self.input / _MILLION
        return Prices(
            input=plain,
            output=self.output / _MILLION,
            cached=plain if self.cached is None else self.cached / _MILLION,
            cache_write=plain if self.cache_write is None else self.cache_write / _MILLION,
        )


class ModelEntry(Frozen):
    """One entry of a models file; see the head of `models.yaml`."""

    match: str
    context_window: int | None = Field(default=None, gt=0)
    max_output: int | None = Field(default=None, gt=0)
    native_tools: bool | None = None
    cache_markers: bool | None = None
    carry_reasoning: bool | None = None
    api: Literal["chat", "responses"] | None = None
    prices: PriceEntry | None = None
    arguments: dict[str, Any] | None = None
    keys: tuple[str, ...] | None = None
    fallbacks: tuple[str, ...] | None = None
    roulette: tuple[str, ...] | None = None


class ModelInfo(Frozen):
    """What is known of a model; None where nothing is."""

    name: str
    provider: str | None = None
    context_window: int | None = None
    """Tokens of the prompt."""
    max_output: int | None = None
    """Tokens of an answer."""
    native_tools: bool | None = None
    cache_markers: bool = False
    carry_reasoning: bool = False
    api: Literal["chat", "responses"] = "chat"
    prices: Prices | None = None
    arguments: dict[str, Any] = {}
    keys: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    roulette: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Where this comes from."""

    @property
    def listed(self) -> bool:
        """Whether this very model is known, rather than what a pattern says of all of a provider's."""
        return bool(self.prices or self.context_window or self.roulette)


def model_info(name: str) -> ModelInfo:
    """Look a model up by its litellm name.

    Raises:
        UsageError: a models file cannot be read.
    """
    values: dict[str, Any] = {"name": name}
    sources: list[str] = []
    listed = _from_price_list(name)
    if listed:
        values.update(listed)
        sources.append("litellm's price list")
    for path in models_files():
        for entry in _entries(path, path.stat().st_mtime_ns):
            if fnmatch.fnmatch(name.lower(), entry.match.lower()):
                said = {key: getattr(entry, key) for key in entry.model_fields_set - {"match"}}
                if entry.prices is not None:
                    said["prices"] = entry.prices.per_token()
                values.update({key: value for key, value in said.items() if value is not None})
                sources.append(f"{path.name} ({entry.match})")
    return ModelInfo(**values, sources=tuple(sources))


def known_models() -> tuple[str, ...]:
    """The names of litellm's price list that can hold a conversation, sorted."""
    return tuple(sorted(name for name, entry in _price_list().items() if entry.get("mode") in ("chat", "responses")))


def usual_keys() -> tuple[str, ...]:
    """The environment variables that the models files name as keys, in their order."""
    entries = (entry for path in models_files() for entry in _entries(path, path.stat().st_mtime_ns))
    return tuple(dict.fromkeys(key for entry in entries for key in entry.keys or ()))


def models_files() -> tuple[Path, ...]:
    """The models files there are, the bundled one first; later ones win."""
    own = os.environ.get("FIX_ISSUE_MODELS")
    if own and not (Path(own).is_absolute() and Path(own).is_file()):
        raise UsageError(f"there is no file {own}", "FIX_ISSUE_MODELS must name a models file by its absolute path")
    user = config_folder() / "models.yaml"
    chosen = Path(own) if own else user
    return (Path(__file__).with_name("models.yaml"), *([chosen] if chosen.is_file() else []))


@lru_cache(maxsize=8)
def _entries(path: Path, _changed: int) -> tuple[ModelEntry, ...]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return tuple(ModelEntry(**entry) for entry in data.get("models", ()))
    except ValidationError as error:
        item = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in item["loc"])
        raise UsageError(
            f"{path}: {place}: {item['msg']}", "the head of models.yaml lists what an entry holds"
        ) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, AttributeError) as error:
        raise UsageError(f"cannot read {path}: {error}", "it must hold a list `models` of entries") from error


@lru_cache(maxsize=1)
def _price_list() -> Mapping[str, dict[str, Any]]:
    spec = find_spec("litellm")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / _PRICE_LIST
        if path.is_file():
            data = json.loads(path.read_text(encoding="utf-8"))
            return {name: entry for name, entry in data.items() if isinstance(entry, dict)}
    return {}


def _from_price_list(name: str) -> dict[str, Any]:
    entry = _price_list().get(name)
    if entry is None and "/" in name:
        provider, rest = name.split("/", 1)
        entry = _price_list().get(rest)
        # Another provider's price for a model of the same name would be a wrong price.
        if entry is not None and str(entry.get("litellm_provider", "")).split("-")[0] != provider.split("_")[0]:
            entry = None
    if entry is None:
        return {}
    return {
        "provider": entry.get("litellm_provider"),
        "context_window": _number(entry.get("max_input_tokens")),
        "max_output": _number(entry.get("max_output_tokens")),
        "native_tools": bool(entry.get("supports_function_calling")),
        "api": "responses" if entry.get("mode") == "responses" else "chat",
        "prices": _prices(entry),
    }


def _prices(entry: dict[str, Any]) -> Prices | None:
    base = _rates(entry, "")
    if base is None:
        return None
    thresholds = {
        int(found[1])
        for key in entry
        if (found := re.fullmatch(r"(?:in|out)put_cost_per_token_above_(\d+)k_tokens", key))
    }
    tiers = (
        Tier(above=threshold * 1000, **rates)
        for threshold in sorted(thresholds)
        if (rates := _rates(entry, f"_above_{threshold}k_tokens", base))
    )
    return Prices(**base, tiers=tuple(tiers))


def _rates(entry: dict[str, Any], suffix: str, base: dict[str, float] | None = None) -> dict[str, float] | None:
    plain = entry.get(f"input_cost_per_token{suffix}", base and base["input"])
    output = entry.get(f"output_cost_per_token{suffix}", base and base["output"])
    if plain is None or output is None:
        return None
    cached = entry.get(f"cache_read_input_token_cost{suffix}")
    # A write at no price is how the list says that writing costs no more than plain input.
    written = entry.get(f"cache_creation_input_token_cost{suffix}") or plain
    return {
        "input": float(plain),
        "output": float(output),
        "cached": float(plain if cached is None else cached),
        "cache_write": float(written),
    }


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and value > 0 else None


def models_behind(name: str) -> tuple[str, ...]:
    """The models that stand behind a name: those of a roulette, or the model and its fallbacks."""
    info = model_info(name)
    return info.roulette or (name, *info.fallbacks)
