"""`fix-issue models [NAME]`: what is known of a model."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweagent.cli import options

if TYPE_CHECKING:
    from sweagent.policy import ModelInfo

_ADD = """\
Nothing is known of {name}. To give its price, write this to ~/.config/fix-issue/models.yaml (US dollars per million \
tokens), or set a limit in tokens with --max-tokens:

models:
  - match: "{name}"
    context_window: 128000
    prices: {{input: 1.0, output: 4.0, cached: 0.1}}"""


def command(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="A model as litellm names it, or a part of names.")
    ] = "",
    as_json: options.Json = False,
) -> None:
    """Print a model's window, prices and settings; with a part of a name, the models that have it."""
    import json

    from sweagent.cli.console import wrapped
    from sweagent.installed import require_package
    from sweagent.policy.models import known_models, model_info, models_files

    require_package("litellm", "the price list of models")
    info = model_info(name) if name else None
    if info is not None and (info.prices or info.context_window or info.roulette):
        print(info.model_dump_json() if as_json else _table(info))
        return
    found = [known for known in known_models() if name and name.lower() in known.lower()]
    if as_json:
        print(json.dumps({"name": name, "known": False, "similar": found}))
    elif found:
        _print_list([model_info(known) for known in found])
    elif name:
        print(wrapped(_ADD.format(name=name), sys.stdout, ""))
    else:
        print(f"{len(known_models())} models are known; `fix-issue models claude` lists those named so.")
        print("Read from litellm's price list and:")
        for path in models_files():
            print(f"  {path}")


def _table(info: "ModelInfo") -> str:
    from sweagent.cli.console import wrapped

    prices = info.prices
    rows: list[tuple[str, Any]] = [
        ("model", info.name),
        ("context window", _tokens(info.context_window)),
        ("longest answer", _tokens(info.max_output)),
        ("input", _price(prices.input if prices else None)),
        ("cached input", _price(prices.cached if prices else None)),
        ("cache write", _price(prices.cache_write if prices else None)),
        ("output", _price(prices.output if prices else None)),
    ]
    rows += [
        (f"above {tier.above:,}", f"input {_price(tier.input)}, output {_price(tier.output)}")
        for tier in (prices.tiers if prices else ())
    ]
    rows += [
        ("tool calls", {True: "native", False: "as text", None: "native (not known)"}[info.native_tools]),
        ("cache markers", "sent" if info.cache_markers else "not needed"),
        ("API", info.api),
        ("keys", ", ".join(info.keys)),
        ("fallbacks", ", ".join(info.fallbacks)),
        ("mix of", ", ".join(info.roulette)),
        ("known from", ", ".join(info.sources)),
    ]
    return "\n".join(wrapped(f"{label:<16}{value}", sys.stdout, " " * 16) for label, value in rows if value)


def _print_list(models: list["ModelInfo"]) -> None:
    width = max(len(info.name) for info in models)
    heads = " ".join(f"{head:>9}" for head in ("input", "cached", "output"))
    print(f"{'model':<{width}} {'window':>10} {heads}   US dollars per million tokens")
    for info in models:
        window = f"{info.context_window:,}" if info.context_window else "?"
        prices = (info.prices.input, info.prices.cached, info.prices.output) if info.prices else (None,) * 3
        columns = " ".join(f"{_number(value):>9}" for value in prices)
        print(f"{info.name:<{width}} {window:>10} {columns}")


def _tokens(count: int | None) -> str:
    return f"{count:,} tokens" if count else "unknown"


def _price(per_token: float | None) -> str:
    return "unknown" if per_token is None else f"${_number(per_token)} per million tokens"


def _number(per_token: float | None) -> str:
    return "?" if per_token is None else f"{per_token * 1e6:.6g}"
