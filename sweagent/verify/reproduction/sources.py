"""Sources of reproductions: oracle, user, model, issue."""

import ast
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from sweagent.errors import UsageError
from sweagent.testing import Runner, command_for, dotted, runner_of
from sweagent.testing.file_kinds import HarnessFile, harness_file, is_test_module
from sweagent.testing.runners import XUNIT1, reporting
from sweagent.trajectory import Reproduction
from sweagent.verify.proof import Author, Origin
from sweagent.verify.reproduction.commands import guess_command, is_of_tests, naming_tests, one_more, takes_one_more
from sweagent.verify.runs.canary import Canary, make_canary
from sweagent.verify.runs.script_driver import RECORD_VARIABLE, driven
from sweagent.verify.runs.side_runner import Command
from sweagent.verify.runs.targets import STEADY_OPTIONS, target_of
from sweagent.verify.runs.witness import WITNESS
from sweagent.verify.test_edits import changed_tests, run_by_their_names

_AUTHORS = {
    Origin.ORACLE: Author.TASK,
    Origin.REGISTERED: Author.MODEL,
    Origin.NAMED: Author.BASE,
    Origin.PATCH: Author.PATCH,
    Origin.ISSUE: Author.ISSUE,
}
_NAMED_AT_ONCE = 40
_REPORTS = re.compile(r"\s--(json|outputFile|reporter)\b")
_KEYWORD = re.compile(r"\s-k[ =]?(\w+)")
_SHARE, _SHARE_OF_ISSUE = 1 / 2, 1 / 15
_TAKES_NAMES = (Runner.PYTEST, Runner.UNITTEST, Runner.DJANGO)
_LOOKS_AT_SOURCE = re.compile(
    r"""inspect\.getsource | getsourcelines | \bgit\s(diff|status|log|show|stash)\b
      | ["']git["'],\s*["'](diff|status|log|show)
    """,
    re.VERBOSE,
)
_RUNNERS_INSIDE = re.compile(
    rb"\b(pytester|testdir|runpytest\w*|pytest\.main|TextTestRunner|Test(Loader|Suite|Result)|unittest\.main\([^)\s])"
)
_READS = re.compile(r"\bopen\(|\bread(_text|_bytes|File|FileSync|lines)\(")
_SHELL_READERS = re.compile(r"(?<![\w./-])(git|grep|cat|head|tail|sed|awk|cmp|diff|stat|sha\d*sum|md5sum)\s")


