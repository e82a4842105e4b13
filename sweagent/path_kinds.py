"""Tell caches, scratch, protected, generated, vendored and binary files by path.

What a file is to a test runner is told in `sweagent/testing/file_kinds.py`.
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

AGENT_FILES = (
    *("AGENTS.md", "AGENT.md", "CLAUDE.md", "CLAUDE.local.md", "GEMINI.md", "QWEN.md", "CONVENTIONS.md", "SKILL.md"),
    *(".cursorrules", ".windsurfrules", ".clinerules", ".roorules", ".goosehints", ".mcp.json", ".aider.conf.yml"),
    *(".cursor/", ".claude/", ".codex/", ".gemini/", ".clinerules/", ".windsurf/", ".roo/", ".continue/", ".kiro/"),
    *(".aider/", ".agents/", ".amazonq/", ".augment/", ".junie/", ".opencode/", ".qwen/", ".trae/"),
    *("copilot-instructions.md", "*.instructions.md", ".github/instructions/*", ".github/prompts/*"),
    *(".github/chatmodes/*", ".github/agents/*"),
)
"""Files that instruct agents, at any depth: agents read them beside the files that they work on."""
STARTED_FILES = (
    *(".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", ".pypirc", "pip.conf", ".netrc", ".bunfig.toml"),
    *("bunfig.toml", ".husky/", ".githooks/", ".lefthook/", "lefthook.yml", ".lefthook.yml", ".pre-commit-config.yaml"),
    *(".pre-commit-hooks.yaml", ".devcontainer/", ".vscode/", ".idea/", ".zed/", ".yarn/", ".mise.toml", "mise.toml"),
    *(".tool-versions", ".cargo/", "build.rs", "gradle-wrapper.properties", "gradle-wrapper.jar", ".mvn/", "*.pth"),
    *("sitecustomize.py", "usercustomize.py", "Dockerfile", "Dockerfile.*", "*.dockerfile", "Containerfile"),
    *("docker-compose*.yml", "docker-compose*.yaml", "compose.yml", "compose.yaml", "Vagrantfile", "Procfile"),
    *(".gitpod.yml", ".replit", "flake.nix", ".direnv/", "action.yml", "action.yaml"),
)
"""Files that programs read or start by themselves: package managers, hooks of git, editors, builds, local actions."""
CI_FILES = (
    *(".travis.yml", "appveyor.yml", ".appveyor.yml", ".drone.yml", ".drone.star", ".woodpecker.yml", ".woodpecker/"),
    *(".buildkite/", "bitbucket-pipelines.yml", ".cirrus.yml", ".cirrus.star", ".semaphore/", "cloudbuild.yaml"),
    *("cloudbuild.yml", "buildspec.yml", "buildspec.yaml", ".teamcity/", "wercker.yml", "codeship-services.yml"),
    *(
        "codeship-steps.yml",
        ".azure-pipelines/",
        "azure-pipelines*.yml",
        ".gitlab/",
        "*.gitlab-ci.yml",
        "*.jenkinsfile",
    ),
    *("netlify.toml", "vercel.json", "render.yaml", "app.yaml", "fly.toml", ".readthedocs.yaml", ".readthedocs.yml"),
    *("dagger.json", ".earthly/", "Earthfile", ".builds/", ".build.yml", ".tekton/", ".argo/", "noxfile.py"),
)
"""Other CI systems, and what they deploy."""

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

HEAVY_FOLDERS = (
    "__pycache__",
    "node_modules",
    ".venv",
    ".tox",
    ".nox",
    ".eggs",
    ".hypothesis",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
)
"""Folders that tools fill and nobody submits; they are not looked into unless the base tree has files in them."""

_DOCS_PARTS = frozenset(["doc", "docs", "documentation"])
_DOCS_NAMES = ("*.md", "*.rst", "*.adoc", "README*", "CHANGES*", "CHANGELOG*", "HISTORY*", "NEWS*", "AUTHORS*")

_VENDORED = re.compile(
    r"(^|/)(node_modules|vendor|vendored|_vendor|_vendored|third_party|thirdparty|bower_components|site-packages|dist|extern"
    r"|packages/urllib3|packages/chardet)/"
    r"|\.min\.(js|css)$|(^|/)(jquery|bootstrap)([-.]?v?\d|[-.\w]*(\d\.\d|[-.]min\b))[-.\w]*\.js$"
)
_GENERATED = re.compile(
    r"(_pb2(_grpc)?\.pyi?|\.pb\.go|\.g\.dart|_generated\.\w+|\.designer\.cs|parsetab\.py|lextab\.py)$"
)
_ASIDE = re.compile(
    r"(^|/)(docs?|examples?|galleries|gallery|tutorials?|benchmarks?|asv_bench|asv_benchmarks|release|ci|tools|scripts|bin"
    r"|maintainers?_tools|build_tools|extras|\.github|\.ci)/"
)

_BINARY_HEAD = 8000
"""Bytes in which git looks for a NUL."""


def looks_binary(content: bytes) -> bool:
    """Tell whether git takes a content for a binary file."""
    return b"\0" in content[:_BINARY_HEAD]


def matches_any(path: str, patterns: Iterable[str]) -> bool:
    """Match a path against patterns, without regard to case.

    `*` crosses slashes; a pattern without a slash is matched against the name as well, and one that ends with a slash
    against folders at any depth.
    """
    whole, name = path.lower(), path.lower().rpartition("/")[2]
    return any(
        fnmatchcase(whole, pattern.lower().lstrip("/"))
        or ("/" not in pattern.strip("/") and fnmatchcase(name, pattern.lower()))
        or (pattern.endswith("/") and f"/{pattern.lower().lstrip('/')}" in f"/{whole}")
        for pattern in patterns
    )


def is_git_name(part: str) -> bool:
    """Whether some file system takes a name for `.git`: by case, ignored characters, or Windows' short names."""
    plain = re.sub("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]", "", part).split(":")[0].rstrip(". ").lower()
    return plain in (".git", "git~1")


