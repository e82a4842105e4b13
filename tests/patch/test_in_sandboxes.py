"""The patch comes out of every kind of sandbox, odd names and all."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweagent.config import SandboxSettings
from sweagent.patch import extract_patch, untracked_files
from sweagent.repository import make_seed
from sweagent.sandbox import open_sandbox, probe

sys.path.append(str(Path(__file__).parents[1] / "support"))

from patches import apply_patch

_WORK = r"""
printf 'one\r\n2\n' > pkg/a.py
mv pkg/b.py 'pkg/new name.py'
printf 'x\n' > 'pkg/quo"te'\''s.py'
printf 'x\n' > 'pkg/new
line.py'
printf 'x\n' > "$(printf 'pkg/caf\351.py')"
ln -s a.py pkg/link
chmod +x pkg/c.py
rm -rf .git
"""


@pytest.mark.parametrize("kind", [pytest.param("docker", marks=pytest.mark.docker), "bubblewrap", "local"])
def test_patch_comes_out_of_a_sandbox(kind: str, workshop: Callable[..., Any], request: pytest.FixtureRequest) -> None:
    if kind == "bubblewrap" and not probe(kind).works:
        pytest.skip(probe(kind).problem)
    image = request.getfixturevalue("offline_image") if kind == "docker" else None
    shop = workshop({"pkg/a.py": "one\r\ntwo\n", "pkg/b.py": "b\n" * 9, "pkg/c.py": "c\n"})
    seed = make_seed(shop.repository, cache_dir=shop.cache)

    with open_sandbox(SandboxSettings(kind=kind, image=image), tree=seed.archive, run_id="tests") as sandbox:  # type: ignore[arg-type]
        assert untracked_files(sandbox, shop.repository, cache_dir=shop.cache) == frozenset()
        assert not extract_patch(sandbox, shop.repository, cache_dir=shop.cache).files
        assert sandbox.run(_WORK).exit_code == 0
        sandbox.run("cd /; export PATH=/nonexistent LC_ALL=nonsense; umask 777")
        patch = extract_patch(sandbox, shop.repository, cache_dir=shop.cache)

    assert {(file.path, file.change) for file in patch.kept} == {
        ("pkg/a.py", "modified"),
        ("pkg/new name.py", "renamed"),
        ("pkg/quo\"te's.py", "added"),
        ("pkg/new\nline.py", "added"),
        (r"pkg/caf\xe9.py", "added"),
        ("pkg/link", "added"),
        ("pkg/c.py", "mode"),
    }
    apply_patch(patch, shop.user)
    assert (shop.user / "pkg/a.py").read_bytes() == b"one\r\n2\n"
