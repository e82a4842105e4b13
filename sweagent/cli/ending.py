"""Show the end of a run: diff, proof, next commands."""

import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sweagent.cli.console import counted, duration, is_plain, money, open_console, safe, wrapped
from sweagent.cli.delivery import Delivered
from sweagent.errors import UsageError
from sweagent.run_folder import Result, runs_folder
from sweagent.verdict import Verdict

if TYPE_CHECKING:
    from sweagent.verify import Proof

_DIFF_LINES = 60
"""Of a longer diff so many lines are shown, and where the rest is."""
_ENDINGS = {
    "submitted": "",
    "step_limit": "the limit of steps was reached",
    "time_limit": "the limit of time was reached",
    "budget_limit": "the budget was reached",
    "malformed_replies": "the model's replies could not be understood",
    "stuck": "the model repeated itself",
    "context_overflow": "the model's context was full",
    "policy_error": "the model failed",
    "sandbox_error": "the sandbox failed",
    "interrupted": "stopped",
    "internal_error": "internal error",
}


def report(
    result: Result, *, as_json: bool, quiet: bool = False, delivered: Sequence[Delivered] = (), keep: bool = True
) -> None:
    """Print how a run ended: one JSON object, one word, or diff, proof and next commands.

    What could not be delivered is said on standard error, whatever is printed. `keep` is whether the repository is
    still there, so that something can be done with the patch.
    """
    proof = read_proof(result)
    if as_json:
        data = result.model_dump(mode="json")
        data["proof"] = proof.model_dump(mode="json") if proof else None
        data["patch"] = _patch_text(result)
        data["deliveries"] = [vars(one) for one in delivered]
        print(json.dumps(data))
    elif quiet:
        print(result.verdict)
    else:
        if result.patch_file:
            print_diff(Path(result.patch_file), most=_DIFF_LINES)
        _print_verdict(result, proof)
        console = open_console(soft_wrap=True)
        for line in _lines(result, proof):
            console.print(wrapped(safe(line), sys.stdout, "  "))
        if keep:
            _print_next(result, delivered)
        else:
            print(f"look closer: fix-issue show {result.run_id}")
    for one in delivered:
        if one.error:
            print(
                f"error: {one.to}: {safe(one.text)}" + f"\n  hint: {safe(one.hint)}" * bool(one.hint), file=sys.stderr
            )
        elif not as_json:
            print(safe(one.text), file=sys.stderr)


def read_proof(result: Result) -> "Proof | None":
    """The proof of a result, when it was judged."""
    if not result.proof_file:
        return None
    from sweagent.verify import Proof

    return Proof.model_validate_json(Path(result.proof_file).read_text(encoding="utf-8"))


def next_commands(result: Result, done: Sequence[str] = ()) -> list[tuple[str, str]]:
    """What a person may want to do now: a word and the command for it.

    Args:
        result: of the run.
        done: the options that have delivered the patch already.
    """
    own = Path(result.folder).parent == runs_folder()
    run = shlex.quote(result.run_id if own else result.folder)
    found: list[tuple[str, str]] = []
    useful = result.patch_file and result.verdict not in (Verdict.NO_PATCH, Verdict.REJECTED)
    if useful and result.verdict != Verdict.REGRESSED:
        patch = f"fix-issue show {run} --diff | git apply"
        if "--apply" not in done:
            found.append(("apply it", patch))
        if "--branch" not in done:
            found.append(("on a branch", f"git switch -c fix-issue-patch && {patch} --index"))
        if "--open-pr" not in done:
            found.append(("pull request", f"fix-issue pr {run}"))
    found.append(("look closer", f"fix-issue show {run}"))
    if not result.exit_status.final:
        found.append(("go on", f"fix-issue resume {run}"))
    found.append(("tell the model", f"fix-issue resume {run} --say 'what to do differently'"))
    return found


def _patch_text(result: Result) -> str:
    return Path(result.patch_file).read_text(encoding="utf-8") if result.patch_file else ""


def print_diff(file: Path, *, most: int | None = None) -> None:
    """Print a patch in colour.

    Args:
        file: the patch's.
        most: so many lines, and where the rest is; None prints all.

    Raises:
        UsageError: there is no patch.
    """
    from rich.text import Text

    try:
        patch = file.read_text(encoding="utf-8", errors="replace").rstrip("\n")
    except OSError as error:
        raise UsageError(f"there is no patch: {file}", "see how the run ended: fix-issue show RUN") from error
    if not patch:
        return
    console = open_console(soft_wrap=True)
    if most is None and not sys.stdout.isatty():
        # For `git apply`: every byte as it is.
        sys.stdout.flush()
        sys.stdout.buffer.write(file.read_bytes())
        return
    lines = [line for line in patch.split("\n") if not line.startswith("index ")]
    for line in lines[:most]:
        console.print(Text(safe(line), style=_style(line)))
    if most is not None and len(lines) > most:
        more = counted(len(lines) - most, "more line")
        console.print(Text(f"… {more}: less {shlex.quote(str(file))}", style="dim"))
    if most is not None:
        console.print()


def print_proof(file: Path, *, as_json: bool) -> None:
    """Print a proof that was written to a file.

    Raises:
        UsageError: there is none.
    """
    from sweagent.verify import Proof, render_terminal

    try:
        proof = Proof.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"there is no proof in {file.parent}", "the run was not judged: fix-issue resume RUN"
        ) from error
    if as_json:
        print(proof.model_dump_json())
    else:
        open_console().print(render_terminal(proof, plain=is_plain()))


def _style(line: str) -> str:
    if line.startswith(("diff --git", "index ", "--- ", "+++ ")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def _print_verdict(result: Result, proof: "Proof | None") -> None:
    if proof is None:
        open_console(soft_wrap=True).print(safe(": ".join(filter(None, (result.verdict, result.reason)))))
        return
    from sweagent.verify import render_terminal

    open_console().print(render_terminal(proof, plain=is_plain()))


def _lines(result: Result, proof: "Proof | None") -> Iterator[str]:
    for path, reason in result.left_out.items():
        yield f"left out of the patch: {path} ({reason})"
    if result.withheld_file:
        yield f"what was left out: {result.withheld_file}"
    ended = _ENDINGS.get(result.exit_status, result.exit_status)
    yield ", ".join(filter(None, (counted(result.steps, "step"), money(result.cost), duration(result.seconds), ended)))
    if result.message and result.message != (proof.reason if proof else result.reason):
        yield result.message
    yield f"run: {result.folder}"


def _print_next(result: Result, delivered: Sequence[Delivered]) -> None:
    done = [one.to for one in delivered if not one.error]
    commands = next_commands(result, done)
    width = max(len(word) for word, _ in commands)
    console = open_console(soft_wrap=True)
    console.print()
    narrow = any(width + 2 + len(command) > console.width for _, command in commands) and sys.stdout.isatty()
    for word, command in commands:
        # On a line of its own a command can be copied whole.
        console.print(f"{word}:\n  {safe(command)}" if narrow else f"{word:<{width}}  {safe(command)}")
