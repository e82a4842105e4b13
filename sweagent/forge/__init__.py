"""Issues in, pull requests out: GitHub, plain git, plain files."""

from sweagent.forge.api.protocol import Forge, Permission
from sweagent.forge.issues import ReadIssue, forge_for, read_issue, read_issue_with_findings
from sweagent.forge.text.sanitise import Finding, sanitise

__all__ = [
    "Finding",
    "Forge",
    "Permission",
    "ReadIssue",
    "forge_for",
    "read_issue",
    "read_issue_with_findings",
    "sanitise",
]
