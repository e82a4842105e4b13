"""How each program that `batch_speed.py` measures is started on the same instances, image, model and workers."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

import batch_world as world
from openai_server import Behaviour, OpenAIServer, answer, call, completion

SUBMIT = "git diff > patch.txt && echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat patch.txt"
_SWE_AGENT = """
agent:
  templates: {system_template: "You solve issues.", instance_template: "{{problem_statement}}"}
  tools:
    bundles: [{path: tools/registry}, {path: tools/submit}]
    enable_bash_tool: true
    parse_function: {type: function_calling}
"""


@dataclass(frozen=True)
class Setting:
    """What is the same for all programs.

    Attributes:
        scratch: a folder for files of this benchmark.
        image: has the repository at /testbed.
        records: the instances.
        data: the same as a file `test.jsonl`.
        workers: instances at a time.
        pythons: the interpreters that have the other programs, by the program's name.
    """

    scratch: Path
    image: str
    records: list[dict[str, Any]]
    data: Path
    workers: int
    pythons: Mapping[str, Path]


def fix_issue(setting: Setting, output: Path, server: OpenAIServer) -> list[str]:
    """This project's runner."""
    return world.batch_command(setting.data, output, server, "-w", str(setting.workers))


def mini_swe_agent(setting: Setting, output: Path, server: OpenAIServer) -> list[str]:
    """mini-swe-agent's runner with its own configuration for SWE-bench, pointed at the server."""
    command = [str(setting.pythons["mini-swe-agent"]), "-m", "minisweagent.run.benchmarks.swebench"]
    command += ["--subset", str(setting.data.parent), "--split", "test", "-o", str(output)]
    command += ["-w", str(setting.workers), "-m", "openai/test"]
    for part in ("swebench.yaml", f"model.model_kwargs.api_base={server.url}", "model.cost_tracking=ignore_errors"):
        command += ["-c", part]
    return command


def swe_agent(setting: Setting, output: Path, server: OpenAIServer) -> list[str]:
    """SWE-agent's runner with bash and submit as its tools, and without its random delay at the start.

    Its containers need `swerex-remote`; the image must have it, since it cannot be installed without a network.
    SWE-agent itself must be installed from a checkout (`pip install -e`), which has its tools.
    """
    config, instances = setting.scratch / "swe-agent.yaml", setting.scratch / "swe-agent.jsonl"
    config.write_text(_SWE_AGENT, encoding="utf-8")
    simple = [
        {
            "image_name": setting.image,
            "problem_statement": record["problem_statement"],
            "instance_id": record["instance_id"],
            "repo_name": "testbed",
            "base_commit": record["base_commit"],
        }
        for record in setting.records
    ]
    instances.write_text("".join(json.dumps(item) + "\n" for item in simple), encoding="utf-8")
    options = {
        "config": config,
        "instances.type": "file",
        "instances.path": instances,
        "instances.deployment.type": "docker",
        "instances.deployment.pull": "never",
        "instances.deployment.python_standalone_dir": "",
        "output_dir": output,
        "num_workers": setting.workers,
        "random_delay_multiplier": 0,
        "progress_bar": False,
        "agent.model.name": "openai/test",
        "agent.model.api_base": server.url,
        "agent.model.api_key": "none",
        "agent.model.per_instance_cost_limit": 0,
        "agent.model.total_cost_limit": 0,
    }
    return [
        str(setting.pythons["SWE-agent"]),
        *("-m", "sweagent", "run-batch"),
        *(f"--{name}={value}" for name, value in options.items()),
    ]


def empty_loop(way: str) -> Callable[[Setting, Path, OpenAIServer], list[str]]:
    """A loop of containers and commands with no agent."""

    def command(setting: Setting, output: Path, server: OpenAIServer) -> list[str]:
        program = [sys.executable, str(Path(__file__).with_name("batch_empty_loop.py")), setting.image, str(output)]
        return [
            *program,
            *("--way", way, "--instances", str(len(setting.records)), "--workers", str(setting.workers)),
        ]

    return command


PROGRAMS: dict[str, Callable[[Setting, Path, OpenAIServer], list[str]]] = {
    "fix-issue": fix_issue,
    "mini-swe-agent": mini_swe_agent,
    "SWE-agent": swe_agent,
    "empty loop, docker exec": empty_loop("exec"),
    "empty loop, one shell": empty_loop("shell"),
}


def playing(request: dict[str, Any]) -> Behaviour:
    """Look, edit, submit: by the tools of whichever program asks."""
    number, step = world.report_of(request), world.step_of(request)
    tools = {tool["function"]["name"]: json.dumps(tool) for tool in request.get("tools", ())}
    commands = ["cat shapes.*", f"sed -i 's/width + height$/width * height  # {number}/' shapes.*"]
    if step < len(commands):
        return answer(completion("next", [call("bash", {"command": commands[step]}, f"call_{step}")]))
    if "submit" in tools:
        said = {"summary": "x"} if "summary" in tools["submit"] else {}
        return answer(completion("done", [call("submit", said, f"call_{step}")]))
    return answer(completion("done", [call("bash", {"command": SUBMIT}, f"call_{step}")]))


def make_image(base: str, repository: Path, commit: str, image: str, swerex: Path | None) -> None:
    """An image with the repository at /testbed, as the official ones have it.

    Args:
        base: has git and Python.
        repository: what lies at /testbed.
        commit: what is checked out there.
        image: the name of what is made.
        swerex: a folder of Python packages with swe-rex, made for the image's Python; None leaves it out.
    """
    tree = repository.with_name("testbed")
    subprocess.run(["git", "clone", "-q", str(repository), str(tree)], check=True)
    for arguments in (("checkout", "-q", commit), ("remote", "remove", "origin")):
        subprocess.run(["git", "-C", str(tree), *arguments], check=True)
    made = subprocess.run(["docker", "create", base, "true"], check=True, capture_output=True, text=True).stdout.strip()
    try:
        subprocess.run(["docker", "cp", f"{tree}/.", f"{made}:/testbed"], check=True)
        if swerex is not None:
            starter = repository.parent / "swerex-remote"
            starter.write_text('#!/bin/sh\nPYTHONPATH=/opt/swerex exec python3 -m swerex.server "$@"\n', "utf-8")
            starter.chmod(0o755)
            subprocess.run(["docker", "cp", f"{swerex}/.", f"{made}:/opt/swerex"], check=True)
            subprocess.run(["docker", "cp", str(starter), f"{made}:/usr/local/bin/swerex-remote"], check=True)
        change = "WORKDIR /testbed"
        subprocess.run(["docker", "commit", "--change", change, made, image], check=True, stdout=subprocess.DEVNULL)
    finally:
        subprocess.run(["docker", "rm", "-f", made], check=True, stdout=subprocess.DEVNULL)
