"""The patch: extracted, classified, cleaned and checked."""

from sweagent.patch.classify import Classified, Consent, classify
from sweagent.patch.extract import extract_patch, untracked_files
from sweagent.patch.foreign import as_git_writes
from sweagent.patch.listing import WorkTree
from sweagent.patch.model import ChangedFile, FileKind, Patch

__all__ = [
    "ChangedFile",
    "Classified",
    "Consent",
    "FileKind",
    "Patch",
    "WorkTree",
    "as_git_writes",
    "classify",
    "extract_patch",
    "untracked_files",
]
