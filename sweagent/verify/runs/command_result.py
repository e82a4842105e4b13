"""Results of one command, read under the names of the work tree."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sweagent.sandbox.base import Completed
from sweagent.testing import Runner, TestOutcome, TestReport, TestResult, parse
from sweagent.testing.witnessed import Witnessed
from sweagent.verify.proof import CanaryState, Side
from sweagent.verify.runs.canary import Canary
from sweagent.verify.runs.import_origins import Stray
from sweagent.verify.runs.targets import STEADY_OPTIONS
from sweagent.verify.runs.witness import WITNESSED, Testimony, Witness, read_testimony

_OUR_OPTIONS = re.compile(
    r"""--junit-?xml | junit_family | --override-ini | -o/-- | --continue-on-collection-errors | --maxfail | --color
      | no:randomly""",
    re.VERBOSE,
)
_USAGE = re.compile(r"^(?:\S+: )?(?:error|ERROR): .*$", re.MULTILINE)
_USED_WRONGLY = (2, 4)
"""pytest's status for wrong options, before 3 and since."""
_NOTHING_COLLECTED = 5
"""pytest's status when no test was found."""


FOLDER = "<the folder of the run>"
"""Stands for the run's own folder in the harness's own files."""


@dataclass(frozen=True)
class Command:
    """A command to run, and what has to be there for it.

    Attributes:
        purpose: for the record, such as `reproduction`.
        command: a shell command, from the repository's root; `{folder}` stands for a folder whose name nobody can
            guess, where the run's own files go, and `-p {witness}` for the option of pytest that loads the witness.
        timeout: seconds.
        files: contents by path, put over the side's tree.
        runner: the test runner whose report is to be read; None for a plain command.
        report: the report's file name in that folder; empty when the runner has none.
        canary: a test that must fail; it is planted and looked for.
        env: further variables, filled in likewise.
        record: the name of a file in that folder that the run leaves when it ends as it should.
        unseen: the code under test is not to see that a test runner is loaded.
        own: files of the harness by path, in which `FOLDER` stands for the run's own folder.
        plain: no variable of the harness is set, as where a person runs the command.
        shown: the command for the record, without what is there for the harness's sake; empty for the very command.
        test_files: how many test files it is given.
        reusable: on a side without a patch, what it came to earlier in the run may stand for it.
    """

    purpose: str
    command: str
    timeout: float
    files: Mapping[str, bytes] = field(default_factory=dict)
    runner: Runner | None = None
    report: str = ""
    canary: Canary | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    record: str = ""
    unseen: bool = False
    own: Mapping[str, str] = field(default_factory=dict)
    plain: bool = False
    shown: str = ""
    test_files: int = 0
    reusable: bool = False


@dataclass(frozen=True)
class CommandResult:
    """What came of a job.

    Attributes:
        report: the tests' outcomes, without the canary, by ids in the work tree.
        canary: the canary's result; None when it was not planted or not reported.
        record: what the run left in its record file; None when there is none.
        whole: the printed output and the report agree, and nothing was cut off.
        told: what the second witness saw, whatever the report says; None when it was not there.
        strays: the changed modules that were not loaded from the work tree; such a run shows nothing of them.
        ours: why the run failed because of the harness's own options, plugin or hook; empty when it did not.
        kept: it is of an earlier verification of the same run, and nothing was run now.
    """

    side: Side
    job: Command
    completed: Completed
    report: TestReport
    canary: TestResult | None = None
    record: str | None = None
    whole: bool = True
    told: Testimony | None = None
    ours: str = ""
    strays: tuple[Stray, ...] = ()
    kept: bool = False

    @property
    def canary_failed(self) -> bool:
        """Whether the canary was run and failed with its own words."""
        planted = self.job.canary
        result = self.canary
        return planted is not None and result is not None and result.outcome.bad

    @property
    def canary_said(self) -> CanaryState:
        """What became of the canary, in words."""
        if self.job.canary is None:
            return CanaryState.NOT_PLANTED
        return CanaryState.FAILED if self.canary_failed else CanaryState.NOT_SEEN

    @property
    def exit_code(self) -> int | None:
        """The exit code of the command as a person runs it, without the canary, whose failure is part of this one."""
        code = self.completed.exit_code
        if code is None or not self.canary_failed or any(item.outcome.bad for item in self.report.results):
            return code
        if self.job.runner is Runner.PYTEST and code not in (0, 1):
            return code
        return _NOTHING_COLLECTED if self.job.runner is Runner.PYTEST and not self.report.counts else 0


