"""Commands that run chosen test files beside a canary."""

import shlex
from collections.abc import Callable, Mapping, Sequence

from sweagent.testing import Runner
from sweagent.verify.runs.canary import Canary, make_canary
from sweagent.verify.runs.command_result import Command
from sweagent.verify.runs.targets import target_of, test_run
from sweagent.verify.runs.witness import WITNESS

_WITHOUT_REPORT = (
    *(Runner.UNITTEST, Runner.DJANGO, Runner.SYMPY, Runner.NODE, Runner.MOCHA),  # the witness knows more
    *(Runner.CARGO, Runner.UNKNOWN),
)


class TestJobs:
    """Makes the jobs of a comparison, the same for both sides.

    Args:
        runner: the project's test runner.
        test_command: how the project runs its tests.
        overlay: test files that both sides get, by path.
        content_of: gives the content of a test file on the base.
    """

    __test__ = False

    def __init__(
        self,
        runner: Runner,
        test_command: str,
        overlay: Mapping[str, bytes],
        content_of: Callable[[str], bytes],
    ) -> None:
        self._runner, self._test_command, self._overlay, self._content_of = runner, test_command, overlay, content_of
        self.suite = test_command or f"the whole suite ({runner.value})"
        """What stands for all tests, where a runner takes no files."""
        self.near = ""
        """A test file beside which the planted test of the whole suite lies."""
        self.left_out: set[str] = set()
        """Tests, by id, that pytest is told to leave out, because the run on the base breaks down in them."""

    def make(self, targets: Sequence[str], timeout: float, purpose: str, near: str) -> Command:
        """The job for some tests.

        Args:
            targets: test files, ids of tests, or `suite`.
            timeout: seconds.
            purpose: for the record.
            near: the test file beside which the planted test lies.
        """
        canary = self._canary(near, targets)
        report = "" if self._runner in _WITHOUT_REPORT else "report"
        if self._runner is Runner.UNKNOWN:
            command = shown = self._test_command
        else:
            names = [target_of(self._runner, target) for target in targets if target != self.suite]
            planted = [canary.target] if canary and names else []
            place = f"{{folder}}/{report}" if report else ""
            command = test_run(self._runner, [*names, *planted], self._test_command, place)
            if self._runner is Runner.PYTEST:
                command += f" {WITNESS}" + "".join(f" --deselect={shlex.quote(name)}" for name in sorted(self.left_out))
            shown = test_run(self._runner, names, self._test_command, "")
        count = len(targets) if self.suite not in targets else 0
        return Command(
            purpose, command, timeout, self._overlay, self._runner, report, canary, shown=shown, test_files=count
        )

    def _canary(self, near: str, targets: Sequence[str]) -> Canary | None:
        """Plant a test; in a run of the whole suite only a runner that finds its tests by itself comes to it."""
        if near == self.suite:
            return make_canary(self._runner, self.near) if self._runner is Runner.CARGO else None
        keyword = min(target.partition("::")[2] for target in targets)
        return make_canary(self._runner, near, keyword=keyword, content=self._content_of(near))