@dataclass(frozen=True)
class ReproductionCandidate:
    """Something that may show the issue.

    Attributes:
        origin: where it comes from.
        name: for people.
        path: its file; of several, the first.
        command: what runs it.
        files: contents by path, laid over both sides.
        runner: whose report is read; None for a script.
        wanted: the tests that have to pass with the patch; empty for the whole run.
        open_ended: those of `wanted` (of all, when it is empty) count that fail on the base.
        trusted: it is the task's own, so why it fails on the base is not questioned.
        given: the user gave it, who knows what it is about.
        whole: the command for the whole files, where `command` names single tests of them; else empty.
        driven: the files hold the script inside its driver.
        expected: kinds of errors, one of which must be the failure on the base; empty for any.
        hideable: its tests can be run while code cannot see the runner.
        faster: it shows slowness: how many times as fast it has to be with the patch; 0 for any other.
    """

    origin: Origin
    name: str
    path: str
    command: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    runner: Runner | None = None
    wanted: tuple[str, ...] = ()
    open_ended: bool = False
    trusted: bool = False
    given: bool = False
    whole: str = ""
    driven: bool = False
    expected: tuple[str, ...] = ()
    hideable: bool = False
    faster: float = 0.0

    @property
    def author(self) -> Author:
        """Who wrote it."""
        return Author.USER if self.given else _AUTHORS[self.origin]

    @property
    def vouched(self) -> bool:
        """Whether somebody who knows the issue says that this shows it."""
        return self.trusted or self.given

    @property
    def share(self) -> float:
        """How much of the time that is left one of its runs may take; code in an issue seldom shows anything."""
        return _SHARE_OF_ISSUE if self.origin is Origin.ISSUE else _SHARE

    def job(self, timeout: float) -> Command:
        """The job that runs it, with a canary where that can be planted."""
        env, report, canary, command = {}, "", self._canary(), self.command
        if self.driven:
            env[RECORD_VARIABLE] = "{folder}/record"
        if self.runner:
            command = naming_tests(command, self.runner)
        if self.runner is Runner.PYTEST:
            report = "report.xml"
            # By its environment, because the command may be any shell text.
            words = [STEADY_OPTIONS, WITNESS, "--color=no --junitxml={folder}/report.xml", XUNIT1]
            env["PYTEST_ADDOPTS"] = " ".join([*words, canary.target] if canary else words)
        elif canary and self.runner:
            command = one_more(command, self.runner, canary.target, self.path)
            told = reporting(self.runner, "{folder}/report") if not _REPORTS.search(command) else ""
            report, command = ("report", f"{command} {told}") if told else ("", command)
        if self.runner in (Runner.MAVEN, Runner.GRADLE):
            report = "report"
            command = command_for(self.runner, test_command=command, report=f"{{folder}}/{report}")
        return Command(
            f"reproduction ({self.origin.value})",
            command,
            timeout,
            files=self.files,
            runner=self.runner,
            report=report,
            canary=canary,
            env=env,
            record="record" if self.driven else "",
            shown=self.command,
        )

    def _canary(self) -> Canary | None:
        if self.runner is Runner.PYTEST:
            # Without a path of its own the command means all tests; a path added to it would then be the only one.
            return make_canary(Runner.PYTEST, self.path) if self.path and self.path in self.command else None
        if self.runner is None or not takes_one_more(self.command, self.runner, self.path):
            return None
        keyword = next(iter(_KEYWORD.findall(self.command)), "") if self.runner is Runner.SYMPY else ""
        return make_canary(self.runner, self.path, keyword=keyword, content=self.files.get(self.path, b""))


def several(reproduction: Reproduction, test_command: str) -> list[Reproduction]:
    """A reproduction of several files as one for each file of tests; the others are what each of them needs."""
    contents = {reproduction.path: reproduction.content, **reproduction.files}
    further = [
        reproduction.model_copy(
            update={
                "path": path,
                "content": content,
                "command": guess_command(path, test_command, _bytes(content)),
                "files": {name: text for name, text in contents.items() if name != path},
            }
        )
        for path, content in reproduction.files.items()
        if is_of_tests(path, _bytes(content))
    ]
    return [reproduction, *further]


def registered(
    reproduction: Reproduction,
    changed: Collection[str],
    test_command: str,
    before: bytes | None = None,
    *,
    given: bool = False,
) -> ReproductionCandidate:
    """The reproduction that the agent registered or the user gave.

    Of a file of tests that the base has too, only the tests that are not the same there have to show the issue.

    Args:
        reproduction: what was registered.
        changed: the files that the patch changes.
        test_command: how the project runs its tests.
        before: the base's content of its file.
        given: the user gave it; its further files may be hooks and fixtures of the runner, which both sides get.

    Raises:
        UsageError: it cannot count as one, and why.
    """
    path = str(PurePosixPath(reproduction.path))
    problem = _unfit(path, reproduction, list(changed), test_command, before)
    if problem:
        raise UsageError(problem, "give a test or a script that runs the code and fails without the fix")
    runner: Runner | None = runner_of(reproduction.command)
    content = _bytes(reproduction.content)
    inside = None
    if runner is Runner.UNKNOWN:
        runner = None
        inside = driven(content, changed) if path.endswith(".py") and path in reproduction.command else None
    own = _own_tests(path, before, content, runner)
    command = _narrowed(reproduction.command, path, own, test_command, content)
    return ReproductionCandidate(
        Origin.REGISTERED,
        path,
        path,
        command,
        files={path: inside or content, **_needed(reproduction, changed, fixtures=given)},
        runner=runner,
        wanted=own,
        open_ended=bool(own),
        whole="" if command == reproduction.command else reproduction.command,
        driven=inside is not None,
        given=given,
        faster=reproduction.faster,
    )


