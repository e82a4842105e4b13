"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sweagent.cli.completion import run_names

RUN = "Run"
WHERE = "Where it runs"

Model = Annotated[str | None, typer.Option("--model", "-m", help="The model, as litellm names it.")]
ApiBase = Annotated[str | None, typer.Option(help="Base URL of an OpenAI-compatible server.")]
PolicySource = Annotated[
    str | None,
    typer.Option("--policy", help="Play a script or a trajectory; `human` asks you."),
]
Profile = Annotated[str | None, typer.Option(help="The prompts and tools that the model gets: a name or a folder.")]
Cost = Annotated[float | None, typer.Option("--max-cost", help="Limit in US dollars.")]
Tokens = Annotated[int | None, typer.Option("--max-tokens", help="Limit in tokens.")]
Steps = Annotated[int | None, typer.Option("--max-steps", help="Limit in steps.")]
Seconds = Annotated[float | None, typer.Option("--max-seconds", help="Limit of the agent's wall time.")]
Strategy = Annotated[
    str | None,
    typer.Option(help="single (the default), best-of, reflexion, pipeline, roles, tree, or one of your own."),
]
Attempts = Annotated[int | None, typer.Option(help="Maximum number of attempts, for strategies that make several.")]
SandboxKind = Annotated[str | None, typer.Option("--sandbox", help="auto, docker, bubblewrap or local.")]
Image = Annotated[str | None, typer.Option(help="Use this image instead of building one.")]
Network = Annotated[bool | None, typer.Option("--network/--no-network", help="Open the network (off by default).")]
AllowHosts = Annotated[
    list[str] | None,
    typer.Option("--allow-host", help="A host that the sandbox may reach all the same; may be repeated (Docker only)."),
]
SetupCommand = Annotated[
    str | None, typer.Option(help="What the environment needs besides: shell commands, one a line, run once.")
]
TestCommand = Annotated[str | None, typer.Option(help="How the project runs its tests.")]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept", metavar="NAME", help="You have looked at this finding: a rule, or RULE:PATH; may be repeated."
    ),
]
ApiUrl = Annotated[
    str | None, typer.Option(envvar="FIX_ISSUE_API_URL", help="The forge's REST API; GitHub's by default.")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="A file with settings, over your own ~/.config/fix-issue/config.yaml.")
]
Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="A run's folder, its name or the start of it, or `last`.", autocompletion=run_names
    ),
]
Confirm = Annotated[
    bool, typer.Option("--confirm", help="Ask before each action that changes something: yes, no, always, edit.")
]
Notify = Annotated[
    str | None, typer.Option(help="Announce the end: `bell`, `osc9` (a notification of the terminal), or a command.")
]
Executor = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WHERE",
        help="local (the default), pipe:COMMAND that starts a node (may be repeated), or ray[:ADDRESS].",
    ),
]
Nodes = Annotated[
    int, typer.Option(min=1, help="How often a pipe's command is started; {node} in it stands for the number.")
]
Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Show thoughts and observations.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing but the result.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print JSON objects on standard output, one a line.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def settings_options(
    *,
    policy: str | None = None,
    model: str | None = None,
    api_base: str | None = None,
    profile: str | None = None,
    cost: float | None = None,
    tokens: int | None = None,
    steps: int | None = None,
    seconds: float | None = None,
    sandbox: str | None = None,
    image: str | None = None,
    network: bool | None = None,
    strategy: str | None = None,
    attempts: int | None = None,
) -> dict[str, Any]:
    """The options of a command line, nested as the settings are; None means not said."""
    return {
        "profile": profile,
        "policy": policy,
        "model": {"name": model, "api_base": api_base},
        "limits": {"cost": cost, "tokens": tokens, "steps": steps, "seconds": seconds},
        "sandbox": {"kind": sandbox, "image": image, "network": network},
        "strategy": {"name": strategy, "options": {"attempts": attempts}},
    }
