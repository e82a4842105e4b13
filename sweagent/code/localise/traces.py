"""Parse tracebacks of many languages out of a text."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_FRAME = re.compile(r'File "([^"\n]+)", line (\d+)(?:, in ([\w<>.]+))?')
_SHORT_FRAME = re.compile(r"^[ \t>]*([\w./\\-]+\.\w{1,5}):(\d+):(?: in (\w+)|[ \t]*(\w+Error|\w+Exception)?)", re.M)

# What may be long is bounded, or a line of a hundred thousand characters would be gone through again and again.
_IPYTHON_FRAME = re.compile(
    r"^((?:[A-Za-z]:[^\n:]{1,300}|[~/\w.\\-]{1,300})\.pyx?)(?:\([^)\n]{0,300}\))? in ([\w.<>]{1,200})"
    r"\([^)\n]{0,400}\)?",
    re.M,
)
_IPYTHON_8_FRAME = re.compile(
    r"^[ \t>]*File \[?((?:[A-Za-z]:)?[^\n:\]\"]{1,300}\.pyx?):(\d+)(?:\]\([^)\n]{0,500}\))?"
    r"(?:, in ([\w.<>]{1,200})(?:\([^)\n]{0,400}\)?)?)?",
    re.M,
)
_RICH_FRAME = re.compile(
    r"^[ \t>]*((?:[A-Za-z]:)?[~\w./\\@+-]{1,300}\.pyx?):(\d+)[ \t]*\n?[ \t]*in[ \t]*\n?[ \t]*([\w<>.]{1,200})[ \t]*$",
    re.M,
)
_HEADER = re.compile(r"Traceback \(most recent call last\):?")
_JAVASCRIPT = re.compile(
    r"^[ \t]+at (?:async )?(?:(?:new )?([\w.$<>]+) (?:\[as \w+\] )?)?"
    r"\(?((?:(?<=\()[^()\n]{1,300}|[^()\s]{1,300})\.(?!rs\b)\w{1,9})(?:\?[^\s:()]{0,200})?:(\d+):\d+\)?",
    re.M,
)
_BROWSER = re.compile(
    r"^[ \t]*(?:async\*)?([\w.$<]{0,80})[^\s@]{0,80}@((?:\w{2,20}:/)?/[^\s?()]{1,300}\.\w{1,9})"
    r"(?:\?[^\s:()]{0,200})?:(\d+):\d+$",
    re.M,
)
_COMPILER = re.compile(r"^[ \t]*([\w./\\@:-]{1,300}\.(?:[cm]?[jt]sx?|cs|fs|vb))\((\d+),\d+\):", re.M)
_JAVA = re.compile(
    r"^[ \t]*at (?:[\w.@-]*/){0,2}((?:[\w$]+\.)*)([\w$<>]+) ?\(([\w$]+\.(?:java|kt|scala|groovy)):(\d+)\)", re.M
)
_GO = re.compile(
    r"^\S{0,200}?\b([A-Za-z_]\w{0,80})(?:\.func[\d.]+)?\([^\n]{0,400}\)\n[ \t]+(\S{1,300}\.go):(\d+)", re.M
)
_RUST = re.compile(r"panicked at (?:'[^\n]{0,400}', )?([^\s':]{1,300}\.rs):(\d+)")
_RUST_BACK = re.compile(
    r"^[ \t]*\d+:[ \t][^\n]{0,300}?\b(\w{1,80})(?:::\{[^\n]{0,80}?)?(?:::h[0-9a-f]{5,16})?\n"
    r"[ \t]+at (\S{1,300}\.rs):(\d+)",
    re.M,
)
_RUBY = re.compile(
    r"(?<![\w./~-])([\w./~-]{1,200}\.rb):(\d+):in [`'](?:[^\n']{0,80} in )?(?:[\w:]{1,80}[#.])?"
    r"(?:<(?:class:|module:|main>|top [^\n>]{0,20}>))?([\w?!=]{0,80})"
)
_ELIXIR = re.compile(
    r"^[ \t]*(?:\([\w.-]{1,80}(?: [\w.+-]{1,40})?\) )?([\w./-]{1,200}\.exs?):(\d+): "
    r"(?:anonymous fn/\d+ in )?(?:[\w.]{1,200}\.)?([\w?!]{1,80})/\d+",
    re.M,
)
_PHP = re.compile(
    r"^#\d+ (\S{1,300}\.php)\((\d+)\): (?:[\w\\]{1,200}(?:->|::))?(?:\w{1,80}\\){0,9}"
    r"(?:\{closure[^}\n]{0,100}\}|(\w{1,80}))",
    re.M,
)
_PHP_THROWN = re.compile(r"\bin (\S{1,300}\.php)(?::| on line )(\d+)")
_CSHARP = re.compile(r"^[ \t]*at ([^\s(]{1,300})\([^\n]{0,200}\) in ([^\n]{1,200}\.\w{1,9}):line (\d+)", re.M)
_CSHARP_INNER = re.compile(r"<(\w{1,80})>\w__")
_NATIVE = re.compile(
    r"^[ \t]*#\d+[ \t]+(?:0x[0-9a-f]+ in )?(?:\w{1,80}::){0,9}(~?\w{1,80})[^\n]{0,200}?[ \t]"
    r"([\w./+-]{1,200}\.(?:c|cc|cpp|cxx|h|hpp)):(\d+)",
    re.M,
)
_ASSERTION = re.compile(
    r"(?<![\w./+-])([\w./+-]{1,200}\.(?:c|cc|cpp|cxx|h|hpp)):(\d+): (?:[^\n()]{0,100}[ *&:])?(\w{1,80})"
    r"(?:\([^\n]{0,200}\)[^\n:]{0,20})?: Assertion"
)
_DEEPEST_LAST = (_FRAME, _SHORT_FRAME, _IPYTHON_FRAME, _IPYTHON_8_FRAME, _RICH_FRAME)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[mK]")
_BOXED = re.compile(r"^[ \t>]*│([^\n]*)│[ \t]*$", re.M)
_BARS = str.maketrans("│❱", "  ")
_INNERMOST_FIRST = (
    *(_JAVASCRIPT, _BROWSER, _COMPILER, _JAVA, _GO, _RUST, _RUST_BACK, _RUBY, _ELIXIR, _PHP, _PHP_THROWN),
    *(_CSHARP, _NATIVE, _ASSERTION),
)
_CAUSE = re.compile(r"^[ \t]*(?:Caused by|\[cause\]):", re.M)


@dataclass(frozen=True, slots=True)
class Frame:
    """A line of a traceback.

    Attributes:
        path: as written, often a path of another machine.
        line: from 1, or 0 when it is not said.
        function: the function's name, or empty.
    """

    path: str
    line: int
    function: str


def undecorated(text: str) -> str:
    """Return a program's output without its colours and without the boxes that Rich draws around tracebacks."""
    return _BOXED.sub(lambda match: match[1].translate(_BARS).strip(" "), _COLOUR.sub("", text))


