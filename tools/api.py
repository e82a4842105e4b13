"""Look up what is installed, by name or by words.

Documentation in place of memory is S. Zhou et al., "DocPrompting: Generating Code by Retrieving the Docs" (2023).
"""

import json

from pydantic import BaseModel, Field

from sweagent.programs import program_source
from sweagent.tool_api import ToolContext
from sweagent.tool_support.test_output import scratch
from sweagent.tool_support.text import bounded, visible
from sweagent.trajectory import Observation, ObservationStatus

READ_ONLY = True
MAIN_ARGUMENT = "text"
_SECONDS = 20.0
_CHARACTERS = 4_000


class Parameters(BaseModel, extra="forbid"):
    """What to look up."""

    text: str = Field(description="`package.Class.method`, or words")


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Show signature, docstring and place of what is installed for Python."""
    if not parameters.text.strip():
        return Observation(text="give a name or words", status=ObservationStatus.REFUSED)
    program = f"{scratch(context)}/api.py"
    root = context.sandbox.run("pwd -P", fresh=True).output.strip()
    source = program_source("api_lookup.py", TEXT=parameters.text, ROOT=root, SECONDS=_SECONDS)
    context.sandbox.write(program, source.encode("utf-8", "replace"))
    done = context.sandbox.run(f"python {program}", timeout=3 * _SECONDS, output_limit=1_000_000, fresh=True)
    try:
        found = json.loads(done.output.strip().rpartition("\n")[2])
        shown = [str(part) for part in found["shown"]]
    except (ValueError, TypeError, KeyError):
        why = "it took too long" if done.timed_out else visible(done.output).strip()[-500:]
        return Observation(
            text=f"nothing could be looked up: {why}", status=ObservationStatus.ERROR, exit_code=done.exit_code
        )
    if not shown:
        return Observation(text=f"nothing is known of {parameters.text}", exit_code=1)
    text, cut = bounded(visible("\n".join(shown)), min(_CHARACTERS, context.limits.characters))
    rest = "\n[not all of the environment was looked through]" if found.get("over") else ""
    return Observation(text=text + rest, truncated=cut, exit_code=0)
