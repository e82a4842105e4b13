import pytest

from sweagent.verify.harness_files import HarnessFile, harness_file


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("tests/test_a.py", HarnessFile.TEST),
        ("pkg/tests/data/expected.txt", HarnessFile.TEST),
        ("testing/example.py", HarnessFile.TEST),
        ("pkg/a_test.go", HarnessFile.TEST),
        ("src/a.spec.ts", HarnessFile.TEST),
        ("src/test/java/AppTest.java", HarnessFile.TEST),
        ("pkg/conftest.py", HarnessFile.HOOKS),
        ("setup.cfg", HarnessFile.CONFIGURATION),
        ("sub/pytest.ini", HarnessFile.CONFIGURATION),
        ("jest.config.mjs", HarnessFile.CONFIGURATION),
        ("sitecustomize.py", HarnessFile.STARTUP),
        ("lib/sitecustomize/__init__.py", HarnessFile.STARTUP),
        ("x.pth", HarnessFile.STARTUP),
        ("evil-1.dist-info/entry_points.txt", HarnessFile.STARTUP),
        ("sympy/testing/runtests.py", HarnessFile.RUNNER),
        ("django/test/client.py", None),
        ("numpy/testing/utils.py", None),
        ("src/contest.py", None),
        ("latest/model.py", None),
        ("README.md", None),
    ],
)
def test_files_are_told_by_name_and_place(path, kind):
    assert harness_file(path) is kind


def test_a_script_that_the_test_command_starts_is_the_runner():
    assert harness_file("bin/test", "python bin/test -C") is HarnessFile.RUNNER
    assert harness_file("bin/test", "pytest") is None


def test_what_a_command_reads_to_know_what_to_do_is_the_runner():
    assert harness_file("Makefile", "make test") is HarnessFile.RUNNER
    assert harness_file("Makefile", "python -m pytest") is None