def frames_of(text: str) -> tuple[Frame, ...]:
    """Return the lines of all tracebacks of a text, the outermost of each first; those of a cause come later."""
    found = [*_outermost_first(text)]
    causes = _CAUSE.split(text)
    for pattern in _INNERMOST_FIRST:
        read = _READ[pattern]
        for cause in causes:
            found.extend(reversed([read(*groups) for groups in pattern.findall(cause)]))
    return tuple(found)


def without_frames(text: str) -> str:
    """Return a text without what names the lines of tracebacks, their files and functions, and their headers."""
    for pattern in (_HEADER, *_DEEPEST_LAST, *_INNERMOST_FIRST):
        text = pattern.sub(" ", text)
    return text


def _outermost_first(text: str) -> Iterator[Frame]:
    for path, line, function in _FRAME.findall(text):
        yield _frame(path, line, function)
    for path, line, function, _ in _SHORT_FRAME.findall(text):
        # Ruby and Elixir print the innermost first, and are read below.
        if not path.endswith((".rb", ".ex", ".exs")):
            yield _frame(path, line, function)
    for path, function in _IPYTHON_FRAME.findall(text):
        yield _frame(path, "0", function)
    for pattern in (_IPYTHON_8_FRAME, _RICH_FRAME):
        for path, line, function in pattern.findall(text):
            yield _frame(path, line, function)


def line_number(digits: str) -> int:
    """The number of a line as it is written; 0 for none, and what has more digits than any file has lines is cut."""
    return int(digits[:9] or 0)


def _frame(path: str, line: str, function: str = "") -> Frame:
    return Frame(path.replace("\\", "/"), line_number(line), function.rpartition(".")[2])


def _of_java(package: str, function: str, file: str, line: str) -> Frame:
    # The class comes last in the package; the file stands where the package's folders are.
    folders = package.rstrip(".").split(".")[:-1]
    return _frame("/".join([*folders, file]), line, function)


def _of_csharp(name: str, path: str, line: str) -> Frame:
    # Of `A.<BazAsync>d__12.MoveNext` and of `A.Baz[T]` the method is `BazAsync` and `Baz`.
    inner = _CSHARP_INNER.findall(name)
    return _frame(path, line, inner[-1] if inner else name.partition("[")[0])


def _function_first(function: str, path: str, line: str) -> Frame:
    return _frame(path, line, function)


_READ: dict["re.Pattern[str]", Callable[..., Frame]] = {
    _JAVASCRIPT: _function_first,
    _BROWSER: _function_first,
    _COMPILER: _frame,
    _JAVA: _of_java,
    _GO: _function_first,
    _RUST: _frame,
    _RUST_BACK: _function_first,
    _RUBY: _frame,
    _ASSERTION: _frame,
    _ELIXIR: _frame,
    _PHP: _frame,
    _PHP_THROWN: _frame,
    _CSHARP: _of_csharp,
    _NATIVE: _function_first,
}
