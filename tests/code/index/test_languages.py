"""What a path says about a file."""

import pytest

from sweagent.code.index.languages import is_source, is_test


@pytest.mark.parametrize(
    "path",
    [
        "packages/babel-core/test/api.js",
        "lib/test/Foo.php",
        "crates/x/test/a.rs",
        "a/TestFoo.java",
        "cypress/a.cy.ts",
        "a/FooIT.java",
        "a/b.spec.ts",
        "pkg/a_test.go",
        "django/test/tests.py",
        "a/test_b.py",
    ],
)
def test_tests_are_known_by_the_conventions_of_their_language(path: str) -> None:
    assert is_test(path)


@pytest.mark.parametrize(
    "path",
    [
        "src/EmIT.ts",
        "EDIT.java",
        "src/TestBed.ts",
        "a/Testing.java",
        "LICENSE-MIT",
        "django/test/client.py",
        "sympy/testing/runtests.py",
        "a/testing/helper.go",
        "a/TestFoo.py",
    ],
)
def test_sources_that_look_like_tests_are_none(path: str) -> None:
    assert not is_test(path)


@pytest.mark.parametrize("path", ["src/bootstrap.js", "jest/bootstrap-env.js", "src/jquery.js"])
def test_a_library_s_name_alone_does_not_make_a_file_another_project_s(path: str) -> None:
    assert is_source(path)


@pytest.mark.parametrize(
    "path",
    ["static/jquery-3.6.0.js", "static/jquery-ui-1.12.1.custom.js", "a/bootstrap4.js", "a/jquery-min.js", "a/b.min.js"],
)
def test_a_library_s_release_is_another_project_s(path: str) -> None:
    assert not is_source(path)
