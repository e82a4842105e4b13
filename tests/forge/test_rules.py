"""What a patch may change."""

import pytest

from sweagent.forge.rules import Change, Rules, Ruling, judge
from sweagent.forge.text.redaction import Redactor


def ruling(path="a.py", old="100644", new="100644", diff=b"", rules=None, **fields):
    change = Change(path=path, old_mode=old, new_mode=new, **fields)
    found = judge([change], diff, rules or Rules(), redactor=Redactor(["canary-canary"]))
    return found[0].ruling if found else Ruling.ALLOW


@pytest.mark.parametrize(
    "path",
    [
        "../x", "a/../../x", "/etc/passwd", ".git/hooks/pre-commit", "a/.GIT/config", ".git./x", "git~1/x", "C:x",
        "a\\..\\x", ".g\u200cit/config", ".github/workflows/ci.yml", ".GitHub/Workflows/ci.yml", "docs/CODEOWNERS",
        ".github/actions/x/action.yml", "AGENTS.md", "pkg/CLAUDE.md", ".cursor/rules/x.mdc", ".mcp.json", ".gitmodules",
        ".fix-issue.yaml", ".env", ".envrc", "pkg/.env.production", "pkg/.claude/settings.json",
        "pkg/.cursor/rules/x.mdc",
        ".codex/config.toml", "web/.gemini/settings.json", ".clinerules", ".clinerules/a.md", "a/b/GEMINI.md",
        ".windsurfrules", "sub/.github/copilot-instructions.md", "src/x.instructions.md", ".gitea/workflows/ci.yaml",
        ".gitlab-ci.yaml", ".kilocoderules", ".roorules-code", "a/.openhands/microagents/x.md", "a/CRUSH.md",
        "AGENTS.override.md", "CLAUDE.project.md", ".aider.model.settings.yml", "a/.goosehints", "web/.kilocode/x",
        "AGENT\u017f.md", "AGENTS\u200d.md", "CLAUDE.md. ", ".Claude/settings.json", ".env::$DATA", "a/.roo./x",
    ],
)  # fmt: skip
def test_blocked_paths(path):
    assert ruling(path) is Ruling.BLOCK


@pytest.mark.parametrize(
    "path",
    [
        "uv.lock", "web/package-lock.json", ".github/FUNDING.yml", ".gitattributes", "a\nb", "web/.npmrc",
        ".yarnrc.yml", ".husky/pre-commit", "web/.husky/post-merge", "tools/setup/action.yml", "action.yaml",
        "CONTRIBUTING.md", ".travis.yml", "appveyor.yml", ".drone.yml", ".woodpecker/build.yml", ".buildkite/x.yml",
        "bitbucket-pipelines.yml", ".cirrus.yml", ".semaphore/semaphore.yml", "cloudbuild.yaml", "buildspec.yml",
        ".teamcity/settings.kts", "ci/azure-pipelines-nightly.yml", "src/evil.pth", "sitecustomize.py",
        "sub/.vscode/tasks.json", ".cargo/config.toml", "docker/Dockerfile.ci", "docker-compose.override.yml",
        ".drone.yaml", "appveyor.yaml", ".woodpecker.yaml", "bitbucket-pipelines.yaml", ".zuul.d/jobs.yaml",
        "codemagic.yaml", "ci_scripts/ci_post_clone.sh", "lefthook.yaml", "app.code-workspace", ".dir-locals.el",
        "setup.py", "pkg/pyproject.toml", "web/package.json", "Makefile", "CMakeLists.txt", "app/build.gradle.kts",
        "Cargo.toml", "go.mod", "pom.xml", "web/vite.config.ts", "gradlew", "compose.override.yaml",
        "requirements/a.in",
    ],
)  # fmt: skip
def test_reviewed_paths(path):
    assert ruling(path) is Ruling.REVIEW


