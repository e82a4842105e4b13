import pytest

from sweagent.verify.runs.import_origins import own_modules, strays, watched_modules

TREES = {
    "flat": (["pkg/mod.py"], ["pkg/__init__.py", "pkg/mod.py"], {"pkg.mod": "pkg/mod.py"}),
    "a package itself": (["pkg/__init__.py"], ["pkg/__init__.py"], {"pkg": "pkg/__init__.py"}),
    "src": (
        ["src/pkg/mod.py"],
        ["src/pkg/__init__.py", "src/pkg/mod.py"],
        {"pkg.mod": "src/pkg/mod.py", "src.pkg.mod": "src/pkg/mod.py"},
    ),
    "a namespace": (["ns/part/mod.py"], ["ns/part/mod.py"], {"ns.part.mod": "ns/part/mod.py"}),
    "a workspace": (
        ["packages/a/src/a/mod.py"],
        ["packages/a/pyproject.toml", "packages/a/src/a/__init__.py", "packages/a/src/a/mod.py"],
        {
            "a.mod": "packages/a/src/a/mod.py",
            "src.a.mod": "packages/a/src/a/mod.py",
            "packages.a.src.a.mod": "packages/a/src/a/mod.py",
        },
    ),
    "vendored": (
        ["pkg/_vendor/other/mod.py"],
        ["pkg/__init__.py", "pkg/_vendor/other/__init__.py", "pkg/_vendor/other/mod.py"],
        {"pkg._vendor.other.mod": "pkg/_vendor/other/mod.py"},
    ),
    "no module": (["docs/a-b.py", "README.md", "pkg/data.json"], ["docs/a-b.py"], {}),
}


@pytest.mark.parametrize("name", TREES)
def test_a_changed_file_is_watched_under_every_name_by_which_it_can_be_imported(name):
    changed, paths, expected = TREES[name]
    assert watched_modules(changed, paths) == expected


WATCHED = {"pkg.mod": "src/pkg/mod.py", "src.pkg.mod": "src/pkg/mod.py"}
INSTALLED = "/opt/venv/lib/python3.11/site-packages/pkg/mod.py"
LOADED = {
    "from the work tree": ([("pkg.mod", "/work/src/pkg/mod.py")], ""),
    "as byte code": ([("pkg.mod", "/work/src/pkg/mod.pyc")], ""),
    "through a link": ([("pkg.mod", "/link/pkg/mod.py"), ("pkg.mod", "/work/src/pkg/mod.py")], ""),
    "not at all": ([("other", "/opt/other.py")], ""),
    "from an installed release": ([("pkg.mod", INSTALLED)], f"it tests `pkg.mod` from {INSTALLED}"),
    "from an environment in the work tree": (
        [("pkg.mod", "/work/.venv/lib/python3.11/site-packages/pkg/mod.py")],
        "it tests `pkg.mod` from .venv/lib",
    ),
    "compiled": (
        [("pkg.mod", "/work/src/pkg/mod.cpython-311-x86_64-linux-gnu.so")],
        "it runs the compiled src/pkg/mod.cpython-311",
    ),
}


@pytest.mark.parametrize("name", LOADED)
def test_a_module_that_does_not_come_from_the_work_tree_is_named_with_what_to_do(name):
    origins, said = LOADED[name]
    found = [str(stray) for stray in strays(WATCHED, origins, "/work")]
    assert len(found) == bool(said)
    assert all(text.startswith(said) for text in found)


def test_a_module_that_was_moved_goes_on_under_its_old_name():
    watched = {"pkg.old": "src/pkg/old.py", "pkg.new": "src/pkg/new.py"}
    assert not strays(watched, [("pkg.old", "/work/src/pkg/new.py"), ("pkg.new", "/work/src/pkg/new.py")], "/work")
    (stray,) = strays(watched, [("pkg.old", "/work/build/lib/pkg/new.py")], "/work")
    assert stray.path == "src/pkg/old.py"


def test_what_to_do_names_the_project_and_its_folder():
    (stray,) = strays({"a.mod": "packages/a/src/a/mod.py"}, [("a.mod", "/opt/a/mod.py")], "/work")
    assert "`pip install -e packages/a`" in str(stray)
    assert "PYTHONPATH=packages/a/src" in str(stray)


def test_the_modules_of_a_work_tree_are_known_by_their_first_name():
    paths = ["src/pkg/__init__.py", "setup.py", "tests/test_a.py", "packages/b/pyproject.toml", "packages/b/b/mod.py"]
    assert {"pkg", "b", "tests"} <= own_modules(paths)
    assert not {"test_a", "mod", "typing_extensions"} & own_modules(paths)
