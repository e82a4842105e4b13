"""The end of the work, in one word."""

import logging
import shlex
from dataclasses import dataclass

from pydantic import BaseModel

from sweagent.code.index.languages import is_test
from sweagent.errors import FixIssueError
from sweagent.tool_api import ToolContext
from sweagent.tool_support.impact import Told, impact_notes
from sweagent.tool_support.unknown_names import undefined_names
from sweagent.trajectory import Observation

READ_ONLY = True
MAIN_ARGUMENT = "summary"
ALIASES = ("finish", "done", "complete", "finish_task", "attempt_completion", "final_answer")
_MOST_FILES = 20
_BYTES = 500_000


class Parameters(BaseModel, extra="forbid"):
    """What the policy says of its work."""

    summary: str = ""


@dataclass
class _Looked:
    """Whether the whole change was looked at: once in a run, for a submission must not cost more than one answer."""

    at_the_change: bool = False


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """End the work."""
    looked = context.state.of(_Looked)
    notes = [] if looked.at_the_change else _unsaid(context)
    looked.at_the_change = True
    if notes:
        said = "\n".join(f"- {note}" for note in notes)
        return Observation(
            text=f"not submitted yet; of what your change may touch:\n{said}\nSubmit again when all is done."
        )
    return Observation(text="submitted", submitted=True, summary=parameters.summary)


def _unsaid(context: ToolContext) -> list[str]:
    """What no edit's answer has told of the change's impact: what was changed by the shell, say."""
    try:
        notes = [
            note
            for path, before, after in _changed_sources(context)
            for note in (*undefined_names(path, before, after), *impact_notes(context, path, before, after))
        ]
    except FixIssueError:
        raise
    except Exception:
        # Nothing of this may keep the work from ending.
        logging.getLogger("sweagent.tools").exception("the impact of the change is not known")
        return []
    return context.state.of(Told).new(notes)


def _changed_sources(context: ToolContext) -> list[tuple[str, str, str]]:
    git = "git -c core.fsmonitor=false"
    listed = context.sandbox.run(f"{git} diff --name-only --diff-filter=M HEAD -- '*.py'", fresh=True)
    paths = [path for path in listed.output.splitlines() if not is_test(path)] if listed.exit_code == 0 else []
    changed = []
    for path in paths[:_MOST_FILES]:
        shown = context.sandbox.run(f"{git} show {shlex.quote(f'HEAD:{path}')}", fresh=True, output_limit=_BYTES)
        if shown.exit_code == 0 and not shown.truncated:
            after = context.sandbox.read(f"{context.sandbox.workdir}/{path}", limit=_BYTES)
            changed.append((path, shown.output, after.decode("utf-8", "replace")))
    return changed
