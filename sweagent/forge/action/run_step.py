"""Agent step of the Action, in a process without a token."""

import shutil
import subprocess
import sys
from pathlib import Path

from sweagent.errors import ExitCode, FixIssueError, UsageError
from sweagent.forge.action.environment import agent_environment
from sweagent.forge.action.inputs import Inputs
from sweagent.forge.action.workflow import Workflow, failure_text
from sweagent.forge.text.redaction import Redactor

_FIRST_INFRASTRUCTURE_CODE = ExitCode.SANDBOX
_TAIL = 60
"""Lines of the end of the run's output in which its error is looked for."""
_COPIED = ("trajectory.jsonl", "patch.diff", "proof.json", "result.json", "run.log")


def run_agent(workflow: Workflow | None = None) -> int:
    """Run `fix-issue` on the checked-out repository, and leave a redacted copy of the run for the artifact.

    Returns:
        0 when there is a verdict, whatever it is; 1 when the run could not be carried out.
    """
    workflow = workflow or Workflow()
    inputs = Inputs(workflow)
    redactor = Redactor.from_environment(workflow.environment)
    folder = inputs.folder()
    try:
        code, failure = _run(workflow, inputs, redactor, folder / "run")
    except FixIssueError as error:
        code, failure = error.exit_code, failure_text(str(error), error.hint)
    withheld = copy_redacted(folder / "run", folder / "artifact", redactor)
    workflow.output("run-folder", str(folder / "run"))
    workflow.output("artifact", str(folder / "artifact"))
    workflow.output("exit-code", str(code))
    if withheld:
        workflow.error(f"The patch holds a {withheld}; it is not in the artifact.")
    if 0 <= code < _FIRST_INFRASTRUCTURE_CODE and code not in (ExitCode.INTERNAL, ExitCode.USAGE):
        return 0
    workflow.output("failure", failure)
    workflow.error(failure)
    return 1


def command_of(inputs: Inputs, run_folder: Path) -> list[str]:
    """The command line of the run. Values are handed over as arguments, never through a shell."""
    minutes = inputs.number("max-minutes")
    profile = inputs.text("profile")
    options = {
        "--model": inputs.text("model"),
        "--api-base": inputs.text("api-base"),
        "--config": inputs.path("config"),
        "--profile": inputs.path("profile") if "/" in profile else profile,
        "--policy": inputs.path("policy"),
        "--max-cost": inputs.text("max-cost"),
        "--max-steps": inputs.text("max-steps"),
        "--max-seconds": str(minutes * 60) if minutes else "",
        "--image": inputs.text("image"),
        "--sandbox": inputs.text("sandbox"),
        "--setup-command": inputs.text("setup-command"),
        "--test-command": inputs.text("test-command"),
    }
    given = [f"{name}={value}" for name, value in options.items() if value]
    # The run takes protected files in as soon as one may be changed; which ones, the publisher decides.
    given += ["--allow-protected"] if inputs.words("allowed-paths") else []
    given += ["--allow-binaries"] if inputs.flag("allow-binaries") else []
    # A runner is somebody else's the next time.
    given += ["--no-memory"]
    repository = inputs.path("path") or inputs.workflow.get("GITHUB_WORKSPACE", "/")
    issue = str(inputs.folder() / "issue.json")
    main = "from sweagent.cli import main; main()"
    # -I: no variable and no current folder says where modules are imported from.
    return [
        sys.executable, "-I", "-c", main, "solve",
        *given, *_network(inputs), f"--output={run_folder}", repository, issue,
    ]  # fmt: skip


def _network(inputs: Inputs) -> list[str]:
    hosts = inputs.words("network")
    if hosts == ("open",):
        return ["--network"]
    named = () if hosts == ("none",) else hosts
    if {"none", "open"} & set(named):
        raise UsageError("the input network must be `none`, `open` or a list of hosts", "correct it")
    return ["--no-network", *(f"--allow-host={host}" for host in named)]


def _run(workflow: Workflow, inputs: Inputs, redactor: Redactor, run_folder: Path) -> tuple[int, str]:
    # The process has a folder of our own as its current one, and no settings but those that the inputs name.
    here = inputs.folder() / "here"
    here.mkdir(parents=True, exist_ok=True)
    environment = agent_environment(workflow.environment, inputs.words("pass-env"), here)
    environment.update(_key(inputs))
    tail: list[str] = []
    with (
        workflow.untrusted_output(),
        subprocess.Popen(
            command_of(inputs, run_folder),
            env=environment,
            cwd=here,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        for line in process.stdout or ():
            shown = redactor.redact(line.rstrip("\n"))
            tail = [*tail[-_TAIL:], shown]
            workflow.log(shown)
    return process.returncode, _cause(tail, process.returncode)


def _cause(tail: list[str], code: int) -> str:
    """What the run said last of why it failed: every line of its error, and its hint."""
    starts = [number for number, line in enumerate(tail) if line.startswith("error:")]
    if not starts:
        last = f": {tail[-1].strip()}" if tail else ""
        return f"the run ended with the exit code {code}{last}"
    lines = tail[starts[-1] :]
    hints = [number for number, line in enumerate(lines) if line.startswith("  hint:")]
    end = hints[-1] if hints else len(lines)
    message = "\n".join(lines[:end]).removeprefix("error:")
    return failure_text(message, "\n".join(lines[end:]).strip().removeprefix("hint:"))


def _key(inputs: Inputs) -> dict[str, str]:
    """The variable in which litellm looks for the key of the model's provider."""
    key = inputs.text("api-key")
    provider = inputs.text("model").partition("/")[0] if "/" in inputs.text("model") else "openai"
    return {f"{provider.upper().replace('-', '_')}_API_KEY": key} if key else {}


def copy_redacted(run_folder: Path, target: Path, redactor: Redactor) -> str:
    """Copy the record of a run without its secrets.

    Args:
        run_folder: the record.
        target: a folder that is made anew.
        redactor: knows the secrets.

    Returns:
        the kind of the secret for which the patch was left out; empty when there is none. A patch is never changed:
        it would no longer be the one that was proven.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    withheld = ""
    for name in _COPIED:
        source = run_folder / name
        if not source.is_file() or source.is_symlink():
            continue
        data = source.read_bytes()
        text = data.decode("utf-8", "surrogateescape")
        if name == "patch.diff":
            kinds = redactor.find(text)
            withheld = kinds[0] if kinds else ""
            if not withheld:
                (target / name).write_bytes(data)
        else:
            (target / name).write_bytes(redactor.redact(text).encode("utf-8", "surrogateescape"))
    return withheld
