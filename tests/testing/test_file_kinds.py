import pytest

from sweagent.testing.file_kinds import FileKinds, HarnessFile, harness_file


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


TREE = {
    "pytest.ini": "[pytest]\npython_files = check_*.py\n",
    "src/shop/__init__.py": "from .wrappers import Request\n",
    "src/shop/wrappers.py": "def client():\n    from .test import (\n        Client,\n    )\n    return Client\n",
    "src/shop/test.py": "class Client: ...\n",
    "src/shop/tests/__init__.py": "",
    "src/shop/tests/runner.py": "class Runner: ...\n",
    "src/shop/tests/helper.py": "X = 1\n",
    "src/shop/tests/test_cart.py": "from shop.tests import helper, runner\n",
    "src/shop/cli.py": "import os, shop.tests.runner\n",
    "src/shop/test_data.py": "from shop import test_data\n",
    "src/shop/spec/__init__.py": "",
    "src/shop/spec/parser.py": "",
    "src/shop/test/__init__.py": "",
    "src/net/__init__.py": "",
    "src/net/test/__init__.py": "",
    "src/net/test/util.py": "",
    "src/net/test/web_test.py": "from net.test.util import x\n",
    "src/net/test/__main__.py": "from .util import x\n",
    "tests/check_cart.py": "",
    "tests/data/expected.json": "",
    "docs/conf.py": "from shop.tests import helper\n",
}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/shop/test.py", None),
        ("src/shop/tests/runner.py", None),
        ("src/shop/tests/helper.py", HarnessFile.TEST),
        ("src/shop/tests/test_cart.py", HarnessFile.TEST),
        ("src/shop/test_data.py", HarnessFile.TEST),
        ("src/shop/spec/parser.py", None),
        ("src/net/test/util.py", HarnessFile.TEST),
        ("src/net/test/web_test.py", HarnessFile.TEST),
        ("src/net/test/new_one.py", HarnessFile.TEST),
        ("tests/check_cart.py", HarnessFile.TEST),
        ("tests/data/expected.json", HarnessFile.TEST),
        ("tests/conftest.py", HarnessFile.HOOKS),
        ("src/shop/wrappers.py", None),
    ],
)
def test_a_module_that_the_product_imports_is_product_whatever_it_is_called(path, kind):
    kinds = FileKinds(TREE, lambda paths: {name: TREE[name].encode() for name in paths})
    assert kinds.kind(path) is kind


def test_the_products_sources_are_read_once_however_many_files_are_asked_about():
    asked: list[str] = []

    def read_many(paths):
        asked.extend(names := list(paths))
        return {name: TREE[name].encode() for name in names}

    kinds = FileKinds(TREE, read_many)
    for path in TREE:
        kinds.kind(path)
    assert len(asked) == len(set(asked))


def test_pytest_says_itself_what_its_tests_are_called():
    kinds = FileKinds(TREE, lambda paths: {name: TREE[name].encode() for name in paths})
    assert kinds.patterns == ("check_*.py",)
    assert kinds.is_configured("tests/check_cart.py")
    assert not kinds.is_configured("src/shop/check_out.py")
