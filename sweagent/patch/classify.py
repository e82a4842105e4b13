"""Classify changed files: product, test, generated, binary, protected."""

import posixpath
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from sweagent.patch.model import FileKind
from sweagent.testing.file_kinds import FileKinds, HarnessFile, harness_file


@dataclass(frozen=True)
class Consent:
    """What the user lets into a patch.

    Attributes:
        reproductions: paths that were registered as reproductions.
        tests: edits to tests.
        protected: edits to workflows, lock files, instructions for agents.
        binaries: binary files.
    """

    reproductions: frozenset[str] = frozenset()
    tests: bool = False
    protected: bool = False
    binaries: bool = False


@dataclass(frozen=True)
class Classified:
    """The kind of a changed file, and why it is left out or wants a look."""

    kind: FileKind
    kept: bool = True
    reason: str = ""


_PROTECTED = {
    ".github/*": "runs in the forge's automation",
    ".gitlab-ci.yml": "runs in the forge's automation",
    ".gitlab/*": "runs in the forge's automation",
    ".circleci/*": "runs in the forge's automation",
    ".buildkite/*": "runs in the forge's automation",
    ".travis.yml": "runs in the forge's automation",
    "azure-pipelines.yml": "runs in the forge's automation",
    "Jenkinsfile": "runs in the forge's automation",
    ".husky/*": "runs on developers' machines",
    ".pre-commit-config.yaml": "runs on developers' machines",
    ".envrc": "runs on developers' machines",
    ".vscode/*": "runs on developers' machines",
    ".idea/*": "runs on developers' machines",
    ".devcontainer/*": "runs on developers' machines",
    ".npmrc": "decides where packages come from",
    "pip.conf": "decides where packages come from",
    "CODEOWNERS": "decides who reviews",
    "docs/CODEOWNERS": "decides who reviews",
    ".cursor/*": "instructs agents",
    ".cursorrules": "instructs agents",
    ".windsurfrules": "instructs agents",
    ".claude/*": "instructs agents",
}
"""Paths from the root and, at their end, why a change to them wants the user's consent."""

_PROTECTED_NAMES = {
    "AGENTS.md": "instructs agents",
    "CLAUDE.md": "instructs agents",
    "GEMINI.md": "instructs agents",
    ".gitmodules": "names other repositories",
    ".gitattributes": "changes how git treats files",
    "sitecustomize.py": "runs in every Python process",
    "usercustomize.py": "runs in every Python process",
    "*.pth": "runs in every Python process",
    "poetry.lock": "is a lock file",
    "uv.lock": "is a lock file",
    "pdm.lock": "is a lock file",
    "Pipfile.lock": "is a lock file",
    "package-lock.json": "is a lock file",
    "npm-shrinkwrap.json": "is a lock file",
    "yarn.lock": "is a lock file",
    "pnpm-lock.yaml": "is a lock file",
    "Cargo.lock": "is a lock file",
    "Gemfile.lock": "is a lock file",
    "composer.lock": "is a lock file",
    "go.sum": "is a lock file",
}

_CACHE_PARTS = frozenset(
    [
        "__pycache__",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".tox",
        ".nox",
        ".eggs",
        ".ipynb_checkpoints",
        ".cache",
        ".benchmarks",
        ".gradle",
        ".nyc_output",
    ]
)
_CACHE_NAMES = ("*.pyc", "*.pyo", ".coverage", ".coverage.*", ".DS_Store", "Thumbs.db", ".testmondata*")

# Only files that are new are judged by these: a repository may well have such names of its own.
_NEW_PARTS = frozenset(["node_modules", "htmlcov", ".venv", "venv", ".nox"])
_NEW_ROOT_PARTS = frozenset(
    ["build", "dist", "target", "out", "env", "test-results", "test-reports", "coverage", "prof"]
)
_NEW_NAMES = [
    "coverage.xml",
    "coverage.json",
    "lcov.info",
    "junit*.xml",
    "pytest*.xml",
    "report.xml",
    "test-results.xml",
    "*.o",
    "*.obj",
    "*.so",
    "*.dylib",
    "*.dll",
    "*.a",
    "*.class",
    "*.whl",
    "*.egg",
    "nohup.out",
    "a.out",
    "*.profraw",
    "*.gcda",
    "*.gcno",
    "*.log",
]
_SCRATCH_NAMES = [
    "*.orig",
    "*.rej",
    "*.bak",
    "*.bak[0-9]",
    "*.backup",
    "*.old",
    "*.save",
    "*~",
    "*.swp",
    "*.swo",
    ".#*",
    "*.tmp",
    "*.temp",
    "core",
    "core.[0-9]*",
    "nohup.out",
]
_SCRATCH_AT_ROOT = re.compile(
    r"(repro|reproduc\w*|debug|scratch|tmp|temp|try|demo|poc|verify|check|issue|bug|minimal|example|foo|bar|x|t|a)"
    r"(\d*|[-_.][\w.-]*)\.(py|sh|js|ts|rb|go|c|cpp|java|php|pl|txt|out|json|patch|diff|log|ipynb)"
)
_DIFF_AT_ROOT = re.compile(r".*\.(patch|diff)")

