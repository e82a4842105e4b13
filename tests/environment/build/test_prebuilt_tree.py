"""The tree of an image that was made elsewhere becomes the base tree, and its future is gone."""

import os
from collections.abc import Callable
from pathlib import Path

from sweagent.config import SandboxSettings
from sweagent.environment import PrebuiltTree
from sweagent.repository import open_repository, seed_archive
from sweagent.sandbox import open_sandbox

FILES = {".gitignore": "build/\n__pycache__/\n", "shop.py": "x = 1\n", "pay.py": "y = 1\n", "run.sh": "echo base\n"}
LATER = """
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
python3 -c 'import shop, pay'
touch -r shop.py reference; printf 'x = 2\\n' > shop.py; touch -r reference shop.py; rm reference
echo 'the fix' > later.py; chmod +x run.sh; mkdir build 'o d'; echo made > build/product
echo 'x' > 'o d/it'"'"'s "here".txt'; ln -s pay.py link.py
git add -A && git commit -q -m 'the future'
"""


def test_what_differs_is_replaced_and_the_rest_stays_as_it_is(git_repository: Callable[..., Path]) -> None:
    repository = open_repository(str(git_repository(FILES, name="shop")))
    tree = PrebuiltTree(repository)
    for _ in range(2):
        with open_sandbox(SandboxSettings(kind="local"), tree=seed_archive(repository)) as sandbox:
            prepared = sandbox.run(f"unset PYTHONDONTWRITEBYTECODE\n{LATER}")
            assert prepared.exit_code == 0, prepared.output
            before = sandbox.run("ls -i pay.py; ls __pycache__", fresh=True).output
            tree.put_into(sandbox)
            shown = sandbox.run("git status --porcelain; git log --format=%s; cat shop.py build/product", fresh=True)
            assert "future" not in shown.output
            assert shown.output.endswith("x = 1\nmade\n")
            assert not shown.output.startswith((" M", "??", "A"))
            # The changed file has the size and the time of the one that its byte code was made of.
            assert "shop.cpython" in before
            after = sandbox.run("ls -i pay.py; ls __pycache__; python3 -c 'import shop; print(shop.x)'", fresh=True)
            assert "shop.cpython" not in after.output.splitlines()[1]
            assert after.output.splitlines()[0] == before.splitlines()[0]
            assert after.output.endswith("1\n")
            left = sandbox.run("find . -path ./.git -prune -o -type f -print | sort", fresh=True).output
            assert "later" not in left
            assert "o d" not in left
            assert not os.access(Path(sandbox.workdir, "run.sh"), os.X_OK)
