import json
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner

from sweagent.cli.verify import command
from sweagent.errors import ExitCode, UsageError
from sweagent.verify import Proof, Verdict
from sweagent.verify.reproduction.commands import home_of

CALC = "def add(a, b):\n    return a - b\n\n\ndef double(a):\n    return a * 2\n"
FILES = {
    "calc.py": CALC,
    "tests/test_calc.py": "from calc import double\n\n\ndef test_double():\n    assert double(2) == 4\n",
}


def run(*arguments: str, **options):
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, list(arguments), **options)


def test_an_empty_patch_needs_no_environment(project, tmp_path):
    made = project(FILES)
    (tmp_path / "empty.diff").write_text("")
    done = run(str(made.path), str(tmp_path / "empty.diff"), "--json", "--sandbox", "local")
    assert done.exit_code == ExitCode.NO_PATCH
    assert json.loads(done.stdout)["verdict"] == "no patch"


def test_the_patch_can_come_from_standard_input(project):
    done = run(str(project(FILES).path), "-", "--quiet", input="\n")
    assert (done.exit_code, done.stdout.strip()) == (ExitCode.NO_PATCH, "no patch")


def test_a_patch_that_cannot_be_read_is_wrong_usage(project, tmp_path):
    made = project(FILES)
    assert isinstance(run(str(made.path), str(tmp_path / "missing.diff")).exception, UsageError)
    (tmp_path / "latin.diff").write_bytes(b"\xff\xfe")
    assert isinstance(run(str(made.path), str(tmp_path / "latin.diff")).exception, UsageError)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello\n", "it contains no diff"),
        ("--- a/calc.py\n+++ b/calc.py\n@@ -1 +1 @@\n-nothing\n+x\n", "error: patch failed: calc.py:1"),
        (
            "diff --git a/a.bin b/a.bin\nnew file mode 100644\nindex 0000000..1111111\n"
            "Binary files /dev/null and b/a.bin differ\n",
            "binary patch to 'a.bin' without full index",
        ),
    ],
    ids=["no diff", "another base", "a binary file left out"],
)
def test_a_patch_that_does_not_apply_needs_no_environment(project, text, said):
    done = run(str(project(FILES).path), "-", "--json", input=text)
    proof = Proof.model_validate_json(done.stdout)
    assert (done.exit_code, proof.verdict) == (ExitCode.UNVERIFIED, Verdict.UNVERIFIED)
    assert "the patch does not apply: " in proof.reason
    assert said in proof.reason


def test_the_proof_is_written_in_every_form_that_is_asked_for(project, tmp_path):
    made = project(FILES)
    places = [tmp_path / name for name in ("proof.json", "proof.md", "proof.xml")]
    options = [
        word for pair in zip(("--output", "--markdown", "--junit"), map(str, places), strict=True) for word in pair
    ]
    run(str(made.path), "-", *options, input="")
    assert Proof.model_validate_json(places[0].read_text()).verdict is Verdict.NO_PATCH
    assert "no patch" in places[1].read_text()
    assert ElementTree.fromstring(places[2].read_text()).tag == "testsuite"
    refused = run(str(made.path), "-", "--output", str(tmp_path / "none" / "proof.json"), input="")
    assert isinstance(refused.exception, UsageError)


@pytest.mark.docker
def test_a_patch_is_judged_in_containers(project, tmp_path, offline_image):
    made = project(FILES)
    # As a mail program or an editor of another system leaves it.
    text = made.patch({"calc.py": CALC.replace("a - b", "a + b")}).text.replace("\n", "\r\n")
    (tmp_path / "fix.diff").write_bytes(text.encode())
    show = tmp_path / "show.py"
    show.write_text("from calc import add\n\nassert add(1, 2) == int(open('data/sum.txt').read())\n")
    data = tmp_path / "data" / "sum.txt"
    data.parent.mkdir()
    data.write_text("3")
    arguments = ["--image", offline_image, "--sandbox", "docker", "--reproduction", str(show), "--json"]
    arguments += ["--reproduction", str(data)]
    arguments += ["--test-command", "python3 -m pytest", "--reproduction-command", "python3 show.py"]
    done = run(str(made.path), str(tmp_path / "fix.diff"), *arguments)
    proof = Proof.model_validate_json(done.stdout)
    assert (done.exit_code, proof.verdict) == (ExitCode.VERIFIED, Verdict.VERIFIED), proof.reason
    assert proof.isolated
    assert "sha256:" in proof.image  # type: ignore[operator]
    assert proof.regression.canary == "failed as planted"
    assert {run.command for run in proof.commands if run.purpose == "tests"} == {
        "python3 -m pytest --color=no -rA tests/test_calc.py --continue-on-collection-errors --maxfail=0 -p no:randomly"
    }


@pytest.mark.parametrize(
    ("given", "home"),
    [
        ("given/sub/tests/test_new.py", "tests"),
        ("given/tests/deep/unit/test_new.py", "tests/deep/unit"),
        ("given/test_calc.py", "tests"),
        ("given/test_new.py", "tests"),
        ("given/tests/show.py", ""),
        ("given/test_two.py", "tests"),
    ],
)
def test_a_test_from_outside_is_put_where_it_belongs(project, tmp_path, given, home):
    more = {"tests/deep/unit/test_two.py": "", "tests/test_two.py": "", "docs/x.txt": ""}
    assert home_of(tmp_path / given, project({**FILES, **more}).repository) == home


def test_a_test_from_outside_is_run_from_the_root_where_tests_lie_in_many_places(project, tmp_path):
    more = {"a/tests/test_a.py": "", "b/tests/test_b.py": ""}
    assert home_of(tmp_path / "given" / "test_new.py", project(more).repository) == ""
