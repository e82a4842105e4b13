"""Leave out names of tests for which there is no file."""

import shlex
from collections.abc import Sequence

from sweagent.testing import Runner
from sweagent.testing.naming import dotted
from sweagent.tool_api import ToolContext


def without_file(context: ToolContext, runner: Runner, tests: Sequence[str]) -> list[str]:
    """Those of the tests for which no file or folder is there; one of them keeps some runners from running any.

    Only of pytest and of Django's own suite is it known where a name has to lead.

    Raises:
        SandboxError: the sandbox is lost.
    """
    places = {test: place for test in tests if (place := _place(context, runner, test))}
    if not places:
        return []
    looked = " ; ".join(
        f"[ -e {shlex.quote(place)} ] || [ -e {shlex.quote(place + '.py')} ] ; echo $?" for place in places.values()
    )
    done = context.sandbox.run(f"cd {shlex.quote(context.sandbox.workdir)} && {{ {looked} ; }}", fresh=True)
    answers = done.output.split()
    if len(answers) != len(places):
        return []
    return [test for test, answer in zip(places, answers, strict=True) if answer != "0"]


def _place(context: ToolContext, runner: Runner, test: str) -> str:
    """The path that must be there for a test to be found; empty where that is not known."""
    if test.startswith("-"):
        return ""
    if runner is Runner.PYTEST:
        return test.partition("::")[0]
    if runner is Runner.DJANGO and "runtests.py" in context.test_command:
        return f"tests/{dotted(test, root='tests').partition('.')[0]}" if not test.startswith("django.") else ""
    return ""
