"""Definitions and syntax errors of a file, for any language."""

from sweagent.code.index.definitions import Outline, SyntaxProblem
from sweagent.code.index.languages import grammar_of, language_of
from sweagent.path_kinds import looks_binary

LARGEST = 1_000_000
"""Bytes of a source above which it is taken for data: it is listed, but not parsed."""

_WITHOUT_DEFINITIONS = frozenset({"html", "css", "scss", "sql"})


def outline(path: str, source: bytes) -> Outline:
    """Return the definitions and imports of a file; what cannot be understood gives an empty outline.

    Args:
        path: the file's path; its suffix says the language.
        source: its content.
    """
    language = language_of(path)
    lines = source.count(b"\n") + (0 if source.endswith(b"\n") or not source else 1)
    if language is None or language in _WITHOUT_DEFINITIONS or len(source) > LARGEST or looks_binary(source):
        return Outline(path, language, lines=lines)
    if language == "python":
        from sweagent.code.index.python_scan import scan_python

        definitions, imports = scan_python(source.decode("utf-8", "replace").replace("\r\n", "\n"))
    else:
        from sweagent.code.index.syntax import parse_definitions

        definitions, imports = parse_definitions(grammar_of(path, language, source), source)
    return Outline(path, language, definitions, imports, lines)


def syntax_errors(path: str, source: bytes) -> tuple[SyntaxProblem, ...]:
    """Return where a source breaks the grammar of its language; empty when it is whole or the language is not known.

    Args:
        path: the file's path; its suffix says the language.
        source: its content.
    """
    language = language_of(path)
    # The grammar pack has none for Cython, and Python's would complain of each of its declarations.
    if language is None or len(source) > LARGEST or path.endswith((".pyx", ".pxd")):
        return ()
    from sweagent.code.index.syntax import parse_errors

    return parse_errors(grammar_of(path, language, source), source)
