"""Report of a run: resolved, intervals, cost, steps, time, exits."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from sweagent.batch.drive.outcomes import InstanceResult, Outcome, outcome_of, read_results
from sweagent.batch.grade.grading_records import SUMMARY, Evaluation, Grade, GradeStatus
from sweagent.batch.report.statistics import Interval, wilson
from sweagent.errors import StorageError, UsageError
from sweagent.exit_status import ExitStatus
from sweagent.frozen import Frozen
from sweagent.verdict import Verdict

NOT_SUBMITTED = "not submitted"
_REQUESTS = re.compile(r" \(\d+ requests?\)$")
_HINT = "give the folder of a batch or of an evaluation, or a report of the official evaluation"


class Share(Frozen):
    """How many of how many are resolved."""

    resolved: int
    total: int
    interval: Interval
    """Wilson's, at 95%."""

    @property
    def value(self) -> float:
        """The share as a fraction; 0 when there is nothing."""
        return self.resolved / self.total if self.total else 0.0


class InstanceRow(Frozen):
    """One instance of a run."""

    instance_id: str
    repo: str
    outcome: str
    resolved: bool
    """The official verdict."""
    infrastructure: bool = False
    """No verdict is known, and that is not the model's failure."""
    reason: str = ""
    findings: tuple[str, ...] = ()
    """What the integrity check found, in words."""
    exit_status: ExitStatus | None = None
    verdict: Verdict | None = None
    """Of the product's own proof."""
    cost: float | None = None
    """US dollars; None when it is not known."""
    steps: int | None = None
    prompt_characters: int | None = None
    """Of all requests, with the descriptions of the tools."""
    seconds: float | None = None
    """Wall time of the run."""
    test_seconds: float | None = None
    contacts: tuple[str, ...] = ()
    """The hosts that its runs reached or were refused, one a line."""

    @property
    def ungraded(self) -> bool:
        """There is a patch, and nobody has graded it yet."""
        return self.outcome == Outcome.UNGRADED.value

    @property
    def judged(self) -> bool:
        """A verdict is known, so that it counts."""
        return not (self.infrastructure or self.ungraded)


class Spread(Frozen):
    """A quantity over the instances that it is known of."""

    total: float
    median: float
    most: float
    known: int


class RunReport(Frozen):
    """The report of one run."""

    name: str
    model: str = ""
    share: Share
    """Of all instances but those that have no verdict: the infrastructure kept them from it, or nobody graded them."""
    share_unflagged: Share
    """The same with the flagged instances counted as not resolved."""
    by_repository: dict[str, Share]
    outcomes: dict[str, int]
    exit_reasons: dict[str, int]
    proofs: dict[str, int] = {}
    """The verdicts of the product's own proofs."""
    not_verified: dict[str, int] = {}
    """Patches whose verification was left out, by repository."""
    cost: Spread | None = None
    steps: Spread | None = None
    prompt_characters: Spread | None = None
    seconds: Spread | None = None
    contacts: dict[str, int] = {}
    """The hosts that were reached or refused, each with the number of instances."""
    instances: tuple[InstanceRow, ...]

    @property
    def resolved(self) -> list[str]:
        """The instances that are officially resolved."""
        return [row.instance_id for row in self.instances if row.resolved]

    @property
    def flagged(self) -> tuple[InstanceRow, ...]:
        """The instances that a person should look at."""
        return tuple(row for row in self.instances if row.findings)

    @property
    def infrastructure(self) -> tuple[InstanceRow, ...]:
        """The instances that the infrastructure kept from a verdict."""
        return tuple(row for row in self.instances if row.infrastructure)

    @property
    def unverified_by_choice(self) -> tuple[InstanceRow, ...]:
        """The instances whose verification was left out."""
        return tuple(row for row in self.instances if row.verdict is Verdict.NOT_VERIFIED)

    @property
    def ungraded(self) -> tuple[InstanceRow, ...]:
        """The instances whose patches nobody has graded yet."""
        return tuple(row for row in self.instances if row.ungraded)


def load_report(path: Path) -> RunReport:
    """Read a run.

    Args:
        path: the folder of a batch, graded or not; the folder of an evaluation; or the .json of an official one.

    Raises:
        UsageError: it is none of these.
        StorageError: it cannot be read.
    """
    if path.is_file():
        return _from_official(_json(path), path.stem)
    folder = next((place for place in (path, path / "evaluation") if (place / SUMMARY).is_file()), None)
    if folder is not None:
        evaluation = _evaluation(folder / SUMMARY)
        batch = folder.parent if folder.absolute().name == "evaluation" else folder
        return from_evaluation(evaluation, read_results(batch), name=batch.absolute().name)
    results = read_results(path) if path.is_dir() else {}
    if not results:
        raise UsageError(f"{path} contains no run", _HINT)
    rows = [_row(name, None, result) for name, result in results.items()]
    models = sorted({result.model for result in results.values()})
    return make_report(path.absolute().name, "+".join(models), rows)


