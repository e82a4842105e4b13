"""Projects whose extensions want more than a plain installation."""

from sweagent.environment.bases.base_image import Base
from sweagent.environment.build.dockerfile import render_dockerfile
from sweagent.environment.registry.dated_registry import plain_registry

MESON = {
    "pyproject.toml": "[project]\nname='a'\n[build-system]\nbuild-backend='mesonpy'\n"
    "requires=['meson-python', 'numpy>=1; python_version<\"3\"', 'numpy>=2; python_version>=\"3\"']\n",
    "meson.options": "option('system-qhull', type: 'boolean', value: false)\noption('system-x', type: 'string')\n",
    "a/__init__.py": "",
    "tests/test_a.py": "def test_a(): pass\n",
}


def test_the_tools_that_compile_at_import_stay(recipe_of) -> None:
    recipe = recipe_of(MESON)
    assert [line.value.split(";")[0] for line in recipe.tools[:3]] == ["meson-python", "numpy>=2", "ninja"]
    (install,) = recipe.install
    assert " --no-build-isolation " in install.value


def test_libraries_that_a_build_would_download_are_the_systems(recipe_of) -> None:
    recipe = recipe_of(MESON)
    assert "libqhull-dev" in {package.value for package in recipe.system}
    assert "setup-args=-Dsystem-qhull=true --editable" in recipe.install[0].value
    assert "system-x" not in recipe.install[0].value


def test_matplotlibs_setup_is_told_the_same(recipe_of) -> None:
    recipe = recipe_of({"setup.py": "import setupext\n", "setupext.py": "options['system_freetype']\n"})
    assert "libfreetype-dev" in {package.value for package in recipe.system}
    assert "system_freetype = true" in recipe.prepare[0].value
    assert recipe.install[0].value.startswith("MPLSETUPCFG=")


def test_a_package_that_is_known_to_need_a_library_gets_it(recipe_of) -> None:
    files = {"setup.py": "setup(install_requires=['psycopg2>=2'])", "tests/test_a.py": "import magic\n"}
    packages = {package.value: package.source for package in recipe_of(files).system}
    assert "psycopg2" in packages["libpq-dev"]


def test_a_project_that_is_partly_in_rust_gets_rust_and_its_registry(recipe_of) -> None:
    build = "[build-system]\nbuild-backend='maturin'\nrequires=['maturin']\n"
    recipe = recipe_of({"pyproject.toml": f"[project]\nname='a'\n{build}", "Cargo.toml": ""})
    text = render_dockerfile(recipe, Base(name="debian"))
    assert "cargo-web" in text
    assert plain_registry("crates") in text
    plain = recipe.model_copy(update={"system": ()})
    assert "cargo" not in render_dockerfile(plain, Base(name="debian"))


def test_numpys_distutils_compile_on_all_processors(recipe_of) -> None:
    recipe = recipe_of({"setup.py": "from numpy.distutils.core import setup\n"})
    assert recipe.install[0].value.startswith("NPY_NUM_BUILD_JOBS=$(nproc) pip install")


def test_what_a_setup_script_requires_is_there_before_it_runs(recipe_of) -> None:
    recipe = recipe_of({"setup.py": "setup(setup_requires=['cython>=0.21', 'setuptools>=40'])\n"})
    assert [line.value for line in recipe.tools] == ["cython>=0.21", "setuptools>=40", "wheel"]
