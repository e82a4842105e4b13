import json
import subprocess
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from sweagent.cli import recheck, verify
from sweagent.config import VerifySettings
from sweagent.errors import ExitCode, UsageError
from sweagent.patch import Patch
from sweagent.repository import open_repository
from sweagent.trajectory import Reproduction
from sweagent.verify import Proof, Verdict
from sweagent.verify import verify as verify_patch
from sweagent.verify.recheck import asked, portable, task_again

CALC = "def add(a, b):\n    return a - b\n\n\ndef double(a):\n    return a * 2\n"
FILES = {
    "calc.py": CALC,
    "tests/test_calc.py": "from calc import double\n\n\ndef test_double():\n    assert double(2) == 4\n",
}


def run(command, *arguments: str):
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, list(arguments))


def given(project, tmp_path: Path, source: str) -> tuple[Path, list[str]]:
    """A project, and the arguments that have a patch of it judged with a script that reads data."""
    made = project(FILES)
    (tmp_path / "fix.diff").write_text(made.patch({"calc.py": source}).text)
    (tmp_path / "show.py").write_text("from calc import add\n\nassert add(1, 2) == int(open('sum.txt').read())\n")
    (tmp_path / "sum.txt").write_text("3")
    files = ["--reproduction", str(tmp_path / "show.py"), "--reproduction", str(tmp_path / "sum.txt")]
    return made.path, [str(made.path), str(tmp_path / "fix.diff"), *files]


@pytest.mark.docker
def test_a_proof_gives_the_same_verdict_from_a_fresh_clone_elsewhere(project, tmp_path, offline_image, monkeypatch):
    path, arguments = given(project, tmp_path, CALC.replace("a - b", "a + b"))
    where = ["--image", offline_image, "--sandbox", "docker"]
    proof = tmp_path / "proof.json"
    command = ["--test-command", "python3 -m pytest", "--reproduction-command", "python3 show.py"]
    first = run(verify.command, *arguments, *where, *command, "--output", str(proof), "--quiet")
    assert (first.exit_code, first.stdout.strip()) == (ExitCode.VERIFIED, "verified")

    clone = tmp_path / "elsewhere" / "clone"
    subprocess.run(["git", "clone", "-q", str(path), str(clone)], check=True)
    for file in (*path.parent.glob("fix.diff"), tmp_path / "show.py", tmp_path / "sum.txt"):
        file.unlink()
    path.rename(tmp_path / "gone")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "fresh"))
    again = run(recheck.command, str(proof), "--repo", str(clone), *where, "--json")
    found = Proof.model_validate_json(again.stdout)
    assert (again.exit_code, found.verdict) == (ExitCode.VERIFIED, Verdict.VERIFIED), found.reason
    assert "the same verdict as in the proof: verified" in again.stderr

    data = json.loads(proof.read_text())
    data["question"]["patch"] = data["question"]["patch"].replace("+    return a + b", "+    return b - a")
    proof.write_text(json.dumps(data))
    changed = run(recheck.command, str(proof), "--repo", str(clone), *where)
    assert changed.exit_code == ExitCode.UNVERIFIED
    assert "is not the one that it was given for" in changed.stderr


def test_a_proof_without_its_patch_cannot_be_rechecked(project, tmp_path):
    _, arguments = given(project, tmp_path, CALC.replace("a - b", "a + b"))
    proof = tmp_path / "proof.json"
    (tmp_path / "fix.diff").write_text("")
    run(verify.command, *arguments, "--output", str(proof), "--sandbox", "local")
    data = json.loads(proof.read_text())
    assert data["question"]["reproduction"] is None
    proof.write_text(json.dumps({**data, "question": None}))
    refused = run(recheck.command, str(proof), "--sandbox", "local")
    assert isinstance(refused.exception, UsageError)
    assert "fix-issue verify" in refused.exception.hint


def test_no_credentials_travel_with_a_proof():
    assert portable("https://name:secret@example.org/a/b.git") == "https://example.org/a/b.git"
    assert portable("owner/name") == "owner/name"


def test_the_question_of_a_proof_gives_its_verdict_in_another_clone(project, tmp_path):
    made = project(FILES)
    script = "from calc import add\n\nassert add(1, 2) == int(open('sum.txt').read())\n"
    shows = Reproduction(path="show.py", content=script, command="python3 show.py", files={"sum.txt": "3"})
    long = VerifySettings(seconds=900)
    first = made.verify({"calc.py": CALC.replace("a - b", "a + b")}, reproduction=shows, replaces=True, settings=long)
    first = Proof.model_validate_json(first.model_dump_json())
    subprocess.run(["git", "clone", "-q", str(made.path), str(tmp_path / "clone")], check=True)
    elsewhere = open_repository(str(tmp_path / "clone"), base=first.base_commit)
    question = asked(first)
    again = verify_patch(
        task_again(first, question, elsewhere),
        Patch(base_commit=first.base_commit, text=question.patch),
        sandboxes=type(made)(tmp_path / "clone", elsewhere, tmp_path / "fresh").open,
        reproduction=question.reproduction,
        replaces=question.replaces,
        test_command=question.test_command,
        oracle=question.oracle,
        settings=long,
    )
    assert (first.verdict, again.verdict) == (Verdict.VERIFIED, Verdict.VERIFIED), again.reason