_TESTS = (HarnessFile.TEST, HarnessFile.HOOKS)
_DOCS_PARTS = frozenset(["doc", "docs", "documentation"])
_DOCS_NAMES = ("*.md", "*.rst", "*.adoc", "README*", "CHANGES*", "CHANGELOG*", "HISTORY*", "NEWS*", "AUTHORS*")


def classify(
    path: str, change: str, *, binary: bool = False, consent: Consent | None = None, kinds: FileKinds | None = None
) -> Classified:
    """Tell what a changed file is.

    Args:
        path: relative to the root.
        change: added, deleted, modified, renamed, mode or type.
        binary: git takes it for a binary file.
        consent: what the user lets in; None is the default, which is nothing out of the ordinary.
        kinds: what the files of the base tree are to its test runner; None goes by the path alone.
    """
    consent = consent or Consent()
    is_new = change == "added"
    is_test = (kinds.kind(path) if kinds else harness_file(path)) in _TESTS
    if path in consent.reproductions and not (is_test and consent.tests):
        kind = FileKind.TEST if is_test else FileKind.SCRATCH
        return Classified(kind, kept=False, reason="the registered reproduction, kept beside the patch")
    if reason := _cache_reason(path, is_new):
        return Classified(FileKind.CACHE, kept=False, reason=reason)
    if reason := _protected_reason(path):
        return Classified(FileKind.PROTECTED, kept=consent.protected, reason=reason)
    if is_new and (reason := _scratch_reason(path)):
        return Classified(FileKind.SCRATCH, kept=False, reason=reason)
    if is_test:
        return Classified(FileKind.TEST, kept=consent.tests, reason="" if consent.tests else "an edit to tests")
    if binary:
        return Classified(FileKind.BINARY, kept=consent.binaries, reason="" if consent.binaries else "a binary file")
    return Classified(FileKind.DOCS if _is_docs(path) else FileKind.SOURCE)


def refusal(path: str, link: str | None = None) -> str | None:
    """Why a path can never be part of a patch; None when it can.

    Args:
        path: relative to the root, as the sandbox told it.
        link: the target, when it is a symbolic link.
    """
    parts = path.split("/")
    if path.startswith("/") or not path or any(part in ("", ".", "..") for part in parts):
        return "the path leads out of the work tree"
    if any(_is_git_name(part) for part in parts):
        return "a path inside .git"
    if link is not None:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
        if link.startswith("/") or target == ".." or target.startswith("../"):
            return "a symbolic link that leads out of the work tree"
        if not link or _is_git_name(target.split("/")[0]):
            return "a symbolic link into .git"
    return None


def shown(path: str) -> str:
    """A path as text that any file and terminal encoding takes; bytes that are not UTF-8 become `\\xNN`."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _is_git_name(part: str) -> bool:
    """Whether some file system takes a name for `.git`: by case, ignored characters, or Windows' short names."""
    plain = re.sub("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]", "", part).split(":")[0].rstrip(". ").lower()
    return plain in (".git", "git~1")


def _matches(name: str, patterns: tuple[str, ...] | list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _cache_reason(path: str, is_new: bool) -> str:
    *folders, name = path.split("/")
    if not _CACHE_PARTS.isdisjoint(folders) or _matches(name, _CACHE_NAMES):
        return "a cache"
    if is_new:
        if not _NEW_PARTS.isdisjoint(folders) or any(part.endswith((".egg-info", ".dist-info")) for part in folders):
            return "installed or built by a tool"
        if (folders and folders[0] in _NEW_ROOT_PARTS) or _matches(name, _NEW_NAMES):
            return "written by a build or a test run"
    return ""


def _scratch_reason(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    if _matches(name, _SCRATCH_NAMES):
        return "a backup or a temporary file"
    if "/" not in path and (_SCRATCH_AT_ROOT.fullmatch(path) or _DIFF_AT_ROOT.fullmatch(path)):
        return "a scratch file at the root"
    return ""


def _protected_reason(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    found = next((reason for pattern, reason in _PROTECTED.items() if fnmatchcase(path, pattern)), "")
    found = found or next((reason for pattern, reason in _PROTECTED_NAMES.items() if fnmatchcase(name, pattern)), "")
    return f"protected: it {found}" if found else ""


def _is_docs(path: str) -> bool:
    *folders, name = path.split("/")
    return not _DOCS_PARTS.isdisjoint(folders) or _matches(name, _DOCS_NAMES)
