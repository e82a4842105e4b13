"""Outcomes and names that a witness saw, by work-tree path."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sweagent.testing.python import in_the_body, is_missing
from sweagent.testing.report import Runner, TestOutcome, TestReport, TestResult

_ROOT = re.compile(r"^rootdir: (/.*?)(?:, (?:inifile|configfile|testpaths)\b.*)?$", re.MULTILINE)
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\x7e\x80-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
BROKE_DOWN = "the run broke down in this test"
"""Begins the message of a test that began and did not end."""
_NOT_LOADED = "unittest.loader._FailedTest."
_TEXT = 1
"""The place of a failure's text in what a witness tells of an ended test; its message may follow."""
_ENDINGS = {outcome.value: outcome for outcome in TestOutcome if outcome is not TestOutcome.NOT_THERE}


@dataclass(frozen=True)
class Witnessed:
    """What the runner itself collected and told of, by its own names.

    Attributes:
        workdir: the work tree in the sandbox; paths are given relative to it.
        root: the folder that pytest's own names are relative to.
        files: the file of each test that was collected, absolute, by the runner's name.
        ended: the tests that ended, in their order, by the runner's names; a test can be in it more than once.
        cut: the tests that began and did not end: while one of them ran, the runner or its process broke down.
    """

    workdir: str = ""
    root: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    ended: tuple[TestResult, ...] = ()
    cut: tuple[str, ...] = ()

    @classmethod
    def of_record(cls, record: str, workdir: str) -> "Witnessed":
        """Read what a witness wrote; lines that are none of its own are left out."""
        root, files, ended, began = "", dict[str, str](), list[TestResult](), dict[str, None]()
        for name, word, more in entries(record):
            if word == "root":
                root = root or name
            elif word == "collected" and more and isinstance(more[0], list):
                files.update({str(one): name for one in more[0] if str(one) not in files} if name else {})
            elif word == "began":
                began[name] = None
            elif word == "ended" and more and more[0] in _ENDINGS:
                text = str(more[_TEXT]) if len(more) > _TEXT else ""
                message = str(more[2]) if len(more) > _TEXT + 1 else last_line(text)
                ended.append(TestResult(id=name, outcome=_ENDINGS[more[0]], message=message, details=text))
        over = {item.id for item in ended}
        return cls(workdir, root, files, tuple(ended), tuple(name for name in began if name not in over))

    @classmethod
    def of_output(cls, output: str, workdir: str) -> "Witnessed":
        """What pytest's heading tells where no witness was there: the folder that its names are relative to."""
        found = _ROOT.search(output) if workdir else None
        return cls(workdir, found.group(1) if found else "")

    def path(self, file: str) -> str:
        """A file as a path in the work tree; one outside of it stays absolute."""
        return file.removeprefix(f"{self.workdir}/") if self.workdir else file

    def file_of(self, name: str) -> str:
        """The path of the file from which a test was collected; empty where that is not known."""
        return self.path(self.files.get(name, ""))

    def id_of(self, runner: Runner, name: str) -> str:
        """A runner's name for a test as an id in the work tree."""
        if runner is not Runner.PYTEST:
            return self.path(name).removeprefix(_NOT_LOADED)
        head, separator, rest = name.partition("::")
        file = self.files.get(name, "")
        if not file:
            below = self.root and not head.startswith("/")
            file = _joined(self.root, head) if below else head
        rest = rest.replace("()::", "")  # pytest before 4
        return f"{self.path(file)}{separator}{rest}"

    @cached_property
    def by_junit(self) -> Mapping[tuple[str, str], str]:
        """The ids in the work tree by `classname` and `name` of pytest's JUnit report."""
        return {_junit_key(name): self.id_of(Runner.PYTEST, name) for name in self.files}

    def named(self, runner: Runner, result: TestResult) -> TestResult:
        """A result of the runner's own under its id in the work tree, with its file."""
        name = self.id_of(runner, result.id)
        file = self.file_of(result.id) or (name.partition("::")[0] if runner in _BY_FILE else "")
        return result.model_copy(update={"id": name, "file": file})

    def report(self, runner: Runner, printed: TestReport) -> TestReport:
        """The report of what was seen to end.

        Args:
            runner: the runner.
            printed: what is told by the text, under ids in the work tree: titles, failures in full, and what is no
                test, such as a file that cannot be loaded.
        """
        said = {item.id: item for item in printed.results}
        results: dict[str, TestResult] = {}
        for seen in self.ended:
            item = self.named(runner, seen)
            if runner in _OF_UNITTEST:
                if seen.id.startswith(_NOT_LOADED) and is_missing(item.id, item.message, item.details):
                    continue
                item = in_the_body(item)
            old, other = results.get(item.id), said.get(item.id)
            # The same news come from a worker process, without the failure's text, and from its parent.
            if old and not item.outcome.worse_than(old.outcome) and (old.details or item.outcome is not old.outcome):
                continue
            update = {"title": other.title if other else ""}
            if other and other.outcome.bad and item.outcome.bad and other.details:
                update |= {"details": other.details, "message": other.message}
            results[item.id] = item.model_copy(update=update)
        # What runners of Node print has no files; a file that cannot be loaded is among what was seen.
        texts = () if runner in _OF_NODE else printed.results
        unseen = [item for item in texts if item.outcome.bad and item.id not in results]
        everything = [*results.values(), *unseen]
        return TestReport.of(
            runner, everything, exit_code=printed.exit_code, problem=printed.problem, machine_readable=True
        )

    def with_cut(self, report: TestReport) -> TestReport:
        """A report with the tests in which the run broke down; one that was ended at its deadline has none such."""
        known = {item.id for item in report.results}
        names = [name for name in self.cut if self.id_of(report.runner, name) not in known]
        if report.exit_code is None or not names:
            return report
        message = f"{BROKE_DOWN} (exit {report.exit_code})"
        results = [TestResult(id=name, outcome=TestOutcome.ERROR, message=message) for name in names]
        counts = {**report.counts, TestOutcome.ERROR: report.counts.get(TestOutcome.ERROR, 0) + len(names)}
        everything = (*report.results, *(self.named(report.runner, item) for item in results))
        return report.model_copy(update={"results": everything, "counts": counts})


