"""What the action says to the runner cannot be abused by what it carries."""

import pytest

from sweagent.forge.action.environment import agent_environment
from sweagent.forge.action.workflow import Workflow, moment


def outputs(path):
    """Read the file as the runner does."""
    values, lines = {}, iter(path.read_text().split("\n"))
    for line in lines:
        if "<<" in line:
            name, delimiter = line.split("<<", 1)
            values[name] = "\n".join(iter(lambda d=delimiter: next(lines), delimiter))  # type: ignore[misc]
        elif "=" in line:
            name, value = line.split("=", 1)
            values[name] = value
    return values


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "",
        "EOF\nproceed=true",
        "a\nEOF\nb",
        "::set-output name=proceed::true",
        "x<<EOF\ny\nEOF",
        "end-\n",
        "ü\n\n",
    ],
)
def test_no_value_sets_another_output(tmp_path, value):
    path = tmp_path / "output"
    workflow = Workflow({"GITHUB_OUTPUT": str(path)})
    workflow.output("first", value)
    workflow.output("second", "2")
    assert outputs(path) == {"first": value, "second": "2"}


def test_messages_stay_on_one_line():
    lines = []
    workflow = Workflow({}, lines.append)
    workflow.error("a\n::add-mask::b\r%0A")
    workflow.notice("x\n::warning::y")
    assert lines == ["::error title=fix-issue::a%0A::add-mask::b%0D%250A", "::notice title=fix-issue::x%0A::warning::y"]


def test_commands_in_untrusted_output_are_switched_off():
    lines = []
    workflow = Workflow({}, lines.append)
    with workflow.untrusted_output():
        workflow.log("::set-output name=a::b")
    assert lines[0].startswith("::stop-commands::")
    assert lines[2] == f"::{lines[0].removeprefix('::stop-commands::')}::"
    assert len(lines[0]) > 40


def test_the_agent_gets_no_token_and_no_file_of_the_runner(tmp_path):
    kept = {"PATH": "/bin", "ANTHROPIC_API_KEY": "k", "HOME": "/h"}
    files = [f"GITHUB_{name}" for name in ("OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY")]
    tokens = ["GITHUB_TOKEN", "GH_TOKEN", "FIX_ISSUE_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    dropped = [*files, *tokens, "INPUT_API_KEY", "INPUT_GITHUB_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"]
    given = {**kept, **dict.fromkeys(dropped, "x")}
    assert agent_environment(given, (), tmp_path) == {**kept, "XDG_CONFIG_HOME": str(tmp_path)}


@pytest.mark.parametrize("text", ["", None, "yesterday"])
def test_moments_that_are_none(text):
    assert moment(text) is None