def is_vendored(path: str) -> bool:
    """Tell whether a path is that of another project's code or of generated code."""
    return bool(_VENDORED.search(path) or _GENERATED.search(path))


def is_aside(path: str) -> bool:
    """Tell whether a path is beside the product: documentation, examples, benchmarks, maintenance scripts."""
    return bool(_ASIDE.search(path)) or path in {"setup.py", "conftest.py", "noxfile.py"}


def _matches(name: str, patterns: tuple[str, ...] | list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def cache_reason(path: str, is_new: bool) -> str:
    """Say why a file is a cache or was built by a tool; empty when it is neither.

    Args:
        path: relative to the root.
        is_new: the base does not have it; a repository may well have names of its own that tools use too.
    """
    *folders, name = path.split("/")
    if not _CACHE_PARTS.isdisjoint(folders) or _matches(name, _CACHE_NAMES):
        return "a cache"
    if is_new:
        if not _NEW_PARTS.isdisjoint(folders) or any(part.endswith((".egg-info", ".dist-info")) for part in folders):
            return "installed or built by a tool"
        if (folders and folders[0] in _NEW_ROOT_PARTS) or _matches(name, _NEW_NAMES):
            return "written by a build or a test run"
    return ""


def scratch_reason(path: str) -> str:
    """Say why a new file is a scratch file; empty when it is none."""
    name = path.rsplit("/", 1)[-1]
    if _matches(name, _SCRATCH_NAMES):
        return "a backup or a temporary file"
    if "/" not in path and (_SCRATCH_AT_ROOT.fullmatch(path) or _DIFF_AT_ROOT.fullmatch(path)):
        return "a scratch file at the root"
    return ""


def protected_reason(path: str) -> str:
    """Say why a change to a path wants the user's consent; empty when it wants none."""
    name = path.rsplit("/", 1)[-1]
    found = next((reason for pattern, reason in _PROTECTED.items() if fnmatchcase(path, pattern)), "")
    found = found or next((reason for pattern, reason in _PROTECTED_NAMES.items() if fnmatchcase(name, pattern)), "")
    return f"protected: it {found}" if found else ""


def is_documentation(path: str) -> bool:
    """Tell whether a file is documentation."""
    *folders, name = path.split("/")
    return not _DOCS_PARTS.isdisjoint(folders) or _matches(name, _DOCS_NAMES)