@dataclass(frozen=True)
class Left:
    """What a command left behind.

    Attributes:
        done: its output and status.
        report: the text of its report file; None when there is none.
        record: that of its own record file.
        testimony: that of the witness's record.
    """

    done: Completed
    report: str | None = None
    record: str | None = None
    testimony: str | None = None


def read_run(side: Side, job: Command, left: Left, workdir: str, witness: Witness | None) -> CommandResult:
    """Read what a job came to.

    Args:
        side: where it ran.
        job: what was run.
        left: what it left behind.
        workdir: the work tree in the sandbox.
        witness: that of the run; None when there was none.
    """
    done = left.done
    if job.runner is None:
        return CommandResult(
            side, job, done, TestReport(runner=Runner.UNKNOWN, exit_code=done.exit_code), record=left.record
        )
    # A guard tells nothing; a witness that wrote nothing was never there.
    seen = Witnessed.of_record(left.testimony, workdir) if left.testimony and job.runner in WITNESSED else None
    full = parse(
        job.runner, done.output, exit_code=done.exit_code, report=left.report or "", workdir=workdir, witnessed=seen
    )
    planted = job.canary.token if job.canary else ""
    canary = next((item for item in full.results if planted and planted in item.id), None)
    others = [item for item in full.results if not (planted and planted in item.id)]
    if job.runner is Runner.UNKNOWN:
        outcome = TestOutcome.PASSED if done.exit_code == 0 else TestOutcome.FAILED
        others.append(TestResult(id=job.command, outcome=outcome, message=f"exit status {done.exit_code}"))
    # A terse text counts the tests that passed without naming them.
    counts = Counter(full.counts)
    counts.subtract([canary.outcome] if canary else [])
    report = full.model_copy(update={"results": tuple(others), "counts": dict(+counts)})
    whole = (not job.report or left.report is not None) and _agrees(job.runner, full, done)
    told = read_testimony(left.testimony, seen or Witnessed(workdir), job.runner, planted=planted) if witness else None
    run = CommandResult(side, job, done, report, canary, left.record, whole, told)
    ours = _ours(run, witness)
    return CommandResult(side, job, done, report, canary, left.record, whole, told, ours) if ours else run


def _agrees(runner: Runner, full: TestReport, done: Completed) -> bool:
    """Whether the report file tells of as many failures as the printed summary."""
    if not full.machine_readable or done.truncated or runner not in (Runner.PYTEST, Runner.UNITTEST, Runner.DJANGO):
        return True
    printed = parse(runner, done.output, exit_code=done.exit_code)
    bad = [sum(number for outcome, number in item.counts.items() if outcome.bad) for item in (full, printed)]
    return not printed.counts or (bad[0] >= bad[1] and (bad[0] > 0) == (bad[1] > 0))


def _ours(run: CommandResult, witness: Witness | None) -> str:
    """Why a run in which nothing ran failed because of the harness; what the project's own command says is not ours."""
    done = run.completed
    if run.report.ran or run.canary or done.exit_code == 0:
        return ""
    if witness and re.search(
        rf'(?:File "{re.escape(witness.path)}"|^{re.escape(witness.path)}:\d+)', done.output, re.M
    ):
        said = [line.strip() for line in done.output.splitlines() if re.match(r"\S*\s*(?:\w+\.)*\w+Error\b", line)]
        return f"the witness of {run.job.runner} broke off the run: {said[-1] if said else 'no error is named'}"[:300]
    if run.job.runner is not Runner.PYTEST or done.exit_code not in _USED_WRONGLY:
        return ""
    own = run.job.shown.replace(STEADY_OPTIONS, "")
    for line in _USAGE.findall(done.output):
        option = _OUR_OPTIONS.search(line)
        if option and option.group() not in own:
            return f"this version of pytest refuses an option of ours: {line.strip()}"[:300]
    return ""
