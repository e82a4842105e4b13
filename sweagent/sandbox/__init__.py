"""Sandboxes: docker, bubblewrap and local behind one protocol."""

from sweagent.sandbox.base import Completed, Sandbox, SandboxInfo, SandboxKind
from sweagent.sandbox.choose import choose_kind, open_sandbox
from sweagent.sandbox.leftovers import Leftover, find_leftovers, remove_leftovers
from sweagent.sandbox.probe import Probe, probe

__all__ = [
    "Completed",
    "Leftover",
    "Probe",
    "Sandbox",
    "SandboxInfo",
    "SandboxKind",
    "choose_kind",
    "find_leftovers",
    "open_sandbox",
    "probe",
    "remove_leftovers",
]
