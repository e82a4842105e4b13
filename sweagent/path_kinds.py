"""Tell caches, scratch, protected, generated, vendored and binary files by path.

What a file is to a test runner is told in `sweagent/testing/file_kinds.py`.
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

AGENT_FILES = (
    *(
        "AGENTS.md",
        "AGENT.md",
        "AGENTS.*.md",
        "CLAUDE.md",
        "CLAUDE.*.md",
        "GEMINI.md",
        "QWEN.md",
        "CRUSH.md",
        "WARP.md",
    ),
    *(
        "JULES.md",
        "CODEX.md",
        "REPLIT.md",
        "OPENCODE.md",
        "CONVENTIONS.md",
        "SKILL.md",
        ".*rules",
        ".*rules-*",
        ".rules",
    ),
    *(".*hints", ".*_hints", ".mcp.json", "mcp.json", ".aider*", "opencode.json", "opencode.jsonc", ".llms.txt"),
    *(".cursor/", ".claude/", ".codex/", ".gemini/", ".*rules/", ".windsurf/", ".roo/", ".continue/", ".kiro/"),
    *(".aider/", ".agents/", ".agent/", ".amazonq/", ".augment/", ".junie/", ".opencode/", ".qwen/", ".trae/"),
    *(".kilocode/", ".openhands/", ".factory/", ".crush/", ".goose/", ".devin/", ".warp/", ".zencoder/", ".ai/"),
    *(".aiassistant/", ".tabnine/", ".codeium/", ".firebender/", ".ruler/", ".rulesync/", ".idx/", ".mcp/", ".amp/"),
    *("copilot-instructions.md", "*.instructions.md", "*.chatmode.md"),
    *(".github/instructions/*", ".github/prompts/*", ".github/chatmodes/*", ".github/agents/*", ".github/copilot*"),
)
"""Files that instruct agents, at any depth: agents read them beside the files that they work on."""
STARTED_FILES = (
    *(".npmrc", ".yarnrc", ".yarnrc.yaml", ".pnpmfile.cjs", ".pypirc", "pip.conf", "pip.ini", ".netrc", ".bunfig.toml"),
    *("bunfig.toml", ".condarc", "uv.toml", ".husky/", ".githooks/", "githooks/", ".git-hooks/", ".lefthook/"),
    *("lefthook.yaml", ".lefthook.yaml", ".pre-commit-config.yaml", ".pre-commit-hooks.yaml", ".overcommit.yaml"),
    *(".huskyrc*", ".lintstagedrc*", ".simple-git-hooks*", ".devcontainer/", ".devcontainer.json", ".vscode/"),
    *("*.code-workspace", ".idea/", ".zed/", ".vs/", ".fleet/", ".nova/", ".vim/", ".vimrc", ".nvimrc", ".exrc"),
    *(".nvim.lua", ".dir-locals.el", ".sublime-project", "*.sublime-project", ".yarn/", ".mise.toml", "mise.toml"),
    *(".mise/", ".tool-versions", ".cargo/", "build.rs", "rust-toolchain*", "gradle-wrapper.properties"),
    *("gradle-wrapper.jar", "gradlew", "gradlew.bat", "mvnw", "mvnw.cmd", ".mvn/", "*.pth", "sitecustomize.py"),
    *("usercustomize.py", ".pythonstartup", "Dockerfile", "Dockerfile.*", "*.dockerfile", "Containerfile"),
    *("docker-compose*.yaml", "compose*.yaml", "docker-bake*", "Vagrantfile", "Procfile", "Tiltfile", ".gitpod.yaml"),
    *(".replit", "replit.nix", "flake.nix", "shell.nix", "default.nix", "devenv.*", ".direnv/", "action.yaml"),
)
"""Files that programs read or start by themselves: package managers, hooks of git, editors, builds, local actions."""
BUILD_FILES = (
    *(
        "setup.py",
        "setup.cfg",
        "pyproject.toml",
        "hatch_build.py",
        "pdm_build.py",
        "MANIFEST.in",
        "tox.ini",
        "noxfile.py",
    ),
    *("Pipfile", "environment.yaml", "package.json", "pnpm-workspace.yaml"),
    *("binding.gyp", "*.gyp", "*.gypi", "webpack.config.*", "rollup.config.*", "vite.config.*"),
    *("babel.config.*", ".babelrc*", "eslint.config.*", ".eslintrc*", ".prettierrc*", "Gruntfile*", "Gulpfile*"),
    *("Makefile", "GNUmakefile", "BSDmakefile", "Makefile.*", "*.mk", "*.mak", "CMakeLists.txt", "*.cmake"),
    *("CMakePresets.json", "meson.build", "meson_options.txt", "configure", "configure.ac", "SConstruct", "SConscript"),
    *("justfile", ".justfile", "Taskfile.yaml", "Rakefile", "Gemfile", "*.gemspec", "composer.json", "Cargo.toml"),
    *("go.mod", "go.work", "pom.xml", "build.xml", "*.gradle", "*.gradle.kts", "build.sbt", "project/build.properties"),
    *(
        "BUILD",
        "BUILD.bazel",
        "WORKSPACE",
        "WORKSPACE.bazel",
        "MODULE.bazel",
        "*.bzl",
        ".bazelrc",
        "*.csproj",
        "*.props",
    ),
    *("*.targets", "nuget.config", "Package.swift", "Podfile", "mix.exs", "rebar.config", "deps.edn", "stack.yaml"),
)
"""Files that say how a project is built, packaged or what it depends on: their code is run by whoever builds it."""
CI_FILES = (
    *(
        ".travis.yaml",
        "appveyor.yaml",
        ".appveyor.yaml",
        ".drone.yaml",
        ".drone.star",
        ".drone.jsonnet",
        ".woodpecker*",
    ),
    *(".woodpecker/", ".buildkite/", "bitbucket-pipelines.yaml", ".cirrus.yaml", ".cirrus.star", ".semaphore/"),
    *("cloudbuild*.yaml", "cloudbuild*.json", "buildspec*.yaml", ".teamcity/", "wercker.yaml"),
    *("codeship-services.yaml", "codeship-steps.yaml", ".azure-pipelines/", "azure-pipelines*.yaml", ".gitlab/"),
    *(".gitlab-ci/", "*.gitlab-ci.yaml", "*.jenkinsfile", "Jenkinsfile*", ".jenkins/", ".zuul.yaml", "zuul.yaml"),
    *(".zuul.d/", "zuul.d/", ".vela.yaml", "screwdriver.yaml", "codemagic.yaml", "bitrise.yaml", "ci_scripts/"),
    *(".harness/", ".kokoro/", ".prow.yaml", ".prow/", ".concourse/", ".scrutinizer.yaml", ".packit.yaml", ".cico/"),
    *("netlify.toml", "vercel.json", "render.yaml", "app.yaml", "app.json", "fly.toml", ".readthedocs.yaml"),
    *("readthedocs.yaml", "serverless.yaml", "wrangler.toml", "dagger.json", ".earthly/", "Earthfile", ".builds/"),
    *(".build.yaml", ".tekton/", ".argo/", ".forgejo/", ".gitea/", ".ci/", "renovate.json*", ".renovaterc*"),
    *(".pre-commit-ci.yaml", ".goreleaser.yaml", ".releaserc*", "release.config.*"),
)
"""Other CI systems, and what they deploy. Here and above, `.yaml` stands for `.yml` too."""

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
}
"""Paths from the root and, at their end, why a change to them wants the user's consent."""

