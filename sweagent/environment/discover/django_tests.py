"""How a Django application runs its tests, where they are not pytest's."""

import re
import shlex

from sweagent.environment.discover.ci_steps import workflows
from sweagent.environment.recipe import Line
from sweagent.environment.tree import Tree

_FILES = ("tox.ini", "Makefile", "noxfile.py", ".travis.yml", "CONTRIBUTING.md", "CONTRIBUTING.rst")
_COMMAND = re.compile(
    r"(?:(?P<script>[\w./-]*manage\.py)|django-admin(?:\.py)?|-m[ '\",]+django)[ '\",]+test\b(?P<rest>[^\n;&|`]*)"
)
_SETTINGS = re.compile(r"DJANGO_SETTINGS_MODULE['\"]?\s*[:=,]\s*['\"]?([A-Za-z_][\w.]*)")
_WITH_VALUE = frozenset({
    "--settings", "--pythonpath", "--tag", "--exclude-tag", "--testrunner", "-k", "-p", "-t", "-v", "--pattern",
})  # fmt: skip


def django_command(tree: Tree) -> Line | None:
    """The command that the repository's own tox, CI, Makefile or guide runs Django's tests with; None without one.

    Of its arguments the settings and the labels of tests are kept.

    Args:
        tree: the repository.
    """
    for name in (*_FILES, *workflows(tree)):
        text = re.sub(r"\\\r?\n", " ", tree.read(name))
        for match in _COMMAND.finditer(text):
            settings, labels = _arguments(match["rest"], text)
            if match["script"] is None and settings:
                words = ["django-admin", "test", "--pythonpath=."]
            elif match["script"] and match["script"].removeprefix("./") in tree.names:
                words = ["python", match["script"], "test"]
            else:
                continue
            return Line(value=shlex.join([*words, *settings, *labels]), source=name)
    return None


def _arguments(rest: str, text: str) -> tuple[list[str], list[str]]:
    words = re.sub(r"['\",\[\]()]", " ", rest).split()
    said = re.search(r"--settings[ =]+([\w.]+)", " ".join(words)) or _SETTINGS.search(text)
    labels = [
        word
        for before, word in zip(["", *words], words, strict=False)
        if re.fullmatch(r"[A-Za-z_][\w./]*", word) and before not in _WITH_VALUE
    ]
    return [f"--settings={said[1]}"] if said else [], labels