def _own_tests(path: str, before: bytes | None, content: bytes, runner: Runner | None) -> tuple[str, ...]:
    """The tests of a file that the base has too that are not the same there; none where names do not tell them."""
    names = changed_tests(path, before, content) if before and runner else ()
    return tuple(f"{path}::{name}" for name in names) if names and _told(content, names, runner) else ()


def _told(content: bytes, tests: Iterable[str], runner: Runner | None) -> bool:
    return run_by_their_names(content, tests, unittest=runner in (Runner.UNITTEST, Runner.DJANGO))


def _narrowed(command: str, path: str, tests: tuple[str, ...], test_command: str, content: bytes) -> str:
    """The command for some tests of a file, where the given one is nothing but the usual one for the whole file."""
    runner = runner_of(command)
    if not tests or len(tests) > _NAMED_AT_ONCE or runner not in _TAKES_NAMES:
        return command
    if command != guess_command(path, test_command, content):
        return command
    usual = test_command if runner_of(test_command) is runner else ""
    return command_for(runner, tests, test_command=usual)


def _needed(reproduction: Reproduction, changed: Collection[str], *, fixtures: bool) -> dict[str, bytes]:
    """The further files of a reproduction.

    Raises:
        UsageError: one of them would take the place of what is judged.
    """
    files = {}
    for name, content in reproduction.files.items():
        path = str(PurePosixPath(name))
        hooks = fixtures and harness_file(path) is HarnessFile.HOOKS
        problem = ("" if hooks else _misplaced(path, "")) or (f"the patch changes {path}" if path in changed else "")
        if problem:
            raise UsageError(f"the reproduction needs {path}: {problem}", "let it need nothing but data of its own")
        files[path] = _bytes(content)
    return files


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _misplaced(path: str, test_command: str) -> str:
    parts = PurePosixPath(path).parts
    if path.startswith("/") or not parts or {"..", ".git"}.intersection(parts):
        return f"{path!r} is not a path inside the repository"
    kind = harness_file(path, test_command)
    return f"{path} cannot be a reproduction: it is {kind.value}" if kind not in (None, HarnessFile.TEST) else ""


def _unfit(path: str, reproduction: Reproduction, changed: list[str], test_command: str, before: bytes | None) -> str:
    misplaced = _misplaced(path, test_command)
    if misplaced:
        return misplaced
    if path in changed:
        return f"{path} cannot be a reproduction: the patch changes it as a source"
    names = {path, dotted(path), PurePosixPath(path).name, PurePosixPath(path).stem}
    if runner_of(reproduction.command) is Runner.GO:  # it is told of packages, not of files
        names |= {"./...", "go test" if len(PurePosixPath(path).parts) == 1 else target_of(Runner.GO, path)}
    if not any(name in reproduction.command for name in names):
        return f"its command does not run {path}: {reproduction.command}"
    known = set((before or b"").decode("utf-8", "replace").splitlines())
    lines = [line for line in reproduction.content.splitlines() if line not in known]
    found = _LOOKS_AT_SOURCE.search("\n".join(lines)) or _SHELL_READERS.search(reproduction.command)
    if found:
        return f"{path} looks at the source (`{found.group().strip()}`) instead of running it"
    read = next(
        (name for name in changed for line in filter(_READS.search, lines) if PurePosixPath(name).name in line), None
    )
    return f"{path} reads the patched file {read} instead of running it" if read else ""


