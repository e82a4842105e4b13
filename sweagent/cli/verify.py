"""`fix-issue verify REPO PATCH`: judge anybody's patch."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweagent.cli import options
from sweagent.verdict import Verdict

if TYPE_CHECKING:
    from sweagent.cli.progress import PlainProgress
    from sweagent.config import Settings
    from sweagent.patch import Patch
    from sweagent.task import Repository, Task
    from sweagent.trajectory import Reproduction
    from sweagent.verify import Proof


def command(
    repo: Annotated[str, typer.Argument(metavar="REPO", help="A path, a git URL or owner/name.")],
    patch: Annotated[str, typer.Argument(metavar="PATCH", help="A file with a git diff against the base, or `-`.")],
    reproduction: Annotated[
        list[Path] | None,
        typer.Option(
            help="A test or script that fails without the patch and passes with it, or a newer version of a test file, "
            "which takes its place; may be repeated: further tests, and files that they need."
        ),
    ] = None,
    reproduction_command: Annotated[
        str | None, typer.Option(help="How to run the reproduction; guessed from its name by default.")
    ] = None,
    tests: Annotated[
        list[str] | None, typer.Option(help="Tests to run first, as the runner names them; may be repeated.")
    ] = None,
    issue: Annotated[
        str | None, typer.Option(help="The issue: a number, a URL, a file or text; code in it is tried too.")
    ] = None,
    api_url: options.ApiUrl = None,
    base: Annotated[str | None, typer.Option(help="The commit that the patch is against; HEAD by default.")] = None,
    include_dirty: Annotated[bool, typer.Option(help="The uncommitted changes belong to the base.")] = False,
    test_command: options.TestCommand = None,
    image: options.Image = None,
    sandbox: options.SandboxKind = None,
    seconds: Annotated[float | None, typer.Option(help="Wall time of the verification, without the build.")] = None,
    allow_tests: Annotated[
        bool | None, typer.Option(help="Let the patch change tests; it is judged by those of the base all the same.")
    ] = None,
    accept: options.Accept = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the proof here, as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write it here as Markdown for a pull request.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write it here as JUnit XML.")] = None,
    config: options.ConfigFile = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Judge a patch: an issue reproduced before and after, the existing tests before and after, no tampering seen.

    The exit code follows the verdict: 0 verified, 7 needs review, 3 unverified, 4 regressed, 5 rejected, 6 no patch.
    """
    from sweagent.cli.heartbeat import first_word

    first_word(f"opening {repo}", quiet=quiet)
    from sweagent.cli.progress import open_progress
    from sweagent.cli.run import open_with_settings
    from sweagent.cli.signals import stoppable
    from sweagent.settings_sources import read_sources
    from sweagent.verify.acceptance import unused

    chosen = options.settings_options(sandbox=sandbox, image=image)
    said = {"allow_tests": allow_tests, "seconds": seconds, "accept": accept or None}
    sources = read_sources(chosen | {"verify": said}, config=config)
    check_outputs(output, markdown, junit)
    with open_progress(verbosity=0 if quiet else 1) as progress, stoppable():
        repository, settings, _ = open_with_settings(
            repo, sources, progress.note, base=base, include_dirty=include_dirty, api_url=api_url
        )
        task = _task(repository, issue, settings, test_command, api_url)
        proof = _judge(
            task,
            _read_patch(patch, repository),
            settings,
            reproduction or [],
            reproduction_command,
            tests or [],
            progress,
        )
    write(proof, output, markdown, junit)
    show(proof, as_json=as_json, quiet=quiet)
    for name in [] if quiet else unused(settings.verify.accept, proof.findings):
        print(f"hint: --accept {name} names no finding of this proof", file=sys.stderr)
    if proof.changed_files and not proof.reproductions and not quiet and proof.verdict is Verdict.UNVERIFIED:
        print("hint: show the issue with --reproduction FILE, --tests NAME or --issue TEXT", file=sys.stderr)
    raise typer.Exit(int(proof.verdict.exit_code))


def _judge(
    task: "Task",
    patch: "Patch",
    settings: "Settings",
    reproduction: list[Path],
    reproduction_command: str | None,
    tests: list[str],
    progress: "PlainProgress",
) -> "Proof":
    from sweagent.run_folder import new_run_id
    from sweagent.sandbox_factory import prepare
    from sweagent.verify import verify, verify_without_running

    at_once = verify_without_running(task, patch, settings=settings.verify)
    if at_once:
        return at_once
    with prepare(task, settings, new_run_id(f"verify-{task.id}"), progress.note) as workplace:
        progress.doing("verifying in fresh sandboxes")
        return verify(
            task,
            patch,
            sandboxes=workplace.open,
            reproduction=_reproduction(reproduction, reproduction_command, task.repository, workplace.test_command),
            replaces=True,
            named_tests=tuple(tests),
            test_command=workplace.test_command,
            lacks=workplace.lacks,
            settings=settings.verify,
            progress=progress.verifying,
        ).model_copy(update={"contacts": workplace.contacts})


