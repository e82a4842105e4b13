"""Foreign words on a forge do nothing."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sweagent.forge.progress import failed, finished
from sweagent.forge.proposal import Outcome, OutcomeKind, Proposal
from sweagent.forge.pull_request_body import body_of, commit_message, title_of
from sweagent.forge.rules import Change, Objection, Ruling
from sweagent.forge.text.escape import code_block, code_span, defused, inert, inert_line
from sweagent.task import Issue
from sweagent.verdict import Verdict

RENDER = MarkdownIt("gfm-like", {"linkify": False}).render
ACTIVE = [
    "@a@b@octocat",
    "`x`@octocat`y` closes `z`#12",
    "`a`@octocat`b`",
    "https://evil.example`x`https://evil.example/2",
    "`x`![p](https://evil.example/p.png)`y`",
    "#1#2`c`#3",
    "`a``@octocat``b`",
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


HOSTILE = st.lists(
    st.one_of(
        st.text("`~@ab12#\n <>[]()!|\\\\/:.-_*&$\"'", max_size=12),
        st.sampled_from(
            ["@octocat", "closes #12", "fixes o/r#3", "https://evil.example/x", "![p](//evil.example)", "[a](b)",
             "GH-4",
             "<img src=x>", "<!-- x -->", "`", "``", "```", "~~~", "\n\n", "\n| a | b |\n| --- | --- |\n", "| ",
             "<details>",
             "</details>", "www.evil.example", "a" * 40, "\n[b]: //evil.example\n", "\n# h\n", "\n- ", "\n    ", "\\\\"]
        ),
    ),
    max_size=14,
).map("".join)  # fmt: skip


def live_in(markdown: str) -> str:
    """What of a page would act, beside the issue that our first line names and the link to our run."""
    html = RENDER(markdown).replace("Fixes #7", "", 1)
    html = outside_code(html.replace('<a href="https://example.org/run/1">the run</a>', ""))
    html = re.sub(r"<!-- fix-issue:(?:begin|end|progress) -->", "", html)
    html = html.replace('<a href="https://example.org/run/1">The run</a>', "")
    tags = {tag.strip("</>").split()[0].lower() for tag in re.findall(r"<[^>]*>", html)}
    ours = (
        "p pre br h1 h2 h3 h4 table thead tbody tr th td ul ol li blockquote strong em hr sub sup details summary code"
    )
    acting = re.findall(r"@\w+|#\d+|\bGH-\d+|https?://|www\.|\b[0-9a-f]{40}\b", html)
    return " ".join([*sorted(tags - {*ours.split(), "code", "b", "i", "h5", "h6", "s"}), *acting])


@settings(max_examples=150)
@given(words=HOSTILE, reason=HOSTILE, path=HOSTILE, proof=HOSTILE)
def test_nothing_of_a_body_or_a_comment_acts(words, reason, path, proof):
    proposal = Proposal(
        issue=Issue(title=words, number=7, url="https://example.org/acme/calc/issues/7"),
        base_commit="0" * 40, diff=b"", verdict=Verdict.UNVERIFIED, reason=reason, proof_markdown=proof,
        not_checked=(reason,), summary=words, model=path, version="0.1.0", run_url="https://example.org/run/1",
    )  # fmt: skip
    change = Change(path=path or "a", old_mode="100644", new_mode="100644")
    objection = Objection(path=path, ruling=Ruling.REVIEW, reason="a reason of ours")
    body = body_of(proposal, [change], [objection], ["A note of ours."], same_repository=True)
    assert live_in(body) == ""
    assert body.endswith("<!-- fix-issue:end -->")
    assert RENDER(body).rstrip().endswith("<!-- fix-issue:end -->"), "what we write after foreign words is still read"
    outcome = Outcome(kind=OutcomeKind.BLOCKED, message=reason, hint=words, objections=(objection,))
    assert live_in(finished(outcome, Verdict.VERIFIED, "https://example.org/run/1")) == ""
    assert live_in(failed(words, reason, "https://example.org/run/1")) == ""
    assert not re.search(r"@\w|#\d|\bGH-\d|https?://", title_of(proposal))


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


@pytest.mark.parametrize(
    "words",
    [
        "[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]", "[Skip CI]", "[[skip ci]]",
        "[ skip  ci ]",
        "[skip\nci]", "[skip c\u200bi]", "[skip@ci]", "[skip #1 ci]", "***NO_CI***", "[skip netlify]", "[skip-ci]",
        "skip-checks: true", "skip-checks : true",
    ],
)  # fmt: skip
def test_nobody_switches_ci_off_in_a_title_or_a_commit(words):
    proposal = Proposal(
        issue=Issue(title=f"Crash {words}", number=7),
        base_commit="0" * 40,
        diff=b"",
        verdict=Verdict.VERIFIED,
        summary=words,
    )
    for text in (title_of(proposal), commit_message(proposal)):
        low = " ".join(text.lower().split())
        assert not re.search(r"\[[^\]]*\b(?:skip|no|ci|actions)\b|\*no_ci|skip-checks\s*:", low), text


@pytest.mark.parametrize(
    "spelling", ["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[CI-skip]", "***NO_CI***"]
)
@pytest.mark.parametrize("words", ["{}", "say `{}`", "```\n{}\n```", "    {}", "**{}**", "| a |\n| --- |\n| `{}` |"])
def test_nobody_switches_ci_off_in_a_body_that_a_squashed_merge_makes_a_commit_of(words, spelling):
    said = words.format(spelling)
    proposal = Proposal(
        issue=Issue(title=said, number=7), base_commit="0" * 40, diff=b"", verdict=Verdict.VERIFIED,
        reason=said, proof_markdown=said, not_checked=(said,), summary=said, model=said,
    )  # fmt: skip
    assert spelling.lower() not in body_of(proposal, [], [], [], same_repository=True).lower()


@pytest.mark.parametrize(
    "words", ["/approve", "fine\n/lgtm\n  /merge", "```\n/approve\n```", "- a\n\n/close", "~~~\n/x\n~~~"]
)
def test_no_bot_is_told_anything(words):
    """Bots of a forge read the lines of a body or a comment that begin with a slash, in code too."""
    proposal = Proposal(
        issue=Issue(title=words, number=7), base_commit="0" * 40, diff=b"", verdict=Verdict.UNVERIFIED,
        reason=words, proof_markdown=words, not_checked=(words,), summary=words, model=words,
    )  # fmt: skip
    texts = [body_of(proposal, [], [], [], same_repository=True), failed(words, words, "https://example.org/run/1")]
    for text in texts:
        assert not re.search(r"^\s*/[a-z]", text, re.M | re.I), text