def runs_tests_itself(content: bytes) -> bool:
    """Whether tests start a runner of their own, which has to see its own modules."""
    return _RUNNERS_INSIDE.search(content) is not None


def oracle_tests(
    files: Mapping[str, bytes], wanted: tuple[str, ...], runner: Runner, test_command: str
) -> ReproductionCandidate:
    """The tests that the task says must go from failing to passing, with the files of its test patch."""
    wanted = tuple(test for name in wanted for test in _described(name, files) or [name])
    functions = list(dict.fromkeys(_with_file(name.split("[")[0], files) for name in wanted))
    if len(functions) > _NAMED_AT_ONCE or not all("::" in name for name in functions):
        functions = [path for path in files if is_test_module(path)] or _files_of(wanted) or functions
    return _of_tests(Origin.ORACLE, files, functions, wanted, runner, test_command)


def named(tests: tuple[str, ...], runner: Runner, test_command: str) -> ReproductionCandidate:
    """Tests of the base tree that somebody named; those that fail on it may show the issue."""
    return _of_tests(Origin.NAMED, {}, list(tests), (), runner, test_command)


def of_patch(
    files: Mapping[str, bytes], added: tuple[str, ...], runner: Runner, test_command: str
) -> ReproductionCandidate:
    """The tests that the patch itself adds; those that fail on the base may show the issue."""
    paths = _files_of(added)
    names = {path: [name.removeprefix(f"{path}::") for name in added if name.startswith(f"{path}::")] for path in paths}
    told = all(_told(files[path], of_file, runner) for path, of_file in names.items())
    return _of_tests(Origin.PATCH, files, paths, added if told else (), runner, test_command)


def _of_tests(
    origin: Origin,
    files: Mapping[str, bytes],
    tests: list[str],
    wanted: tuple[str, ...],
    runner: Runner,
    test_command: str,
) -> ReproductionCandidate:
    files_of_them = list(dict.fromkeys(name.split("::")[0] for name in tests))
    return ReproductionCandidate(
        origin,
        ", ".join(tests),
        tests[0].split("::")[0] if tests else "",
        _for_tests(tests, runner, test_command),
        whole=_for_tests(files_of_them, runner, test_command) if files_of_them != tests else "",
        files=files,
        runner=runner,
        wanted=wanted,
        open_ended=origin is not Origin.ORACLE,
        trusted=origin is Origin.ORACLE,
    )


def _for_tests(tests: Iterable[str], runner: Runner, test_command: str) -> str:
    return command_for(runner, [target_of(runner, name) for name in tests], test_command=test_command)


def _described(name: str, files: Mapping[str, bytes]) -> list[str]:
    """The tests that a data set names as unittest prints them: by the first line of their documentation."""
    if " " not in name or "::" in name or re.fullmatch(r"\w+ \([\w.]+\)", name):
        return []
    found: list[str] = []
    for path, content in files.items():
        try:
            classes = [node for node in ast.walk(ast.parse(content)) if isinstance(node, ast.ClassDef)]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for owner, test in ((one, test) for one in classes for test in one.body):
            if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef) and test.name.startswith("test"):
                first = (ast.get_docstring(test) or "").strip().partition("\n")[0].strip()
                found += [f"{path}::{owner.name}::{test.name}"] if first == name else []
    return found


def _with_file(name: str, files: Mapping[str, bytes]) -> str:
    """The test with its file before it, when it is a bare function that one of the files defines."""
    if not name.isidentifier():
        return name
    holding = [path for path, content in files.items() if path.endswith(".py") and _defines(content, name)]
    return f"{holding[0]}::{name}" if len(holding) == 1 else name


def _defines(content: bytes, name: str) -> bool:
    return re.search(rf"^def {name}\(".encode(), content, re.MULTILINE) is not None


def _files_of(tests: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name.split("::")[0] for name in tests if "::" in name))
