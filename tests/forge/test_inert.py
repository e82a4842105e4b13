"""Foreign words on a forge do nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sweagent.forge.inert import code_block, code_span, defused, inert, inert_line

RENDER = MarkdownIt("gfm-like", {"linkify": False}).render
ACTIVE = [
    "thanks @octocat and @acme/core-team",
    "closes #12",
    "Fixes: other/repo#2",
    "resolves GH-3",
    "see https://evil.example/?q=secret and www.evil.example",
    "![x](https://evil.example/leak.png)",
    "[click](javascript:alert(1))",
    "[a][b]\n\n[b]: https://evil.example",
    "<img src=https://evil.example/x>",
    "<!-- fix-issue:end -->",
    "mail me@evil.example",
    "<https://evil.example>",
    "```\nbreak out\n```\n@octocat",
    "`unclosed @octocat",
    "\\`@octocat`",
    "\\\\`x` \\`@octocat`",
    "`a\n\n@octocat `",
    "`a\n- @octocat `",
    "| a | b |\n| --- | --- |\n| `a | @octocat` |",
    "```unclosed\n@octocat",
    "| a | b |\n| --- | --- |\n| @octocat | #1 |",
    "# heading\n- [ ] task\n> quote",
    "&#64;octocat &lt;b&gt;",
    "$$\\href{javascript:x}{y}$$",
]


def outside_code(html: str) -> str:
    return re.sub(r"<code[^>]*>.*?</code>", "", html, flags=re.S)


@pytest.mark.parametrize("text", ACTIVE)
def test_prose_of_the_model_does_nothing(text):
    html = outside_code(RENDER(inert(text)))
    assert not re.search(r"<(?!/?(?:p|pre|br)\b)", html), html
    assert not re.search(r"@\w|#\d|GH-\d|https?://|www\.", html), html


@pytest.mark.parametrize("text", ACTIVE)
def test_markdown_around_foreign_words_does_nothing(text):
    html = outside_code(RENDER(defused(text)))
    assert not re.search(r"<(?:a|img)\b", html), html
    assert not re.search(r"@\w|#\d|https?://|www\.", html), html


@given(st.text(alphabet=st.sampled_from("@#a1`~\n <>[]()!|\\/:.-_*&"), max_size=60))
def test_no_mention_and_no_tag_gets_through(text):
    html = outside_code(RENDER(inert(text)))
    assert not re.search(r"(?<![\w`])@\w", html)
    assert not re.search(r"<(?!/?(?:p|pre|br)\b)", html), html


def test_words_and_code_stay_readable():
    shown = inert("The sign in `add` was wrong:\n\n```python\nreturn a - b\n```")
    assert "The sign in `add` was wrong" in shown
    assert "return a - b" in shown


@pytest.mark.parametrize("text", ["0.1.0 is out", "1. first", "2) second", "- a", "# a", "+ a", "a\n===", "1986"])
def test_plain_words_are_shown_as_they_are(text):
    assert RENDER(inert(text)) == f"<p>{text}</p>\n"


def test_tables_and_details_of_our_own_stay():
    text = "| a |\n| --- |\n| `x` |\n\n<details><summary>Commands</summary>\n\nx\n\n</details>"
    assert defused(text) == text


@pytest.mark.parametrize("text", ["a`b", "``", "`", "a|b", "\n", "```x```"])
def test_code_spans_cannot_be_left(text):
    html = MarkdownIt().render(f"x {code_span(text)} y")
    assert html.startswith("<p>x <code>")
    assert html.endswith("</code> y</p>\n")


def test_code_blocks_cannot_be_left():
    html = RENDER(code_block("~~~\n@a\n~~~~\n```"))
    assert html.startswith("<pre><code")
    assert html.endswith("</code></pre>\n")


def test_titles():
    line = inert_line("@octocat closes #12\n<!-- x --> https://evil.example `a` GH-3 o/r#4")
    assert line == "octocat closes no. 12 (link) 'a' no. 3 no. 4"
    assert len(inert_line("x" * 500)) == 120
