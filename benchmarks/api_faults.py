"""What faults of a model's API cost: calls and seconds of waiting, ours beside tenacity alone.

    python benchmarks/api_faults.py

A real HTTP server on 127.0.0.1 shows each fault of the tests' table for as long as it is asked. Time is virtual: what
would have been slept is added up. `tenacity alone` retries every exception of `litellm.completion` seven times with
exponential waits of 1 to 60 seconds, and knows neither Retry-After nor what cannot get better.
"""

import importlib.util
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from sweagent.config import ModelSettings
from sweagent.errors import PolicyError
from sweagent.policy import Budget, LitellmPolicy, Message, ToolSchema, View
from sweagent.policy.calls.backoff import Backoff
from sweagent.policy.models import ModelInfo
from sweagent.policy.money.usage import Prices

TESTS = Path(__file__).parent.parent / "tests"
KEY = "sk-benchmark-0123456789"
ATTEMPTS = 7
BASH = ToolSchema(name="bash", description="Run a command.", parameters={"type": "object", "properties": {}})
VIEW = View(messages=(Message(role="user", content="Fix it."),), step=1)


class Outcome(NamedTuple):
    """What one fault cost."""

    calls: int
    seconds: float
    noticed: bool
    """The caller was told, or got an answer that it can use; False when an answer without content passed for one."""


def load(path: Path) -> ModuleType:
    """Import a file of the tests."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} cannot be read")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def ours(server: Any, slow: bool) -> Outcome:
    """One reply asked of our policy."""
    slept: list[float] = []
    backoff = Backoff(lambda: sum(slept), slept.append)
    settings = ModelSettings(
        name="openai/test-model", api_base=server.url, timeout=0.3 if slow else 20.0, extra={"api_key": KEY}
    )
    info = ModelInfo(name=settings.name, prices=Prices(input=1e-6, output=1e-6, cached=1e-6, cache_write=1e-6))
    policy = LitellmPolicy(settings, Budget(cost=100.0), info=info, backoff=backoff)
    with suppress(PolicyError):
        policy.respond(VIEW, [BASH])
    return Outcome(len(server.requests), sum(slept), True)


def tenacity_alone(server: Any, slow: bool) -> Outcome:
    """The same through litellm with tenacity round it."""
    import litellm
    from tenacity import RetryError, Retrying, stop_after_attempt, wait_exponential

    slept: list[float] = []
    retrying = Retrying(stop=stop_after_attempt(ATTEMPTS), wait=wait_exponential(min=1, max=60), sleep=slept.append)
    noticed = True
    try:
        response = retrying(
            litellm.completion,
            model="openai/test-model",
            api_base=server.url,
            api_key=KEY,
            timeout=0.3 if slow else 20.0,
            max_retries=0,
            messages=[{"role": "user", "content": "Fix it."}],
        )
        noticed = bool(response.choices)
    except RetryError:
        pass
    return Outcome(len(server.requests), sum(slept), noticed)


def main() -> None:
    """Run the benchmark."""
    http = load(TESTS / "support" / "openai_server.py")
    faults = load(TESTS / "policy" / "calls" / "test_provider_errors.py").FAULTS
    ways: dict[str, Callable[[Any, bool], Outcome]] = {"fix-issue": ours, "tenacity alone": tenacity_alone}
    print(f"{'fault that lasts':<34}" + "".join(f"{way:>26}" for way in ways))
    totals = {way: [0, 0.0] for way in ways}
    for name, (behaviour, _) in faults.items():
        line = f"{name:<34}"
        for way, ask in ways.items():
            with http.OpenAIServer(lambda _, chosen=behaviour: http.Behaviour(**chosen)) as server:
                outcome = ask(server, name == "hang")
            totals[way][0] += outcome.calls
            totals[way][1] += outcome.seconds
            mark = "" if outcome.noticed else " unnoticed"
            line += f"{f'{outcome.calls} calls {outcome.seconds:.0f} s{mark}':>26}"
        print(line, flush=True)
    print(f"{'total':<34}" + "".join(f"{f'{calls} calls {seconds:.0f} s':>26}" for calls, seconds in totals.values()))


if __name__ == "__main__":
    main()
