"""Tell by a Markdown parser whether a text has effects."""

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_ACTIVE = re.compile(r"@\w|#\d|\bGH-\d|://|\bwww\.|\b[0-9a-f]{40}\b", re.I)
"""What a forge makes a link or a mention of, in text that is no code."""
_INERT = frozenset({"inline", "text", "softbreak", "hardbreak", "code_inline", "fence", "paragraph", "text_special"})
_OURS = _INERT | {
    "heading", "table", "thead", "tbody", "tr", "th", "td", "bullet_list", "ordered_list", "list_item", "blockquote",
    "strong", "em", "hr", "html_block", "html_inline", "code_block",
}  # fmt: skip
_OUR_TAGS = re.compile(r"</?(?:details|summary|br|sub|sup|b|i|code)(?: open)? ?/?>")


def is_live(markdown: str, *, ours: bool = False) -> bool:
    """Whether there is a mention, a reference, a link, a picture or HTML outside of code, or any structure.

    Args:
        markdown: as it would be sent.
        ours: tables, headings, lists, and the few tags that we write ourselves are let pass.
    """
    allowed = _OURS if ours else _INERT
    return any(_is_live(token, allowed) for token in _parser().parse(markdown))


def is_open(markdown: str) -> bool:
    """Whether something in Markdown of our own is not closed, so that what follows it would be drawn into it."""
    end = [(token.type, token.level) for token in _parser().parse(f"{markdown}\n\nend\n")[-3:]]
    if end != [("paragraph_open", 0), ("inline", 1), ("paragraph_close", 0)]:
        return True
    tags = [tag for tag in _OUR_TAGS.findall(markdown) if not tag.startswith("<br")]
    names = {tag.strip("</> ").split()[0] for tag in tags}
    return any(
        sum(tag.startswith((f"<{name}>", f"<{name} ")) for tag in tags) != tags.count(f"</{name}>") for name in names
    )


def _is_live(token: "Token", allowed: frozenset[str]) -> bool:
    kind = token.type.removesuffix("_open").removesuffix("_close")
    if kind not in allowed:
        return True
    if kind in {"html_block", "html_inline"}:
        rest = _OUR_TAGS.sub("", token.content)
        return "<" in rest or bool(_ACTIVE.search(rest))
    children: Iterable[Token] = token.children or ()
    if any(_is_live(child, allowed) for child in children):
        return True
    return kind == "inline" and bool(_ACTIVE.search("".join(_shown(child) for child in children)))


def _shown(token: "Token") -> str:
    """What a piece of a paragraph is in the text that a forge looks at; code stands between words."""
    if token.type in {"text", "text_special"}:
        return token.content
    return "" if token.type.endswith(("_open", "_close")) else " \0 "


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("gfm-like", {"linkify": False})
