"""The command line itself: quick help, clear refusals, documented exit codes."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import IO

import pytest

HEAVY = ("litellm", "docker", "git", "pydantic", "rich", "tree_sitter", "yaml")


def fix_issue(
    *arguments: str | Path,
    cwd: Path | None = None,
    cache: Path | None = None,
    stdout: int | IO[str] = subprocess.PIPE,
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sweagent", *map(str, arguments)]
    env = {**os.environ, **variables, **({"XDG_CACHE_HOME": str(cache)} if cache else {})}
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=120, check=False, cwd=cwd, env=env
    )


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What is on standard error, but for words about a wait: whether it takes that long depends on the machine."""
    return "\n".join(line for line in done.stderr.splitlines() if not line.startswith("… "))


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from sweagent.cli.app import run; run(['--help']); "
        f"print('LOADED', [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.rstrip().endswith("LOADED []")


def test_help_tells_the_main_job_and_the_exit_codes() -> None:
    text = " ".join(fix_issue("--help").stdout.split())
    assert "fix-issue REPO ISSUE" in text
    for code in (0, 3, 4, 5, 6, 2, 10, 11, 12, 13, 1, 130, 143):
        assert f" {code} " in text


@pytest.mark.parametrize(
    "name", ["solve", "resume", "verify", "pr", "show", "locate", "map", "models", "doctor", "demo"]
)
def test_every_command_has_help(name: str) -> None:
    done = fix_issue(name, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage: fix-issue" in done.stdout


def test_no_description_of_a_command_is_cut() -> None:
    lines = fix_issue("--help", COLUMNS="80").stdout.partition("Commands:")[2].splitlines()
    commands = [line for line in lines if line[:2] == "  " and line[2:3].isalpha() and "Exit codes" not in line]
    described = [line for line in commands if len(line.split(maxsplit=1)) == 2][:17]
    assert len(described) == 17
    assert [line for line in described if not line.endswith(".") or line.endswith("...")] == []


def test_the_version_is_told() -> None:
    done = fix_issue("--version")
    assert (done.returncode, done.stdout) == (0, f"fix-issue {version('fix-issue')}\n")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["vreify", "a", "b"], "did you mean `fix-issue verify`?"),
        (["version"], "did you mean `fix-issue --version`?"),
        (["list"], "`fix-issue --help` lists the commands"),
    ],
)
def test_a_word_that_is_no_command_is_not_taken_for_a_repository(words: list[str], hint: str, tmp_path: Path) -> None:
    done = fix_issue(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert f"`{words[0]}` is neither a command nor a repository" in done.stderr
    assert hint in done.stderr


WRONG = {
    "no issue": (["./repo"], "Missing"),
    "unknown option": (["repo", "issue", "--teleport"], "--teleport"),
    "not a number": (["repo", "issue", "--max-cost", "much"], "--max-cost"),
    "negative limit": (["{repo}", "issue", "--max-steps", "-3"], "limits.steps"),
    "no folder": (["{repo}/nowhere", "issue"], "owner/name"),
    "no repository": (["{outside}", "issue"], "is not in a git repository"),
    "git option as repository": (["--", "--upload-pack=touch /tmp/x", "issue"], "upload-pack"),
    "transport that runs programs": (["ext::sh -c true", "issue"], "ext::"),
    "unknown profile": (["{repo}", "issue", "--profile", "nothing"], "bash-only"),
    "unknown sandbox": (["{repo}", "issue", "--sandbox", "submarine"], "sandbox.kind"),
    "missing configuration": (["{repo}", "issue", "--config", "nowhere.yaml"], "nowhere.yaml"),
    "missing script": (["{repo}", "the issue", "--policy", "nowhere.yaml", "--sandbox", "local"], "nowhere.yaml"),
    "no model": (["{repo}", "the issue", "--sandbox", "local"], "--model"),
    "no key": (["{repo}", "the issue", "--model", "openai/gpt-5"], "OPENAI_API_KEY"),
    "no price": (
        ["{repo}", "the issue", "--model", "openai/own", "--api-base", "http://127.0.0.1:9", "--max-cost", "1"],
        "--max-tokens",
    ),
    "no such run": (["resume", "nowhere"], "nowhere"),
    "unknown base": (["{repo}", "the issue", "--base", "no-such-branch"], "no-such-branch"),
}


@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_refused_in_words(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, git_repository
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    repo = git_repository({"a.py": "x = 1\n"})
    named = {"repo": repo, "outside": tmp_path}
    done = fix_issue(*[argument.format(**named) for argument in arguments], cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_errors_are_one_object_with_json(tmp_path: Path) -> None:
    done = fix_issue("/nonexistent", "issue", "--json", cwd=tmp_path)
    said = json.loads(done.stdout)
    assert said["exit_code"] == done.returncode == 2
    assert said["hint"]


def test_doctor_tells_a_registry_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:sesame@127.0.0.1:9/simple")
    found = fix_issue("doctor", "--json").stdout
    check = next(check for check in json.loads(found) if check["name"] == "package registry")
    assert check["state"] == "missing"
    assert check["text"].startswith("127.0.0.1: ")
    assert "sesame" not in found


def test_doctor_says_what_is_missing() -> None:
    checks = json.loads(fix_issue("doctor", "--json").stdout)
    names = {"git", "docker", "bubblewrap", "model key", "forge token", "package registry"}
    assert names <= {check["name"] for check in checks}
    assert all(check["hint"] for check in checks if check["state"] == "missing")


ODD_NAMES = {
    "not UTF-8": (b"caf\xe9.py", "caf\\xe9.py"),
    "line end": (b"two\nlines.py", "two\nlines.py"),
    "beyond ASCII": ("\u00fc\U0001f41b.py".encode(), "\u00fc\U0001f41b.py"),
}


@pytest.mark.parametrize(("name", "said"), ODD_NAMES.values(), ids=ODD_NAMES)
def test_json_of_any_name_can_be_read(name: bytes, said: str, tmp_path: Path, git_repository) -> None:
    repo = git_repository({os.fsdecode(name): "def total():\n    return 0\n"})
    located = json.loads(fix_issue("locate", repo, "total is wrong", "--json", cache=tmp_path).stdout)
    assert {hit["path"] for hit in [*located["files"], *located["definitions"]]} == {said}
    mapped = json.loads(fix_issue("map", repo, "--json", cache=tmp_path).stdout)["map"]
    assert mapped.encode().decode().startswith(said.replace("\n", "\\n") + ":\n")


def test_a_table_with_characters_that_the_locale_does_not_know(tmp_path: Path, git_repository) -> None:
    repo = git_repository({"\u00fc.py": "def total():\n    return 0\n"})
    ascii_only = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    done = fix_issue("locate", repo, "total is wrong", cache=tmp_path, **ascii_only)  # type: ignore[arg-type]
    assert done.returncode == 0, done.stderr
    assert "\\xfc.py" in done.stdout
    done = fix_issue("locate", repo, "total is wrong", "--json", cache=tmp_path, **ascii_only)  # type: ignore[arg-type]
    assert json.loads(done.stdout)["files"][0]["path"] == "\u00fc.py"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("definitions", [1, 2000])
def test_output_that_cannot_be_written_is_told(definitions: int, tmp_path: Path, git_repository) -> None:
    repo = git_repository({"a.py": "".join(f"def total{number}(): pass\n" for number in range(definitions))})
    with open("/dev/full", "w") as full:
        done = fix_issue("map", repo, "--tokens", "20000", cache=tmp_path, stdout=full)
    assert done.returncode == 13
    assert told(done).startswith("error: the output cannot be written: No space left")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_wait_has_its_first_word_in_a_pipe_too(tmp_path: Path, git_repository) -> None:
    """What a failing run printed comes from a pipe that nobody writes to until the word was read."""
    repo = git_repository({"a.py": "def total(): pass\n"})
    os.mkfifo(tmp_path / "output")
    command = [sys.executable, "-m", "sweagent", "locate", str(repo), "total", "--output", str(tmp_path / "output")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "… reading the repository\n"
        (tmp_path / "output").write_text("Traceback")
        process.communicate(timeout=100)
    assert process.returncode == 0


@pytest.mark.parametrize("definitions", [1, 2000])
def test_a_closed_pipe_is_silent(definitions: int, tmp_path: Path, git_repository) -> None:
    repo = git_repository({"a.py": "".join(f"def total{number}(): pass\n" for number in range(definitions))})
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as pipe:
        done = fix_issue("map", repo, "--tokens", "20000", cache=tmp_path, stdout=pipe)
    assert (done.returncode, told(done)) == (1, "")


HOSTILE = {
    "clears the screen": (b"a\x1b[2Jb.py", "a\\x1b[2Jb.py"),
    "clears it in one character": ("a\x9b2Jb.py".encode(), "a\\x9b2Jb.py"),
    "looks like two lines": (b"a\n100%  b.py", "a\\n100%  b.py"),
    "turns the direction": ("a\u202eb.py".encode(), "a\\u202eb.py"),
    "markup": (b"[red]b.py", "[red]b.py"),
    "the code of a picture": (b":bug:.py", ":bug:.py"),
}


@pytest.mark.parametrize(("name", "shown"), HOSTILE.values(), ids=HOSTILE)
def test_a_repository_does_not_drive_the_terminal(name: bytes, shown: str, tmp_path: Path, git_repository) -> None:
    source = "def total(order='\x1b[2J\x9b2J\u202e'):\n    return 0\n"
    repo = git_repository({os.fsdecode(name): source})
    located = fix_issue("locate", repo, "total is wrong", cache=tmp_path, COLUMNS="200").stdout
    assert located.count(shown) == 2
    mapped = fix_issue("map", repo, cache=tmp_path).stdout
    assert mapped.startswith(f"{shown}:\n")
    assert not set("\x1b\x9b\u202e") & set(located + mapped)


def test_what_a_failing_run_shows_moves_the_ranking(tmp_path: Path, git_repository) -> None:
    names = [f"total_{letter}" for letter in "abcd"]
    repo = git_repository({"a.py": "".join(f"def {name}(x):\n    return x\n\n\n" for name in names)})

    def first(*arguments: str | Path) -> str:
        done = fix_issue("locate", repo, "The total is wrong", "--json", *arguments, cache=tmp_path)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["definitions"][0]["name"]

    printed = tmp_path / "printed"
    printed.write_text('Traceback (most recent call last):\n  File "/x/y/a.py", line 14, in total_d\nValueError\n')
    reports = {"failed": [6, 10], "passed": [6]}
    for name, lines in reports.items():
        (tmp_path / name).write_text(json.dumps({"files": {"a.py": {"executed_lines": lines}}}))
    assert first() == "total_a"
    assert first("--output", printed) == "total_d"
    assert first("--failed", tmp_path / "failed") == "total_b"
    assert first("--failed", tmp_path / "failed", "--passed", tmp_path / "passed") == "total_c"
    for given, said in ((printed, "coverage json"), (tmp_path / "none", "cannot be read")):
        refused = fix_issue("locate", repo, "x", "--failed", given, cache=tmp_path)
        assert refused.returncode == 2
        assert said in refused.stderr