def _task(
    repository: "Repository", issue: str | None, settings: "Settings", test_command: str | None, api_url: str | None
) -> "Task":
    from sweagent.task import Issue, Task

    read = Issue(title="")
    if issue:
        from sweagent.forge import read_issue
        from sweagent.forge.api.address import token_from_environment

        read = read_issue(
            issue,
            repository_source=repository.source,
            repository_name=repository.name,
            api_url=api_url,
            token=token_from_environment(),
        )
    return Task.of(repository, read, image=settings.sandbox.image, test_command=test_command)


def _read_patch(name: str, repository: "Repository") -> "Patch":
    from sweagent.errors import UsageError
    from sweagent.patch import Patch, as_git_writes

    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise UsageError(
            f"the patch {name} cannot be read: {error}", "give a file, or `-` for standard input"
        ) from error
    try:
        return Patch(base_commit=repository.base_commit, text=as_git_writes(data.decode("utf-8")))
    except UnicodeDecodeError as error:
        raise UsageError(f"the patch {name} is not UTF-8", "make it with `git diff --binary`") from error


def _reproduction(
    files: list[Path], command_line: str | None, repository: "Repository", test_command: str
) -> "Reproduction | None":
    """The reproduction as the verifier takes it, from the first file of tests, or from the first where none is one."""
    if not files:
        return None
    from sweagent.trajectory import Reproduction
    from sweagent.verify.reproduction.commands import guess_command, holds_tests

    first = next((file for file in files if holds_tests(file)), files[0])
    contents = dict(_placed(file, repository, beside=first) for file in sorted(files, key=lambda file: file != first))
    path = next(iter(contents))
    content = contents.pop(path)
    command = command_line or guess_command(path, test_command, content.encode())
    return Reproduction(path=path, content=content, command=command, files=contents)


def _placed(file: Path, repository: "Repository", *, beside: Path) -> tuple[str, str]:
    """A file's place in the repository and its text; what lies outside goes where the first file belongs."""
    from sweagent.errors import UsageError
    from sweagent.verify.reproduction.commands import home_of

    try:
        content = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the reproduction {file} cannot be read: {error}", "give a text file") from error
    place, first, top = file.resolve(), beside.resolve(), Path(repository.source).resolve()
    if place.is_relative_to(top):
        return place.relative_to(top).as_posix(), content
    name = place.relative_to(first.parent) if place.is_relative_to(first.parent) else Path(place.name)
    home = "" if first.is_relative_to(top) else home_of(first, repository)
    return Path(home, name).as_posix(), content


def check_outputs(*files: Path | None) -> None:
    """Refuse a file whose folder is not there, before an hour is spent on what goes into it.

    Raises:
        UsageError: it cannot be written.
    """
    from sweagent.errors import UsageError

    for file in filter(None, files):
        if file.is_dir() or not file.absolute().parent.is_dir():
            raise UsageError(f"{file} cannot be written: there is no such folder", "make its folder, or choose another")


def write(proof: "Proof", output: Path | None, markdown: Path | None, junit: Path | None) -> None:
    """Write a proof in the forms that are asked for.

    Raises:
        StorageError: a file cannot be written.
    """
    from sweagent.errors import StorageError
    from sweagent.verify import render_junit, render_markdown

    texts: list[tuple[Path | None, Callable[[], str]]] = [
        (output, lambda: proof.model_dump_json(indent=2) + "\n"),
        (markdown, lambda: render_markdown(proof)),
        (junit, lambda: render_junit(proof)),
    ]
    for path, render in texts:
        if path is None:
            continue
        try:
            path.write_text(render(), encoding="utf-8")
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error}", "choose another file") from error


def show(proof: "Proof", *, as_json: bool, quiet: bool) -> None:
    """Print a proof on standard output."""
    if as_json:
        print(proof.model_dump_json())
    elif quiet:
        print(proof.verdict.value)
    else:
        from sweagent.cli.console import is_plain, open_console
        from sweagent.verify import render_terminal

        open_console().print(render_terminal(proof, plain=is_plain()))
