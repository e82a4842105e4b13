"""The loader of tools: one file a tool, the user's own first, and messages that say what is wrong."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from sweagent.errors import UsageError
from sweagent.policy import parse_reply
from sweagent.policy.replies.chat_format import to_tools
from sweagent.profiles import read_profile
from sweagent.resources import resource
from sweagent.sandbox.base import Sandbox
from sweagent.tool_api import ToolContext, ToolState, execute, load_tools
from sweagent.trajectory import Action

TOOL = '''
from pydantic import BaseModel, Field
from sweagent.trajectory import Observation

READ_ONLY = True

class Inner(BaseModel):
    name: str

class Parameters(BaseModel, extra="forbid"):
    """Not for the model."""
    count: int | None = Field(default=None, ge=1, description="how many")
    title: str = ""
    inner: list[Inner] = []

def run(context, parameters):
    """Say hello.

    Twice if asked.
    """
    return Observation(text="hello " * (parameters.count or 1))
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hello.py").write_text(TOOL)
    return tmp_path


def context() -> ToolContext:
    return ToolContext(sandbox=cast(Sandbox, None))


def call(tools: Any, tool: str, **arguments: Any) -> Any:
    return execute(tools, context(), Action(id="1", tool=tool, arguments=arguments))


def test_a_file_in_a_users_folder_is_a_tool(folder: Path) -> None:
    tools = load_tools(["submit", "hello"], [folder])
    assert list(tools) == ["submit", "hello"]
    assert tools["hello"].read_only
    assert tools["hello"].description == "Say hello.\n\nTwice if asked."
    assert call(tools, "hello", count=2).text == "hello hello "


def test_a_tool_that_fails_is_an_observation(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(TOOL.replace('return Observation(text="hello', 'return 1 / 0 and ("hello'))
    observation = call(load_tools(["hello"], [tmp_path]), "hello")
    assert (observation.status, observation.text) == ("error", "hello failed: ZeroDivisionError: division by zero")


def test_a_users_tool_goes_before_the_bundled_one(tmp_path: Path) -> None:
    (tmp_path / "submit.py").write_text(TOOL)
    assert load_tools(["submit"], [tmp_path])["submit"].description.startswith("Say hello")


def test_the_schema_is_without_titles_and_nulls(folder: Path) -> None:
    schema = load_tools(["hello"], [folder])["hello"].schema
    assert schema.name == "hello"
    assert schema.parameters["properties"]["count"] == {"type": "integer", "description": "how many"}
    assert schema.parameters["properties"]["title"] == {"type": "string"}
    assert "additionalProperties" not in schema.parameters
    assert "title" not in schema.parameters
    assert "description" not in schema.parameters


def test_wrong_calls_are_answered_with_what_is_wrong(folder: Path) -> None:
    tools = load_tools(["hello"], [folder])
    unknown = call(tools, "bye")
    assert (unknown.status, unknown.text) == ("refused", "there is no tool 'bye'; the tools are: hello")
    wrong = call(tools, "hello", count=0, extra=1)
    assert wrong.status == "refused"
    assert "`count`: Input should be greater than or equal to 1" in wrong.text
    assert "`extra`" in wrong.text


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("nope", None, "there is no tool 'nope'"),
        ("../tools/bash", None, "there is no tool"),
        ("empty", "", "is not a tool"),
        ("silent", TOOL.replace('"""Say hello.\n\n    Twice if asked.\n    """', "..."), "no docstring"),
    ],
)
def test_what_is_no_tool_is_refused_by_name(tmp_path: Path, name: str, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / f"{name}.py").write_text(text)
    with pytest.raises(UsageError, match=said):
        load_tools([name], [tmp_path])


def test_the_default_tools_cost_little_in_characters_and_in_tokens() -> None:
    import litellm
    from tokenizers import Tokenizer

    tools = load_tools(read_profile("default")["tools"])
    sent = json.dumps(to_tools([tool.schema for tool in tools.values()]))
    assert len(sent) <= 2_500
    # Two vocabularies that litellm brings along: OpenAI's and Anthropic's.
    anthropic = next(Path(litellm.__file__).parent.rglob("anthropic_tokenizer.json"))
    assert litellm.token_counter(model="gpt-4", text=sent) <= 720
    assert len(Tokenizer.from_file(str(anthropic)).encode(sent).ids) <= 720


@pytest.mark.parametrize("name", sorted(path.stem for path in resource("tools").glob("*.py")))
def test_every_bundled_tool_loads_and_tells_the_model_little(name: str) -> None:
    tool = load_tools([name])[name]
    assert len(tool.description) < 600
    assert tool.schema.parameters["type"] == "object"
    assert all("title" not in item for item in tool.schema.parameters["properties"].values())


def test_what_a_tool_declares_reaches_whoever_asks_for_it(tmp_path: Path) -> None:
    declared = 'EDITS = True\nSHELL = True\nMAIN_ARGUMENT = "title"\nALIASES = ("hi",)\n'
    (tmp_path / "hello.py").write_text(
        TOOL.replace("READ_ONLY = True\n", declared).replace('title: str = ""', "title: str")
    )
    tool = load_tools(["hello"], [tmp_path])["hello"]
    assert (tool.read_only, tool.edits) == (False, True)
    assert (tool.schema.shell, tool.schema.main_argument, tool.schema.aliases) == (True, "title", ("hi",))
    reply = parse_reply("It is this:\n```bash\nls\n```", [tool.schema], mode="text")
    assert reply.problem or [(action.tool, action.arguments) for action in reply.actions] == [
        ("hello", {"title": "ls"})
    ]
    called = parse_reply({"tool_calls": [{"function": {"name": "hi", "arguments": '{"title": "x"}'}}]}, [tool.schema])
    assert [action.tool for action in called.actions] == ["hello"]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ('MAIN_ARGUMENT = "none"\n', "MAIN_ARGUMENT"),
        ("SHELL = True\n", "MAIN_ARGUMENT"),
        ('ALIASES = "sh"\n', "ALIASES"),
    ],
)
def test_a_declaration_that_cannot_be_is_named(declared: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(TOOL + declared)
    with pytest.raises(UsageError, match=said):
        load_tools(["hello"], [tmp_path])


def test_tools_share_what_they_remember_by_its_type() -> None:
    state = ToolState()
    state.of(list).append(1)
    assert (state.of(list), state.of(set), state.of(int, lambda: 7)) == ([1], set(), 7)
