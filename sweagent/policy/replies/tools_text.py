"""The text action format: for models without native tool calls.

This is the one place that defines it; `sweagent.policy.replies.parsing` reads it, and far more shapes than this one.
"""

import json
from collections.abc import Sequence
from typing import Any

from sweagent.policy.base import ToolSchema
from sweagent.trajectory import Action

_EXAMPLE = """\
<function=NAME>
<parameter=PARAMETER>
value, as it is: no quotes, no escapes, as many lines as needed
</parameter>
</function>"""


def text_format_instructions(tools: Sequence[ToolSchema]) -> str:
    """What a model without native tool calls is told about calling tools.

    Args:
        tools: the tools it may call.
    """
    lines = [
        "Call a tool by writing a block of this form, with one `<parameter=…>` for each argument:",
        "",
        _EXAMPLE,
        "",
        "Write one or more blocks at the end of your reply; they are run in order and their results come back in the",
        "next message. Never write a result yourself. The tools:",
    ]
    for tool in tools:
        lines += ["", f"{tool.name}: {tool.description}"]
        required = tool.parameters.get("required", [])
        for name, schema in tool.parameters.get("properties", {}).items():
            kind = _kind(schema) + ("" if name in required else ", optional")
            described = schema.get("description", "")
            lines.append(f"  {name} ({kind}){': ' + described if described else ''}")
    return "\n".join(lines)


def render_action(action: Action) -> str:
    """One action in the text format, as the model would have written it."""
    parameters = "".join(
        f"<parameter={name}>\n{_text(value)}\n</parameter>\n" for name, value in action.arguments.items()
    )
    return f"<function={action.tool}>\n{parameters}</function>"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    return str(schema.get("type", "text")).replace("string", "text")