def from_evaluation(evaluation: Evaluation, results: Mapping[str, InstanceResult], *, name: str = "") -> RunReport:
    """The report of an evaluation.

    Args:
        evaluation: the grades.
        results: how the runs went that made the predictions, as far as it is known.
        name: for people; the evaluation's own unless given.
    """
    rows = [_row(grade.instance_id, grade, results.get(grade.instance_id)) for grade in evaluation.grades]
    for missing in evaluation.not_submitted:
        result = results.get(missing)
        rows.append(_row(missing, None, result) if result else _missing(missing))
    return make_report(name or evaluation.run_id, evaluation.model, rows)


def make_report(name: str, model: str, rows: Iterable[InstanceRow]) -> RunReport:
    """Count what rows say.

    Args:
        name: of the run, for people.
        model: the model's name.
        rows: one an instance.
    """
    listed = tuple(sorted(rows, key=lambda row: row.instance_id))
    judged = [row for row in listed if row.judged]
    by_repository: dict[str, list[InstanceRow]] = {}
    for row in judged:
        by_repository.setdefault(row.repo, []).append(row)
    return RunReport(
        name=name,
        model=model,
        share=_share(judged),
        share_unflagged=_share(
            [row.model_copy(update={"resolved": not row.findings and row.resolved}) for row in judged]
        ),
        by_repository={repo: _share(by_repository[repo]) for repo in sorted(by_repository)},
        outcomes=_counted(row.outcome for row in listed),
        exit_reasons=_counted(row.exit_status for row in listed if row.exit_status),
        proofs=_counted(row.verdict for row in listed if row.verdict),
        not_verified=_counted(row.repo for row in listed if row.verdict is Verdict.NOT_VERIFIED),
        cost=_spread(row.cost for row in listed),
        steps=_spread(row.steps for row in listed),
        prompt_characters=_spread(row.prompt_characters for row in listed),
        seconds=_spread(row.seconds for row in listed),
        contacts=_counted(_REQUESTS.sub("", line) for row in listed for line in row.contacts),
        instances=listed,
    )


def _share(rows: list[InstanceRow]) -> Share:
    resolved = sum(row.resolved for row in rows)
    return Share(resolved=resolved, total=len(rows), interval=wilson(resolved, len(rows)))


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items(), key=lambda item: (-item[1], item[0])))


def _spread(values: Iterable[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return Spread(total=sum(known), median=median(known), most=max(known), known=len(known))


def _row(name: str, grade: Grade | None, result: InstanceResult | None) -> InstanceRow:
    resolved = grade is not None and grade.status is GradeStatus.RESOLVED
    infrastructure = grade.status is GradeStatus.INFRASTRUCTURE if grade else False
    outcome = grade.status.value if grade else ""
    if result is not None and not infrastructure:
        judged = grade is not None and grade.status is not GradeStatus.EMPTY_PATCH
        kind = outcome_of(result, resolved=resolved if judged else None, flagged=grade is not None and grade.flagged)
        infrastructure = not kind.final and not judged
        outcome = outcome if not kind.final and judged else kind.value
    return InstanceRow(
        instance_id=name,
        repo=_repository(name, grade, result),
        outcome=outcome,
        resolved=resolved,
        infrastructure=infrastructure,
        reason=grade.reason if grade else result.message if result else "",
        findings=tuple(f"{finding.rule}: {finding.detail}" for finding in grade.findings) if grade else (),
        exit_status=result.exit_status if result else None,
        verdict=result.verdict if result else None,
        cost=result.cost if result else None,
        steps=result.steps if result else None,
        prompt_characters=sum(result.prompt.values()) if result and result.prompt else None,
        seconds=result.seconds if result else None,
        contacts=result.contacts if result else (),
        test_seconds=grade.test_seconds if grade else None,
    )


def _missing(name: str) -> InstanceRow:
    return InstanceRow(instance_id=name, repo=_repository(name, None, None), outcome=NOT_SUBMITTED, resolved=False)


def _repository(name: str, grade: Grade | None, result: InstanceResult | None) -> str:
    told = (grade.repo if grade else "") or (result.repo if result else "")
    return told or name.rpartition("-")[0].replace("__", "/") or name


def _from_official(data: dict[str, Any], name: str) -> RunReport:
    """Read a report in the official form, of whatever version."""
    kinds = {
        "resolved_ids": GradeStatus.RESOLVED.value,
        "unresolved_ids": GradeStatus.UNRESOLVED.value,
        "empty_patch_ids": GradeStatus.EMPTY_PATCH.value,
        "error_ids": GradeStatus.ERROR.value,
        "incomplete_ids": NOT_SUBMITTED,
    }
    if not isinstance(data.get("resolved_ids"), list):
        raise UsageError(f"{name}.json is no report of an evaluation", _HINT)
    rows = {
        str(instance): InstanceRow(
            instance_id=str(instance),
            repo=_repository(str(instance), None, None),
            outcome=outcome,
            resolved=key == "resolved_ids",
        )
        for key, outcome in reversed(kinds.items())
        for instance in data.get(key) or ()
    }
    return make_report(name, name.split(".")[0], rows.values())


def _evaluation(path: Path) -> Evaluation:
    try:
        return Evaluation.model_validate(_json(path))
    except ValueError as error:
        raise UsageError(f"{path} is not of this version of fix-issue", "evaluate the predictions again") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error}", "check the file's permissions") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}", _HINT) from error
    if not isinstance(data, dict):
        raise UsageError(f"{path} is no report of an evaluation", _HINT)
    return data
