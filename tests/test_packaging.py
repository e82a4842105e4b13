"""What a user installs holds everything that a checkout has."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_the_wheel_carries_the_bundled_folders(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, timeout=280, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
        wheel.extractall(tmp_path / "installed")
    for folder in ("tools", "prompts", "environments", "trajectories"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"sweagent/_bundled/{path.relative_to(ROOT)}" in names
    program = "from sweagent.resources import resource; print(resource('tools', 'bash.py'))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path / "installed",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.startswith(str(tmp_path / "installed"))


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("https://forge.example/us/fix-issue/issues", "at https://forge.example/us/fix-issue/issues, with x"),
        ("https://github.com/OWNER/fix-issue/issues", "where you got fix-issue from, with x"),
    ],
)
def test_an_internal_error_names_the_place_to_report_it_that_the_package_names(
    address: str, place: str, tmp_path: Path
) -> None:
    (tmp_path / "fix_issue-9.dist-info").mkdir()
    metadata = f"Metadata-Version: 2.1\nName: fix-issue\nVersion: 9\nProject-URL: Issues, {address}\n"
    (tmp_path / "fix_issue-9.dist-info/METADATA").write_text(metadata)
    program = "from sweagent.errors import please_report; print(please_report('x'))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip().endswith(place)