@pytest.mark.parametrize(
    "path",
    [
        "src/a.py",
        "gitignore.py",
        "docs/agents.md.txt",
        "lock.py",
        "a b/ü.py",
        "x.md",
        "build/x.py",
        "rules.py",
        "src/app/tasks.py",
        "hints.md",
    ],
)
def test_allowed_paths(path):
    assert ruling(path) is Ruling.ALLOW


@pytest.mark.parametrize(
    ("old", "new", "binary", "expected"),
    [
        ("000000", "120000", False, Ruling.BLOCK),
        ("120000", "000000", False, Ruling.BLOCK),
        ("000000", "160000", False, Ruling.BLOCK),
        ("100644", "100755", False, Ruling.REVIEW),
        ("000000", "100755", False, Ruling.REVIEW),
        ("100755", "100755", False, Ruling.ALLOW),
        ("000000", "100644", True, Ruling.REVIEW),
    ],
)
def test_modes(old, new, binary, expected):
    assert ruling(old=old, new=new, binary=binary) is expected


def test_limits_on_size():
    assert ruling(diff=b"+" + b"x" * 600_000) is Ruling.BLOCK
    many = [Change(path=f"{n}.py", old_mode="100644", new_mode="100644") for n in range(101)]
    assert judge(many, b"", Rules())[0].ruling is Ruling.BLOCK


@pytest.mark.parametrize(
    "diff",
    [
        b"+++ b/a.py\n@@ -1 +1 @@\n+key = 'canary-canary'\n",
        b"+++ b/a.py\n+++ canary-canary\n",
        b"+++ b/a.py\n+-----BEGIN PRIVATE KEY-----\n",
    ],
)
def test_secrets_in_added_lines(diff):
    assert ruling(diff=diff) is Ruling.BLOCK


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("access = 'user\u202e \u2066// admin\u2069 \u2066'", Ruling.REVIEW),
        ("i\u200bf x", Ruling.REVIEW),
        ("a = '\ufeff'", Ruling.REVIEW),
        ("eval('\ufe00\ufe01')", Ruling.REVIEW),
        ("x = '\U000e0101'", Ruling.REVIEW),
        ("x = '\U000e0041\U000e0042'", Ruling.REVIEW),
        ("x = 'a\u200db'", Ruling.REVIEW),
        ("\u3164 = 1", Ruling.REVIEW),
        ("x = '\u00ad'", Ruling.REVIEW),
        ("x = '\x00'", Ruling.REVIEW),
        ("x = 1  # looks harmless\rimport os", Ruling.REVIEW),
        ("x = 1\x1b[8m + 1\x1b[0m", Ruling.REVIEW),
        ("x1\ufe0f = 2", Ruling.REVIEW),
        ("x = a\u180fb", Ruling.REVIEW),
        ("print('❤\ufe0f and 👩\u200d💻 and 1\ufe0f\u20e3')", Ruling.ALLOW),
        ("naïve = 'ü é 中文 עברית'\r", Ruling.ALLOW),
        ("\tx = 1\f", Ruling.ALLOW),
    ],
)
def test_hidden_characters_in_added_lines(line, expected):
    assert ruling(diff=f"+++ b/a.py\n@@ -1 +1 @@\n+{line}\n".encode()) is expected
    assert ruling(diff=f"+++ b/a.py\n@@ -1 +1 @@\n-{line}\n".encode()) is Ruling.ALLOW


def test_secrets_in_removed_lines_may_go():
    assert ruling(diff=b"+++ b/a.py\n-key = 'canary-canary'\n") is Ruling.ALLOW


def test_the_user_can_allow_and_forbid():
    assert ruling(".github/workflows/ci.yml", rules=Rules(allowed=(".github/workflows/*",))) is Ruling.ALLOW
    assert ruling("src/core/a.py", rules=Rules(blocked=("src/core/*",))) is Ruling.BLOCK
    assert ruling("../x", rules=Rules(allowed=("*",))) is Ruling.BLOCK
