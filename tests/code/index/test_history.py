"""What is known of the commits before the base commit."""

import subprocess
from pathlib import Path
from typing import Protocol

from sweagent.code import locate, open_index
from sweagent.code.index.history import History, read_history


class Commit(Protocol):
    def __call__(self, files: dict[str, str | None], message: str = "change") -> str: ...


def test_changes_come_latest_first_with_their_files(commit: Commit, git_dir: Path) -> None:
    commit({"a.py": "x = 1\n"}, "Add a")
    commit({"a.py": "x = 2\n", "odd name\n.py": "y = 1\n"}, "Change a\n\nBecause of the overflow.")
    head = commit({}, "Nothing")
    history = read_history(git_dir, head)
    assert [(change.message, set(change.paths)) for change in history.changes] == [
        ("Change a\nBecause of the overflow.", {"a.py", "odd name\n.py"}),
        ("Add a", {"a.py"}),
    ]


def test_what_came_after_the_commit_is_never_known(commit: Commit, git_dir: Path) -> None:
    base = commit({"a.py": "x = 1\n"}, "Add a")
    commit({"b.py": "x = 2\n"}, "Fix the overflow")
    assert [change.message for change in read_history(git_dir, base).changes] == ["Add a"]


def test_a_commit_of_very_many_files_says_nothing_of_any(commit: Commit, git_dir: Path) -> None:
    head = commit({f"f{number}.py": "x = 1\n" for number in range(40)}, "Reformat")
    assert read_history(git_dir, head).changes == []


def test_there_may_be_no_history(git_dir: Path, commit: Commit) -> None:
    commit({"a.py": "x = 1\n"})
    assert not read_history(git_dir, "0" * 40).changes
    assert History().alike({"overflow": 1.0}) == {}


def test_a_shallow_clone_gives_what_it_has(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    commit({"a.py": "x = 1\n", "b.py": "y = 1\n"}, "Begin")
    commit({"a.py": "x = 2\n"}, "Cut off here")
    head = commit({"b.py": "y = 2\n"}, "Keep the umlauts")
    shallow = tmp_path / "shallow.git"
    command = ["git", "clone", "-q", "--bare", "--depth=2", git_dir.as_uri(), str(shallow)]
    subprocess.run(command, check=True, capture_output=True)
    assert [(change.message, change.paths) for change in read_history(shallow, head).changes] == [
        ("Keep the umlauts", ("b.py",))
    ]


def test_messages_point_at_the_files_of_their_changes(commit: Commit, git_dir: Path) -> None:
    commit({"totals.py": "x = 0\n"}, "Handle the overflow of large totals")
    head = commit({"mailer.py": "x = 0\n"}, "Send mail over TLS")
    alike = read_history(git_dir, head).alike({"overflow": 1.0})
    assert list(alike) == ["totals.py"]


def test_an_earlier_fix_leads_to_its_file(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    same = "def work(value):\n    return value\n"
    commit({"one.py": same, "two.py": same, "three.py": same}, "Begin")
    head = commit({"two.py": f"{same}\n"}, "Keep the umlauts of receipts")
    with open_index(git_dir, head, tmp_path / "cache") as index:
        assert locate(index, "Umlauts vanish from receipts").files[0].path == "two.py"