_PROTECTED_NAMES = {
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
    """Match a path against patterns as some file system may read it: case and characters that it ignores do not count.

    `*` crosses slashes; a pattern without a slash is matched against the name as well, and one that ends with a slash
    against folders at any depth. `.yml` and `.yaml` are the same.
    """
    whole = _one_spelling("/".join(map(_as_file_systems_read_it, path.split("/"))))
    name = whole.rpartition("/")[2]
    folders = whole.split("/")[:-1]
    return any(
        fnmatchcase(whole, pattern.lstrip("/"))
        or ("/" not in pattern.strip("/") and fnmatchcase(name, pattern))
        or (pattern.endswith("/") and _in_folder(folders, pattern.strip("/")))
        for pattern in (_one_spelling(pattern.casefold()) for pattern in patterns)
    )


def _in_folder(folders: list[str], pattern: str) -> bool:
    """Whether consecutive folders of a path match a pattern that names some."""
    parts = pattern.split("/")
    return any(
        all(fnmatchcase(folder, part) for folder, part in zip(folders[start:], parts, strict=False))
        for start in range(len(folders) - len(parts) + 1)
    )


def _one_spelling(path: str) -> str:
    return path.removesuffix(".yml") + ".yaml" if path.endswith(".yml") else path


def _as_file_systems_read_it(part: str) -> str:
    """A name without what HFS+ ignores, what NTFS drops at its end, and the differences of case of APFS."""
    plain = re.sub("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]", "", part)
    return plain.split(":")[0].rstrip(". ").casefold() or part


def is_git_name(part: str) -> bool:
    """Whether some file system takes a name for `.git`: by case, ignored characters, or Windows' short names."""
    return _as_file_systems_read_it(part) in (".git", "git~1")


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
    found = found or ("instructs agents" if matches_any(path, AGENT_FILES) else "")
    return f"protected: it {found}" if found else ""


def is_documentation(path: str) -> bool:
    """Tell whether a file is documentation."""
    *folders, name = path.split("/")
    return not _DOCS_PARTS.isdisjoint(folders) or _matches(name, _DOCS_NAMES)
