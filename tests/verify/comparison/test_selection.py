import pytest

from sweagent.task import Issue, Task
from sweagent.testing import Runner
from sweagent.verify.comparison.selection import changed_names, rank_tests
from sweagent.verify.oracle import Oracle
from sweagent.verify.plan import Inputs, make_plan
from sweagent.verify.trees import open_trees

FILES = {
    "src/shop/cart.py": "def total(items):\n    return sum(items)\n\n\ndef empty():\n    return []\n",
    "src/shop/user.py": "class User:\n    pass\n",
    "src/shop/__init__.py": "",
    "tests/test_cart.py": "from shop.cart import empty\n\n\ndef test_empty():\n    assert empty() == []\n",
    "tests/test_checkout.py": "import shop\n\n\ndef test_total():\n    assert shop.cart.total([]) == 0\n",
    "tests/test_user.py": "from shop.user import User\n",
    "tests/other/test_far.py": "def test_far():\n    pass\n",
    "tests/helper.py": "def total(): ...\n",
    "web/app.test.js": "require('./app')\n",
}


def test_tests_that_belong_to_the_change_come_first(project):
    made = project(FILES)
    patch = made.patch({"src/shop/cart.py": FILES["src/shop/cart.py"].replace("sum(items)", "sum(items, 0)")})
    with open_trees(made.repository) as trees:
        ranked = rank_tests(trees, trees.apply(patch.text), ["src/shop/cart.py"], Runner.PYTEST).tests
    assert set(ranked[:2]) == {"tests/test_cart.py", "tests/test_checkout.py"}
    assert set(ranked) == {name for name in FILES if "/test_" in name}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\npython_files = check_*.py\n    web/c*.py\n"),
        ("setup.cfg", "[tool:pytest]\npython_files = check_*.py web/c*.py\n"),
        ("tox.ini", "[pytest]\npython_files: check_*.py web/c*.py\n[testenv]\ncommands = {posargs} %(x)s\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\npython_files = ['check_*.py', 'web/c*.py']\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\npython_files = 'check_*.py web/c*.py'\n"),
    ],
)
def test_files_that_pytest_is_configured_for_are_found(project, name, text):
    own = {"tests/check_cart.py": FILES["tests/test_cart.py"], "tests/web/cart.py": "", "src/check_shop.py": ""}
    made = project(FILES | own | {"tests/__init__.py": "", name: text})
    with open_trees(made.repository) as trees:
        ranked = rank_tests(trees, trees.base, ["src/shop/cart.py"], Runner.PYTEST).tests
    assert set(ranked) == {path for path in FILES if "/test_" in path} | {"tests/check_cart.py", "tests/web/cart.py"}


def test_what_cannot_be_read_configures_nothing(project):
    broken = {"pytest.ini": "python_files = *.py\n", "pyproject.toml": "[tool", "tox.ini": "[pytest\n"}
    made = project(FILES | broken)
    with open_trees(made.repository) as trees:
        assert set(rank_tests(trees, trees.base, [], Runner.PYTEST).tests) == {
            name for name in FILES if "/test_" in name
        }


def test_a_folder_that_was_named_comes_first(project):
    made = project(FILES)
    task = Task(id="shop", repository=made.repository, issue=Issue(title=""))
    inputs = Inputs(task, None, ("tests/other",), "pytest", Oracle())
    with open_trees(made.repository) as trees:
        assert make_plan(trees, trees.base, inputs).tests[0] == "tests/other/test_far.py"


def test_another_runner_sees_its_own_files_only(project):
    made = project(FILES)
    with open_trees(made.repository) as trees:
        assert rank_tests(trees, trees.base, ["web/app.js"], Runner.NODE).tests == ("web/app.test.js",)


def test_changed_names_are_those_of_changed_definitions():
    cart = "class Cart:\n    def total(self):\n        return 2\n\n    def same(self):\n        pass\n"
    before = f"def a():\n    return 1\n\n\n{cart}"
    after = before.replace("return 2", "return 3").replace("def a()", "def abc()")
    assert changed_names("x.py", before.encode(), after.encode()) == {"Cart", "total", "abc"}
    assert changed_names("x.py", before.encode(), b"# only a comment\n" + before.encode()) == set()
    assert changed_names("x.py", b"def (", b"") == set()


PLAIN = "def test_it():\n    pass\n"


@pytest.mark.parametrize(
    "rules",
    [
        {"tests/conftest.py": "collect_ignore = ['roots']\n"},
        {"conftest.py": "collect_ignore_glob = ['tests/roots/*']\n"},
        {"setup.cfg": "[tool:pytest]\nnorecursedirs = roots\n"},
        {"pyproject.toml": "[tool.pytest.ini_options]\nnorecursedirs = ['tests/roots']\n"},
        {"tox.ini": "[pytest]\ntestpaths =\n    tests/unit\n    ./tests/more/\n"},
    ],
    ids=lambda rules: next(iter(rules)),
)
def test_fixtures_that_look_like_tests_are_none_where_the_runner_does_not_collect_them(project, rules):
    own = dict.fromkeys(("tests/unit/test_a.py", "tests/more/test_b.py", "tests/roots/app/test_c.py"), PLAIN)
    made = project({"app.py": "", **own, **rules})
    with open_trees(made.repository) as trees:
        ranked = rank_tests(trees, trees.base, ["app.py"], Runner.PYTEST).tests
    assert set(ranked) == {"tests/unit/test_a.py", "tests/more/test_b.py"}


def test_where_nothing_would_be_collected_the_names_decide(project):
    made = project({"app.py": "", "checks/test_a.py": PLAIN, "pytest.ini": "[pytest]\ntestpaths = tests\n"})
    with open_trees(made.repository) as trees:
        assert rank_tests(trees, trees.base, ["app.py"], Runner.PYTEST).tests == ("checks/test_a.py",)


def test_a_condition_in_a_conftest_leaves_nothing_out(project):
    rules = "import sys\n\nif sys.version_info < (3, 8):\n    collect_ignore = ['test_a.py']\n"
    made = project({"app.py": "", "tests/test_a.py": PLAIN, "tests/conftest.py": rules})
    with open_trees(made.repository) as trees:
        assert rank_tests(trees, trees.base, ["app.py"], Runner.PYTEST).tests == ("tests/test_a.py",)


def test_tests_that_come_to_a_core_module_through_its_package_have_to_do_with_the_change(project):
    files = {
        "shop/__init__.py": "from .db import models\n",
        "shop/db/__init__.py": "from shop.db.core import (  # all of it\n    Field,\n    Key,\n)\n",
        "shop/db/core.py": "class Field:\n    size = 1\n\n\nclass Key:\n    pass\n",
        "shop/forms.py": "from . import db\n",
        "shop/views.py": "from .forms import Form\n",
        "shop/mail.py": "",
        "tests/a/test_direct.py": "from shop.db import Key\n",
        "tests/a/test_forms.py": "import shop.forms\n",
        "tests/a/test_views.py": "from shop.views import View\n",
        "tests/a/test_mail.py": "import shop.mail, os\n",
    }
    made = project(files)
    patch = made.patch({"shop/db/core.py": files["shop/db/core.py"].replace("size = 1", "size = 2")})
    with open_trees(made.repository) as trees:
        ranking = rank_tests(trees, trees.apply(patch.text), ["shop/db/core.py"], Runner.PYTEST)
    order = [name.removeprefix("tests/a/test_").removesuffix(".py") for name in ranking.tests]
    assert order == ["direct", "forms", "views", "mail"]
    assert ranking.related == 2