_BY_FILE = (Runner.PYTEST, Runner.SYMPY)
"""The runners whose names of tests begin with a file."""
_OF_NODE = (Runner.NODE, Runner.MOCHA)
_OF_UNITTEST = (Runner.UNITTEST, Runner.DJANGO)


def entries(record: str) -> Iterator[tuple[str, str, list[object]]]:
    """The entries of a record: of what, a word, and what else there is."""
    for line in record.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, list) and len(entry) > 1 and all(isinstance(part, str) for part in entry[:2]):
            yield entry[0], entry[1], entry[2:]


def last_line(text: str) -> str:
    """What a traceback comes to; of pytest's text the line that it marks."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marked = [line[1:].strip() for line in lines if line.startswith("E  ")]
    return (marked[0] if marked else lines[-1] if lines else "")[:300]


def _joined(folder: str, path: str) -> str:
    parts: list[str] = []
    for part in f"{folder}/{path}".split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/" + "/".join(parts)


def _junit_key(name: str) -> tuple[str, str]:
    """What pytest makes of a test's name for its JUnit report, in every version since 3."""
    path, bracket, parameters = name.partition("[")
    parts = [part for part in path.split("::") if part != "()"]
    parts[0] = re.sub(r"\.py$", "", parts[0].replace("/", "."))
    parts[-1] += bracket + parameters
    return _as_in_xml(".".join(parts[:-1])), _as_in_xml(parts[-1])


def _as_in_xml(text: str) -> str:
    return _NOT_IN_XML.sub(lambda found: f"#x{ord(found.group()):0{2 if ord(found.group()) <= 0xFF else 4}X}", text)
