"""`fix-issue env` as a user meets it."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from sweagent.cli.checkup import _images
from sweagent.cli.env import app
from sweagent.environment.build import lockfile
from sweagent.errors import UsageError

FILES = {"setup.py": "setup(install_requires=['attrs'])", "tests/test_a.py": "import hypothesis\n"}


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_show_prints_each_line_with_its_source(git_repository) -> None:
    lines = _run("show", str(git_repository(FILES))).splitlines()
    assert any("attrs" in line and "setup.py" in line for line in lines)
    assert any("hypothesis" in line and "the tests import" in line for line in lines)


def test_show_can_print_json_and_the_dockerfile(git_repository) -> None:
    folder = str(git_repository(FILES))
    assert json.loads(_run("show", folder, "--json"))["ecosystem"] == "python"
    assert "ADD seed.tar" in _run("show", folder, "--dockerfile")


def test_show_leaves_the_repository_alone(git_repository) -> None:
    folder = git_repository(FILES)
    before = _listing(folder)
    _run("show", str(folder))
    assert _listing(folder) == before


@pytest.mark.docker
def test_an_environment_is_built_tried_listed_and_pruned(git_repository) -> None:
    said = "environment:\n  base: host\n  requirements: [pytest]\n  optional: []\n"
    test = "def test_a(): pass\ndef test_b(): pass\n"
    own = {"own.txt": uuid4().hex}  # another run of this test on the same engine has another image
    folder = str(git_repository({"tests/test_a.py": test, ".fix-issue.yaml": said} | own))
    name = _run("build", folder).splitlines()[-1]
    assert "2 passed" in _run("test", folder, "--seconds", "200")
    assert any(line.startswith(name) and "MiB " in line for line in _run("list").splitlines())
    assert [check.text.split(",")[0] for check in _images()] == ["1 environment"]
    assert f"removed {name}" in _run("prune", "--limit", "0")
    assert _run("list").startswith("there are no environments")


def _listing(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_file_that_is_no_lock_is_refused_before_anything_is_built(git_repository, tmp_path: Path) -> None:
    file = tmp_path / "env.lock"
    file.write_text("{}")
    with pytest.raises(UsageError, match=r"env\.lock"):
        _run("build", str(git_repository(FILES)), "--lock", str(file))
    assert file.read_text() == "{}"


def test_a_lock_and_an_image_exclude_each_other(recipe_of, tmp_path: Path) -> None:
    recipe = recipe_of(FILES)
    lockfile.save(lockfile.Lock(key=recipe.key(), image="sha256:1", recipe=recipe), tmp_path / "env.lock")
    with pytest.raises(UsageError, match="exclude each other"):
        _run("build", str(tmp_path / "repo"), "--lock", str(tmp_path / "env.lock"), "--image", "debian:12")
