"""A provider that charges for what it does, and a command whose process can be killed at any moment.

What the provider charged is counted here, whatever became of the process that called it.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))

from openai_server import Behaviour, OpenAIServer, answer, call, completion, failure

MODEL = "openai/priced"
INPUT, OUTPUT = 10.0, 40.0
"""US dollars per million tokens."""

_ZYGOTE = """
import json, os, signal, sys
from sweagent.policy import preload
preload()
import sweagent.cli.progress as progress
from sweagent.cli.app import run

plain = progress.PlainProgress.__call__

def child(order):
    seen = 0

    def counted(self, event):
        nonlocal seen
        plain(self, event)
        seen += 1
        if seen == order["kill_at"]:
            os.kill(os.getpid(), signal.SIGKILL)

    progress.PlainProgress.__call__ = counted
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    os._exit(run(order["arguments"]))

for line in sys.stdin:
    order = json.loads(line)
    pid = os.fork()
    if pid == 0:
        child(order)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Commands:
    """Runs `fix-issue` in forks of one process that has everything loaded.

    Args:
        folder: for what they print.
        variables: added to their environment.
    """

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self._out, self._err = folder / "stdout", folder / "stderr"
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ZYGOTE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **variables},
        )
        self.pid = 0

    def run(self, arguments: Sequence[str | Path], *, kill_at: int | None = None) -> int:
        """The exit code of a command; minus the signal's number when it was killed.

        Args:
            arguments: of the command.
            kill_at: it is killed right after this many of its events are on disk.
        """
        assert self._process.stdin
        assert self._process.stdout
        order = {"arguments": [*map(str, arguments)], "kill_at": kill_at, "out": str(self._out), "err": str(self._err)}
        print(json.dumps(order), file=self._process.stdin, flush=True)
        self.pid = int(self._process.stdout.readline())
        return int(self._process.stdout.readline())

    def kill(self) -> None:
        """Kill the command that runs now, from any thread."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    @property
    def said(self) -> str:
        """All that they printed."""
        return "".join(file.read_text() for file in (self._out, self._err) if file.exists())

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


class Provider:
    """Charges each request when it comes, and then does what chance says, also to the process that asks.

    Args:
        chance: decides.
        commands: whose process is killed.
        reply: makes the answer's body from the request's, without its usage.
    """

    def __init__(
        self, chance: random.Random, commands: Commands, reply: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> None:
        self._chance = chance
        self._commands = commands
        self._reply = reply
        self._lock = threading.Lock()
        self._bytes_a_token = chance.choice((2, 3, 5))
        self.charges: list[tuple[str, float]] = []
        """What became of each request that was charged, and US dollars."""
        self.faults = 0
        """How many more requests may end badly."""

    @property
    def charged(self) -> float:
        """US dollars of all requests."""
        return sum(dollars for _, dollars in self.charges)

    def respond(self, request: dict[str, Any]) -> Behaviour:
        """One request."""
        with self._lock:
            return self._respond(request)

    def _respond(self, request: dict[str, Any]) -> Behaviour:
        faults = ("refuse", "drop", "garbled", "cut", "kill", "kill soon", "no usage", "gateway")
        fate = self._chance.choice((*faults, *["fine"] * len(faults))) if self.faults else "fine"
        self.faults -= fate != "fine"
        if fate == "refuse":
            return failure(429, {"message": "slow down"})
        usage = self._charge(request, fate)
        body = {**self._reply(request), "usage": usage}
        whole = answer(body)
        match fate:
            case "drop":
                return Behaviour(drop=True)
            case "garbled":
                return answer({**body, "choices": []})
            case "cut":
                return Behaviour(body=whole.body[:40], announce=len(whole.body))
            case "kill":
                self._commands.kill()
                return Behaviour(drop=True)
            case "kill soon":
                threading.Thread(target=self._commands.kill).start()
            case "no usage":
                return answer({**body, "usage": None})
            case "gateway":
                return failure(self._chance.choice((502, 504)), "the gateway has no answer")
        return whole

    def _charge(self, request: dict[str, Any], fate: str) -> dict[str, int]:
        text = json.dumps([request["messages"], request.get("tools", [])])
        prompt = len(text.encode()) // self._bytes_a_token
        most = request.get("max_completion_tokens") or request["max_tokens"]
        output = self._chance.choice((1, most // 2, most))
        self.charges.append((fate, (prompt * INPUT + output * OUTPUT) / 1e6))
        return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}


def write_models(folder: Path) -> Path:
    """A models file with the provider's prices."""
    path = folder / "models.yaml"
    path.write_text(
        f"models:\n  - {{match: {MODEL}, native_tools: true, prices: {{input: {INPUT}, output: {OUTPUT}}}}}\n"
    )
    return path


@contextmanager
def commands_in(folder: Path) -> Iterator[Commands]:
    """Commands that know the provider's prices and a key that opens nothing."""
    folders = {"XDG_STATE_HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    variables = {**folders, "FIX_ISSUE_MODELS": str(write_models(folder)), "OPENAI_API_KEY": "none"}
    commands = Commands(folder, {**variables, "LITELLM_LOCAL_MODEL_COST_MAP": "True"})
    try:
        yield commands
    finally:
        commands.close()


def looking_around(request: dict[str, Any]) -> dict[str, Any]:
    """An answer of a model that never comes to an end, or the summary that it is asked for."""
    if "tools" not in request:
        return completion("Nothing was changed yet.")
    step = sum(message["role"] == "assistant" for message in request["messages"])
    command = f"echo {step}; seq 1 {1500 * (step % 3)}"
    return completion(f"step {step}", [call("bash", {"command": command}, f"call_{step}")])


__all__ = ["MODEL", "Commands", "OpenAIServer", "Provider", "commands_in", "looking_around"]
