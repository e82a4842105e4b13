"""Fixtures of the policy's tests: tools, a real server, a clock that nobody waits for."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sweagent.config import ModelSettings
from sweagent.policy import Budget, LitellmPolicy, ToolSchema, View
from sweagent.policy.base import Message
from sweagent.policy.calls.backoff import Backoff
from sweagent.policy.models import ModelInfo
from sweagent.policy.money.usage import Prices
from sweagent.tool_api import load_tools


def _load(name: str) -> ModuleType:
    path = Path(__file__).parent.parent / "support" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"tests_support_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture(scope="session")
def http() -> ModuleType:
    """The module with the OpenAI-compatible server."""
    return _load("openai_server")


@pytest.fixture
def server(http: ModuleType) -> Iterator[Any]:
    with http.OpenAIServer() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def tools() -> list[ToolSchema]:
    text, number = {"type": "string"}, {"type": "integer"}
    shipped = load_tools(["bash", "view", "edit", "test", "submit"])
    aliases = {name: tool.aliases for name, tool in shipped.items()}
    return [
        ToolSchema(
            name="bash",
            description="Run a command.",
            aliases=aliases["bash"],
            shell=True,
            main_argument="command",
            parameters={
                "type": "object",
                "properties": {"command": text, "timeout": {"type": "number"}, "background": {"type": "boolean"}},
                "required": ["command"],
            },
        ),
        ToolSchema(
            name="view",
            description="Show a file.",
            aliases=aliases["view"],
            parameters={
                "type": "object",
                "properties": {"path": text, "start": number, "end": number},
                "required": ["path"],
            },
        ),
        ToolSchema(
            name="edit",
            description="Change a file.",
            aliases=aliases["edit"],
            parameters={
                "type": "object",
                "properties": {
                    "command": {"type": "string", "enum": ["create", "str_replace"]},
                    "path": text,
                    "old": text,
                    "new": text,
                },
                "required": ["command", "path"],
            },
        ),
        ToolSchema(
            name="test",
            description="Run tests.",
            aliases=aliases["test"],
            parameters={"type": "object", "properties": {"tests": {"type": "array", "items": text}}},
        ),
        ToolSchema(
            name="submit",
            description="Finish.",
            aliases=aliases["submit"],
            parameters={"type": "object", "properties": {"summary": text}},
        ),
    ]


PRICES = Prices(input=1e-6, output=4e-6, cached=1e-7, cache_write=1.25e-6)


@pytest.fixture
def make(server: Any, clock: Clock) -> Callable[..., LitellmPolicy]:
    """Make a policy that calls the server; keywords are settings, `budget`, `info`, `caller` or `complete`."""

    def build(**given: Any) -> LitellmPolicy:
        budget = given.pop("budget", None) or Budget(cost=10.0)
        info = given.pop("info", None) or ModelInfo(name="openai/test-model", prices=PRICES)
        complete, caller = given.pop("complete", None), given.pop("caller", None)
        extra = {"api_key": "sk-test-0123456789abcdef", **given.pop("extra", {})}
        settings = ModelSettings(
            **{"name": "openai/test-model", "api_base": server.url, "max_output_tokens": 500, **given}, extra=extra
        )
        backoff = Backoff(clock, clock.sleep)
        return LitellmPolicy(settings, budget, info=info, backoff=backoff, complete=complete, caller=caller)

    return build


@pytest.fixture
def view() -> View:
    return View(messages=(Message(role="system", content="Be good."), Message(role="user", content="Fix it.")), step=1)
