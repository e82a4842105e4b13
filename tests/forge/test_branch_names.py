"""Names of branches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweagent.forge.branch_names import branch_name, branch_stem, slug
from sweagent.git import git
from sweagent.task import Issue


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Crash on empty header", "crash-on-empty-header"),
        ("Ünïcödé & `code`!", "unicode-code"),
        ("漢字", "issue"),
        ("", "issue"),
        ("a" * 90, "a" * 40),
        ("one two three four five six seven eight nine ten", "one-two-three-four-five-six-seven-eight"),
        ("--../x.lock", "x-lock"),
    ],
)
def test_slugs(title, expected):
    assert slug(title) == expected


@given(st.text(), st.one_of(st.none(), st.integers(1, 10**9)))
def test_every_name_is_a_branch(title, number):
    issue = Issue(title=title, number=number)
    name = branch_name(issue)
    assert name.startswith(branch_stem(issue))
    assert name == branch_name(issue)
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789-/")


def test_git_accepts_them():
    git("check-ref-format", "--branch", branch_name(Issue(title="a..b~^:?*[\\ @{", number=1)))
