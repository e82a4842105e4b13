"""Paths, names, tracebacks, code and words of an issue's text."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import log

from sweagent.code.index.words import IDENTIFIER, OF_REPORTS, terms
from sweagent.code.localise.traces import Frame, frames_of, line_number, undecorated, without_frames

_ERROR = re.compile(
    r"^(?:E[ \t]|[ \t>*-])*(?:[\w./\\-]{1,200}:\d+:[ \t]+)?(?:(?:ERROR|CRITICAL)[ \t:]+[\w.]{1,100}:[ \t]*)?"
    r"((?:[A-Za-z_]\w*\.)*(?:[A-Z]\w*)?(?:Error|Exception|Warning|DoesNotExist|Interrupt|Fault)"
    r"|(?:[a-z_]\w*\.)+[A-Z]\w*|error(?:\[\w{1,20}\])?|ERROR|fatal|FATAL)[ \t]*:[ \t]*(\S.*)$",
    re.M,
)
_FENCE = re.compile(
    r"^(?:[ \t>]*(?:(`{3,}+)[^`\n]*|(~{3,}+)[^\n]*)|(?P<before>[^`\n]{1,300}[ \t:])(`{3,}+)[\w+#.-]{0,20}[ \t]*)\n"
    r"(?P<code>.*?)(?:^[ \t>]*(?:\1|\2|\4)[ \t]*$|\Z)",
    re.M | re.S,
)
_INDENTED = re.compile(r"(?:(?<=\n)|\A)(?:(?:    |\t)[^\n]*\n?)+")
_PROMPT = re.compile(r"^[ \t]*(?:>>>|\.\.\.|In ?\[\d+\]:|\$) ?(.*)$", re.M)
_TICKS = re.compile(r"(?<!`)`{1,9}([^`\n]{1,200})`{1,9}")
_URL = re.compile(r"https?://[^\s)>\]]+")
_PATH = re.compile(
    r"(?<![\w/:])((?:~?/)?(?:[\w.-]{1,100}[/\\]){0,40}[\w-]{1,100}\.(?:pyx?|pxd|js|jsx|ts|tsx|java|go|rs|c|h|cc|cpp|hpp|rb|php|cs|kt|swift|scala|html|css|cfg|ini|toml|rst|md|txt|ya?ml|json))\b"
)
_URL_PATH = re.compile(
    r"(?:/(?:blob|blame|raw)/|raw\.githubusercontent\.com/[^/\s]{1,100}/[^/\s]{1,100}/)[^/\s]{1,100}/"
    r"([^\s#?,;)>\]`\"']+)(?:\?[^\s#)>\]]{0,100})?(?:#L(\d+))?"
)
_DOTTED = re.compile(r"(?<![\w./])([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)")
_CALL = re.compile(r"(?<![\w])([A-Za-z_]\w*)\(")
_CODE_NAME = re.compile(r"\b(?:[A-Za-z]+_\w+|_\w+|[a-z]+[A-Z]\w*|[A-Z]+[a-z0-9]+[A-Z]\w*|[A-Z][A-Z0-9]*_[A-Z0-9_]+)\b")
_IMPORT = re.compile(r"^[ \t>.]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+\(?([^\n()]*)|import[ \t]+([\w.]+))", re.M)
_QUOTED_NAME = re.compile(r"(?<!\w)['\"`]([A-Za-z_][\w.]{0,200})['\"`]")
_QUOTED = re.compile(r"\"([^\"\n]{6,120})\"|'([^'\n]{8,120})'|“([^”\n]{6,120})”")
_HEADING = re.compile(r"^(?=#{2,6}[ \t]|\*\*[^*\n]+\*\*:?[ \t]*$)", re.M)
_SURROUNDINGS = re.compile(
    r"[#* \t]*(?:[\w/-]+ ){0,3}?(?:versions?|environment|operating system|platform|system|backend|installation"
    r"|dependencies|installed packages)(?: info(?:rmation)?| details)?[*: \t]*$",
    re.I,
)
_TRACED = re.compile(r"^[ \t>]*File \"[^\"\n]+\", line \d+.*\n(?:(?![ \t>]*File \")[ \t>]*\S.*(?:\n|\Z))?", re.M)
_PREFIX = re.compile(r"^\s*(?:-+>\s*)?(?:\d+\s+)?(?:[-+>]\s+)?")
_NO_CODE_OF_THE_PROJECT = ("import ", "from ", "File ", "#", ">>>", "@", "if __name__")
_SHORTEST_LINE = 12
_MOST_CHARACTERS = 60_000


@dataclass(frozen=True)
class Question:
    """An issue's text, taken apart.

    Attributes:
        title: the first line.
        prose: the text without code.
        code: what stands in code blocks.
        frames: lines that links to a forge's page of a file mean, then tracebacks, the outermost of each first.
        errors: (type, message) of errors.
    """

    title: str
    prose: str
    code: str
    frames: tuple[Frame, ...] = ()
    errors: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, int], ...] = ()
    """Paths with lines (0: none) in links to a forge's page of a file."""

    @cached_property
    def whole(self) -> str:
        """Title, prose and code."""
        return f"{self.title}\n{self.prose}\n{self.code}"

    @cached_property
    def title_terms(self) -> Counter[str]:
        """The words of the title."""
        return terms(self.title)

    @cached_property
    def title_matter(self) -> Counter[str]:
        """The words of the title, names taken apart, without those of any report."""
        counts = terms(self.title, whole=False)
        return Counter({word: count for word, count in counts.items() if word not in OF_REPORTS})

    @cached_property
    def prose_terms(self) -> Counter[str]:
        """The words of the title and the prose."""
        return self.title_terms + terms(self.prose)

    @cached_property
    def untraced(self) -> str:
        """The prose without the lines of tracebacks."""
        return without_frames(_TRACED.sub(" ", self.prose)) if self.frames else self.prose

    @cached_property
    def told_prose_terms(self) -> Counter[str]:
        """The words of the title and of the prose without tracebacks."""
        return self.title_terms + terms(self.untraced)

    @cached_property
    def told_terms(self) -> Counter[str]:
        """The words of title, prose and code without tracebacks."""
        return self.told_prose_terms + terms(self.code)

    @cached_property
    def pairs(self) -> dict[str, float]:
        """Neighbouring words as one name, `order by` as `order_by` and `orderby`, with weights as of words."""
        in_title, elsewhere = _joined(self.title), _joined(self.untraced)
        return {
            pair: (1 + log(count)) * (2.0 if pair in in_title else 1.0)
            for pair, count in (in_title + elsewhere).items()
        }

    @cached_property
    def code_lines(self) -> frozenset[str]:
        """Lines of code and of tracebacks that may stand in the source as they are, without their indentation."""
        lines = f"{self.code}\n{self.prose if self.frames else ''}".split("\n")
        bare = (_PREFIX.sub("", line).strip() for line in lines)
        return frozenset(
            line for line in bare if len(line) >= _SHORTEST_LINE and not line.startswith(_NO_CODE_OF_THE_PROJECT)
        )

    @cached_property
    def all_terms(self) -> Counter[str]:
        """The words of title, prose and code."""
        return self.prose_terms + terms(self.code)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Paths and names of files, as written."""
        found = [match.replace("\\", "/") for match in _PATH.findall(self.whole)]
        return tuple(dict.fromkeys([*(path for path, _ in self.links), *found]))

    @cached_property
    def dotted(self) -> tuple[str, ...]:
        """Dotted names, such as `django.db.models.Q` and `self.assertEqual`."""
        return tuple(dict.fromkeys(_DOTTED.findall(self.whole)))

    @cached_property
    def ticked(self) -> frozenset[str]:
        """Identifiers between backticks in the title and the prose."""
        spans = _TICKS.findall(f"{self.title}\n{self.prose}")
        return frozenset(name for span in spans for name in IDENTIFIER.findall(span))

    @cached_property
    def code_names(self) -> frozenset[str]:
        """Identifiers that look like code in title and prose (`snake_case`, `called(`), or that an error quotes."""
        text = f"{self.title}\n{self.prose}"
        names = [*_CODE_NAME.findall(text), *_CALL.findall(text)]
        names.extend(name for dotted in _DOTTED.findall(text) for name in dotted.split("."))
        quoted = (name for _, message in self.errors for name in _QUOTED_NAME.findall(message))
        names.extend(name for dotted in quoted for name in dotted.split(".") if name)
        return frozenset(names) | self.ticked

    @cached_property
    def title_names(self) -> frozenset[str]:
        """Identifiers of the title."""
        return frozenset(IDENTIFIER.findall(self.title))

    @cached_property
    def block_names(self) -> frozenset[str]:
        """Identifiers of the code blocks."""
        return frozenset(IDENTIFIER.findall(self.code))

    @cached_property
    def block_calls(self) -> frozenset[str]:
        """Names that the code blocks call or reach by a dot."""
        names = [
            *_CALL.findall(self.code),
            *(part for dotted in _DOTTED.findall(self.code) for part in dotted.split(".")),
        ]
        return frozenset(names)

    @cached_property
    def imported(self) -> tuple[str, ...]:
        """What the code imports, dotted; `from a import b` gives `a.b`."""
        found: dict[str, None] = {}
        for module, names, plain in _IMPORT.findall(self.whole):
            if plain:
                found.setdefault(plain)
            for name in names.split(","):
                word = name.split()
                if word and word[0].isidentifier():
                    found.setdefault(f"{module}.{word[0]}")
        return tuple(found)

    @cached_property
    def phrases(self) -> tuple[str, ...]:
        """Texts that may stand in the source as they are: messages of errors and quoted strings."""
        found = [message for _, message in self.errors]
        found.extend(
            next(filter(None, groups)) for groups in _QUOTED.findall(f"{self.title}\n{self.prose}\n{self.code}")
        )
        return tuple(dict.fromkeys(text.strip() for text in found if " " in text.strip()))[:20]


def read_question(text: str) -> Question:
    """Take an issue's text apart; its first line is the title.

    Args:
        text: title and body, as Markdown or plain text; what is past 60,000 characters is not read.
    """
    text = _without_comments(undecorated(text[:_MOST_CHARACTERS].replace("\r\n", "\n"))).strip()
    links = tuple((path.rstrip("."), line_number(line)) for path, line in _URL_PATH.findall(text))
    title, _, body = text.partition("\n")
    body = _without_surroundings(body)
    # The places of scripts are addresses.
    traced = frames_of(body)
    body = _URL.sub(" ", body)
    blocks: list[str] = []

    def keep(match: "re.Match[str]") -> str:
        blocks.append(match.group(match.lastindex or 0))
        return "\n"

    def keep_fenced(match: "re.Match[str]") -> str:
        blocks.append(match["code"])
        return f"{match['before'] or ''}\n"

    prose = _FENCE.sub(keep_fenced, body)
    prose = _INDENTED.sub(keep, prose)
    prose = _PROMPT.sub(keep, prose)
    code = "\n".join(blocks)
    without = without_frames(code) if traced else code
    # A traceback, whose last frame is the deepest, tells more than a link to a line; of links, the first tells most.
    frames = (*(Frame(path, line, "") for path, line in reversed(links) if line), *traced)
    return Question(title.strip(), prose, without, frames, _errors(f"{title}\n{body}"), links)


def _errors(text: str) -> tuple[tuple[str, str], ...]:
    """The errors that lines tell of, and those told of between backticks."""
    spans = "\n".join(_TICKS.findall(text))
    return tuple(dict.fromkeys([*_ERROR.findall(text), *_ERROR.findall(spans)]))


def _joined(text: str) -> Counter[str]:
    words = [word.lower() for word in IDENTIFIER.findall(text)]
    found: Counter[str] = Counter()
    for one, other in pairwise(words):
        if one.isalpha() and other.isalpha() and len(one) + len(other) > 4:
            found[f"{one}_{other}"] += 1
            found[f"{one}{other}"] += 1
    return found


def _without_comments(text: str) -> str:
    kept: list[str] = []
    position = 0
    while (start := text.find("<!--", position)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[position:start])
        position = end + 3
    return " ".join([*kept, text[position:]])


def _without_surroundings(body: str) -> str:
    """Leave out the sections on versions and the system: what they list is rarely what is to be changed."""
    sections = _HEADING.split(body)
    kept = "".join(section for section in sections if not _SURROUNDINGS.match(section.partition("\n")[0]))
    return kept if kept.strip() else body
