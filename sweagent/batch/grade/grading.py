"""Grade by `swebench`'s own eval scripts, log parsers and functions."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sweagent.batch.data.instances import Instance
from sweagent.batch.data.predictions import Prediction
from sweagent.batch.grade.run_faults import failed_install, is_interleaved
from sweagent.errors import UsageError

if TYPE_CHECKING:
    from swebench.types import TestSpec

_INSTALL = "install it with `pip install 'fix-issue[swebench]'`"


def swebench_version() -> str:
    """The version of the official package.

    Raises:
        UsageError: it is not installed, or is older than 5.
    """
    try:
        import swebench
    except ImportError as error:
        raise UsageError("the official grading needs the package swebench", _INSTALL) from error
    version = str(getattr(swebench, "__version__", "0"))
    if int(version.split(".")[0]) < 5:
        raise UsageError(f"the official grading needs swebench 5 or later, and {version} is installed", _INSTALL)
    return version


def official_spec(instance: Instance) -> "TestSpec":
    """The official description of how an instance is tested, its script recording the tests' exit status."""
    from swebench.harness.utils import make_test_spec

    return make_test_spec(instance.to_record())


def apply_commands() -> tuple[str, ...]:
    """The commands that the official evaluation tries a patch with, the patch's path to be appended to each."""
    from swebench.harness.run_evaluation import GIT_APPLY_CMDS

    return tuple(GIT_APPLY_CMDS)


def official_report(instance: Instance, prediction: Prediction, log: Path) -> dict[str, Any]:
    """What the official grading says of a test run.

    Args:
        instance: what was to be solved.
        prediction: the patch that was tested.
        log: the output of the eval script.

    Returns:
        The object that the official evaluation keeps in `report.json`, without the instance's name around it.
    """
    from swebench.harness.grading import get_eval_report

    report = get_eval_report(
        test_spec=official_spec(instance),
        prediction=prediction.model_dump(),
        test_log_path=str(log),
        include_tests_status=True,
    )
    return cast(dict[str, Any], report[instance.instance_id])


def statuses(instance: Instance, log: Path) -> dict[str, str]:
    """The status of each test in the output of an eval script, as the official parser reads it.

    Unlike `official_report` it does not ask whether the output is to be believed.
    """
    from swebench.harness.constants import END_TEST_OUTPUT, START_TEST_OUTPUT
    from swebench.harness.log_parsers import PARSER_REGISTRY

    text = log.read_text(encoding="utf-8").rpartition(START_TEST_OUTPUT)[2].partition(END_TEST_OUTPUT)[0]
    return dict(PARSER_REGISTRY[instance.log_parser](text, official_spec(instance)))


def install_fault(log: Path) -> str:
    """The line in which an installation of an eval script says that it failed before the tests; empty without one."""
    from swebench.harness.constants import START_TEST_OUTPUT

    return failed_install(log.read_text(encoding="utf-8", errors="replace"), START_TEST_OUTPUT)


def only_interleaved(instance: Instance, log: Path, missing: Iterable[str]) -> bool:
    """Whether the official parser misses tests only because processes wrote into each other's lines.

    Args:
        instance: what was to be solved.
        log: the output of the eval script.
        missing: tests that the official grading takes for failed.
    """
    from swebench.harness.constants import END_TEST_OUTPUT, START_TEST_OUTPUT
    from swebench.harness.grading import parse_test_exit_code

    text = log.read_text(encoding="utf-8", errors="replace")
    tests = text.rpartition(START_TEST_OUTPUT)[2].partition(END_TEST_OUTPUT)[0]
    return is_interleaved(tests, statuses(instance, log), missing, parse_test_exit_code(text))


def failure_reason(*logs: Path) -> tuple[str, bool]:
    """What the official classification takes for the cause of a run without results, from its logs.

    Returns:
        A word, empty when nothing is recognised, and whether it is certainly the environment's fault.
    """
    from swebench.harness.infra_failure import TIER_ENVIRONMENT, classify_logs

    reason, tier = classify_logs(*logs) or ("", "")
    return reason, tier == TIER_ENVIRONMENT


def refuse_ungradable(instances: Iterable[Instance]) -> None:
    """Check that instances hold what grading needs.

    Raises:
        UsageError: some are of the 4.x form, have an unknown log parser, or need binary files beside the patch.
    """
    from swebench.harness.log_parsers import PARSER_REGISTRY

    listed = list(instances)
    _refuse(
        [one for one in listed if not (one.image and one.eval_script and one.log_parser)],
        "cannot be graded: no image, eval_script and log_parser",
        "use the data set in the form of swebench 5, as it is at Hugging Face now",
    )
    _refuse(
        [one for one in listed if one.log_parser not in PARSER_REGISTRY],
        "cannot be graded: this version of swebench does not know their log parser",
        "install a newer swebench",
    )
    _refuse(
        [one for one in listed if any(one.image_assets.get(key) for key in ("patch", "test_patch"))],
        "cannot be graded: they need binary files beside the patch",
        "grade multimodal instances with `python -m swebench.harness.run_evaluation`",
    )


def _refuse(instances: list[Instance], what: str, hint: str) -> None:
    if instances:
        names = ", ".join(instance.instance_id for instance in instances[:3])
        more = f" and {len(instances) - 3} more" if len(instances) > 3 else ""
        raise UsageError(f"{names}{more} {what}", hint)


def as_official_json(report: dict[str, Any], instance_id: str) -> str:
    """An instance's `report.json` as the official evaluation writes it."""
    return json.dumps({instance_id: report}, indent=4)
