"""`fix-issue recheck PROOF`: give a proof's verdict again, here."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweagent.cli import options

if TYPE_CHECKING:
    from sweagent.cli.progress import PlainProgress
    from sweagent.config import Settings
    from sweagent.task import Repository
    from sweagent.verify import Proof
    from sweagent.verify.proof import Question


def command(
    proof: Annotated[Path, typer.Argument(metavar="PROOF", help="A proof.json, of `verify` or of a run.")],
    repo: Annotated[
        str | None, typer.Option(help="Where the repository is here; the one that the proof names by default.")
    ] = None,
    api_url: options.ApiUrl = None,
    image: options.Image = None,
    sandbox: options.SandboxKind = None,
    seconds: Annotated[
        float | None, typer.Option(help="Wall time of the verification; as much as before by default.")
    ] = None,
    accept: options.Accept = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the new proof here, as JSON.")] = None,
    config: options.ConfigFile = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Judge the patch of a proof again, with the reproductions that travel with it, from its base commit.

    What was accepted then is not accepted now unless you say so. The exit code follows the new verdict.
    """
    from sweagent.cli.heartbeat import first_word

    first_word(f"reading {proof}", quiet=quiet)
    from sweagent.cli.progress import open_progress
    from sweagent.cli.run import open_with_settings
    from sweagent.cli.signals import stoppable
    from sweagent.cli.verify import check_outputs, show, write
    from sweagent.settings_sources import read_sources
    from sweagent.verify.recheck import asked

    before = _read(proof)
    question = asked(before)
    said = {"seconds": seconds or question.seconds, "accept": accept or None}
    sources = read_sources(options.settings_options(sandbox=sandbox, image=image) | {"verify": said}, config=config)
    check_outputs(output)
    with open_progress(verbosity=0 if quiet else 1) as progress, stoppable():
        repository, settings, _ = open_with_settings(
            repo or question.source,
            sources,
            progress.note,
            base=before.base_commit,
            include_dirty=False,
            api_url=api_url,
        )
        now = _judge(before, question, repository, settings, progress)
    write(now, output, None, None)
    show(now, as_json=as_json, quiet=quiet)
    if not quiet:
        print(_compared(before, now), file=sys.stderr)
    raise typer.Exit(int(now.verdict.exit_code))


def _judge(
    before: "Proof", question: "Question", repository: "Repository", settings: "Settings", progress: "PlainProgress"
) -> "Proof":
    from sweagent.patch import Patch
    from sweagent.run_folder import new_run_id
    from sweagent.sandbox_factory import prepare
    from sweagent.verify import KeptResults, verify, verify_without_running
    from sweagent.verify.recheck import task_again

    task = task_again(before, question, repository)
    if settings.sandbox.image:
        task = task.model_copy(update={"image": settings.sandbox.image})
    patch = Patch(base_commit=before.base_commit, text=question.patch)
    at_once = verify_without_running(task, patch, settings=settings.verify)
    if at_once:
        return at_once
    with prepare(task, settings, new_run_id(f"recheck-{task.id}"), progress.note) as workplace:
        progress.doing("verifying in fresh sandboxes")
        return verify(
            task,
            patch,
            sandboxes=workplace.open,
            reproduction=question.reproduction,
            replaces=question.replaces,
            named_tests=question.named_tests,
            test_command=question.test_command,
            settings=settings.verify,
            oracle=question.oracle,
            progress=progress.verifying,
            kept=KeptResults(question.hash_seed) if question.hash_seed else None,
        ).model_copy(update={"contacts": workplace.contacts})


def _read(path: Path) -> "Proof":
    from pydantic import ValidationError

    from sweagent.errors import UsageError
    from sweagent.verify import Proof

    try:
        return Proof.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the proof {path} cannot be read: {error}", "give a proof.json") from error
    except ValidationError as error:
        raise UsageError(f"{path} is no proof", "give a proof.json of `fix-issue verify` or of a run") from error


def _compared(before: "Proof", now: "Proof") -> str:
    if now.patch_sha256 != before.patch_sha256:
        return f"the patch in the proof is not the one that it was given for; now: {now.verdict.value}"
    if now.verdict is before.verdict:
        return f"the same verdict as in the proof: {now.verdict.value}"
    return f"another verdict: the proof says {before.verdict.value}, here it is {now.verdict.value}"
