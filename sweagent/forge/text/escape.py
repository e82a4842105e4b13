"""Escape foreign text so that it does nothing on a forge.

On a forge text acts: it mentions people, closes issues, links and loads pictures, hides itself in comments. What
these functions return can only be read: a Markdown parser looks at it, and what it finds live is shown as code.
"""

import re
from collections.abc import Iterable

from sweagent.forge.text.markdown import is_live, is_open
from sweagent.forge.text.sanitise import sanitise, segments

_ACTIVE = re.compile(
    r"(?:https?://|ftp://|www\.|mailto:|javascript:|vscode:)[^\s`|]+"  # links, which GitHub makes of bare addresses
    r"|[\w.+-]{0,64}@[\w][\w./-]*"  # mentions of people and teams, e-mail addresses, user@commit
    r"|(?:[\w.-]{1,64}/[\w.-]{1,100})?#\d+\b"  # issues, of other repositories too; closing words need one
    r"|\bGH-\d+\b"
    r"|\b[0-9a-f]{40}\b",
    re.I,
)
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~$&!])")
_LINE_START = re.compile(r"^([ \t]*(?:\d+(?=[.)]))?)([-+#=.)/])", re.M)
_ALLOWED_TAG = re.compile(r"</?(?:details|summary|br|sub|sup|b|i|code)(?: open)? ?/?>")
_CLOSING = re.compile(r"\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?)(\s*:?\s+)(?=`)", re.I)


_SKIPS_CI = re.compile(r"[\[*]+((?=[^\[\]*]*(?:\b|_)(?:skip|no|ci|actions)(?:\b|_))[^\[\]*]*)[\]*]+", re.I)
"""Words of a commit message with which CI is told not to run, as GitHub and other systems spell them."""
_SKIPS_CHECKS = re.compile(r"\b(skip|request)-(checks\s*:)", re.I)
_SPELLED = re.compile(r"\[\s*((?:skip|no)[ _-]+(?:ci|actions)|(?:ci|actions)[ _-]+skip)\s*\]|\*{3}(no_ci)\*{3}", re.I)
"""The same words where code is shown, whose other brackets stay as they are."""


_COMMAND = re.compile(r"^(\s*)/(?=[a-z])", re.M | re.I)
"""A line by which bots of a forge are told what to do (`/approve`); they read the text, not what is shown of it."""


def let_ci_run(text: str) -> str:
    """Take out the words that switch CI off: a squashed merge makes a commit message of a pull request's body."""
    return _SPELLED.sub(lambda match: f"({match.group(1) or match.group(2)})", text)


def inert(text: str, limit: int = 4000) -> str:
    """Prose of the model as Markdown that shows the same words, with its code, and nothing else.

    Args:
        text: anything.
        limit: characters; the rest is cut, visibly.
    """
    text = _shortened(let_ci_run(sanitise(text)[0]), limit)
    shown = _joined(_code(part) if is_code else _escaped(part) for part, is_code in segments(text)).strip()
    return code_block(text) if is_live(shown) else shown


def inert_words(text: str, limit: int = 500) -> str:
    """Make a text inert on one line, for the middle of a paragraph, a list or a quotation; see `inert`."""
    line = _shortened(let_ci_run(" ".join(sanitise(text)[0].split())), limit).replace("\n", " ")
    shown = _joined(
        code_span(part.strip("`")) if is_code else _escaped(part) for part, is_code in segments(line, fences=False)
    )
    return code_span(line) if is_live(f"x {shown} x") else shown


def defused(markdown: str) -> str:
    """Markdown that we wrote around foreign words: its tables and headings stay, mentions, links and HTML do not."""
    cleaned = let_ci_run(sanitise(markdown)[0])
    shown = _joined(_COMMAND.sub(r"\1· /", part) if is_code else _defused(part) for part, is_code in segments(cleaned))
    return code_block(cleaned, len(cleaned)) if is_live(shown, ours=True) or is_open(shown) else shown


def inert_line(text: str, limit: int = 120) -> str:
    """One line for titles and commit messages, where there is no Markdown to hide behind."""
    line, before = " ".join(sanitise(text)[0].split()), ""
    while line != before:  # what is left when one thing is gone may be another
        before = line
        line = re.sub(r"@+(?=\w)", "", line)
        line = re.sub(r"(?:[\w.-]+/[\w.-]+)?#(?=\d)|\bGH-(?=\d)", "no. ", line)
        line = re.sub(r"https?://\S*", "(link)", line).replace("`", "'")
        line = _SKIPS_CI.sub(lambda match: f"({match.group(1).strip()})", line)
        line = _SKIPS_CHECKS.sub(r"\1 \2", line)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def code_span(text: str) -> str:
    """Text as inline code that it cannot break out of, fit for a table."""
    line = let_ci_run(" ".join(sanitise(text)[0].split())).replace("|", "¦") or " "
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}" if longest else f"`{line}`"


def code_block(text: str, limit: int = 20_000) -> str:
    """Text as a fenced block that it cannot break out of."""
    content = _shortened(_COMMAND.sub(r"\1· /", let_ci_run(text.strip("\n"))), limit)
    longest = max((len(run) for run in re.findall(r"~+", content)), default=0)
    fence = "~" * max(3, longest + 1)
    return f"{fence}text\n{content}\n{fence}"


def _joined(pieces: Iterable[str]) -> str:
    """The pieces as one text in which no two spans of code touch: their backticks would become one run."""
    text = ""
    for piece in pieces:
        text += f" {piece}" if text.endswith("`") and piece.startswith("`") else piece
    return text


def _code(part: str) -> str:
    if part.lstrip(" ").startswith(("```", "~~~")) and "\n" in part:
        lines = part.split("\n")
        body = lines[1:-1] if re.fullmatch(r" {0,3}[`~]{3,}[ \t]*", lines[-1]) else lines[1:]
        return code_block("\n".join(body))
    return code_span(part.strip("`"))


def _escaped(part: str) -> str:
    pieces, position = [], 0
    for match in _ACTIVE.finditer(part):
        pieces.append(_SPECIAL.sub(r"\\\1", part[position : match.start()]))
        pieces.append(code_span(match.group()))
        position = match.end()
    pieces.append(_SPECIAL.sub(r"\\\1", part[position:]))
    return _CLOSING.sub(r"\1 –\2", _LINE_START.sub(r"\1\\\2", _joined(pieces)))


def _defused(part: str) -> str:
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match.group())
        return f"\0{len(kept) - 1}\0"

    part = _ALLOWED_TAG.sub(keep, part).replace("`", "&#96;")
    part = _ACTIVE.sub(lambda match: code_span(match.group()), part).replace("``", "` `")
    part = _COMMAND.sub(r"\1\\/", part)
    part = part.replace("<", "&lt;").replace("](", "]\\(").replace("][", "]\\[").replace("![", "!\\[")
    part = re.sub(r"^( {0,3})\[([^\]\n]+)\]:", r"\1\\[\2]:", part, flags=re.M)
    return re.sub(r"\0(\d+)\0", lambda match: kept[int(match.group(1))], part)


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit].rstrip() + f"\n\n(cut: {len(text) - limit} more characters)"
