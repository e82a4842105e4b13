"""A lock file says enough to make the same environment again."""

from pathlib import Path
from typing import Any

import pytest

from sweagent.environment import recipe as recipe_module
from sweagent.environment.bases.base_image import Base
from sweagent.environment.build import lockfile
from sweagent.environment.build.dockerfile import render_dockerfile, requirements_file
from sweagent.environment.build.lockfile import Lock, difference, load, locked_recipe, save
from sweagent.environment.build.remedies import next_recipe
from sweagent.environment.recipe import Recipe
from sweagent.errors import UsageError

PACKAGES = (
    "pip==24.0", "setuptools==69.1.0", "wheel==0.42.0", "Jinja2==3.1.2", "pytest==8.0.0", "odd @ file:///tmp/odd.whl",
)  # fmt: skip


@pytest.fixture
def recipe(recipe_of) -> Recipe:
    files = {"setup.py": "setup(install_requires=['jinja2>=2'], extras_require={'test': ['mock']})"}
    return recipe_of(files | {"tests/test_a.py": "import hypothesis\n"})


def _lock(recipe: Recipe, **values: Any) -> Lock:
    return Lock(**{"key": recipe.key(), "image": "sha256:1", "recipe": recipe, "packages": PACKAGES, **values})


def test_each_package_is_pinned_and_nothing_else_resolved(recipe: Recipe) -> None:
    locked = locked_recipe(_lock(recipe))
    text = render_dockerfile(locked, Base(name="debian:12"))
    assert requirements_file(locked).decode().splitlines() == ["Jinja2==3.1.2", "pytest==8.0.0"]
    assert "--no-deps -r" in text
    assert "pip==24.0" in text
    assert "setuptools==69.1.0 wheel==0.42.0" in text
    assert "install --no-deps --no-cache-dir --editable" in text
    assert "hypothesis" not in text


def test_a_locked_recipe_is_never_mended(recipe: Recipe) -> None:
    locked = locked_recipe(_lock(recipe))
    assert next_recipe(locked, "No matching distribution found for Jinja2") is None
    again = next_recipe(locked, "HTTP error 502 while getting x")
    assert again is not None
    assert again.recipe == locked


@pytest.mark.parametrize(
    ("base", "taken"), [("python@sha256:" + "a" * 64, True), ("fix-issue/base:debian-1", False), ("", False)]
)
def test_a_base_is_named_only_by_its_digest(recipe: Recipe, base: str, taken: bool) -> None:
    assert locked_recipe(_lock(recipe, base=base)).base == (base if taken else None)


def test_it_is_read_as_it_was_written(recipe: Recipe, tmp_path: Path) -> None:
    lock = _lock(recipe)
    (tmp_path / "locks").mkdir()
    save(lock, tmp_path / "locks" / "lock.json")
    assert load(tmp_path / "locks" / "lock.json") == lock
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["lock.json"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"key": "x"}', '{"key": "x", "recipe": {}}', "\ud7ff"])
def test_what_is_no_lock_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "lock.json"
    file.write_text(text)
    with pytest.raises(UsageError):
        load(file)


def test_the_difference_names_both_sides(recipe: Recipe) -> None:
    other = _lock(recipe, packages=(*PACKAGES[:-2], "pytest==8.1.0", PACKAGES[-1]))
    assert difference(_lock(recipe), other) == "-pytest==8.0.0, +pytest==8.1.0"
    assert difference(_lock(recipe), _lock(recipe)) == ""


def test_a_changed_template_is_another_image(recipe: Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def changed(*parts: str) -> Path:
        file = tmp_path / parts[-1]
        file.write_text("RUN something else\n")
        return file

    before = recipe.key()
    monkeypatch.setattr(recipe_module, "resource", changed)
    assert recipe.key() != before


def test_a_lock_of_nothing_has_no_recipe() -> None:
    with pytest.raises(ValueError, match="no recipe"):
        locked_recipe(lockfile.Lock(key="x"))
