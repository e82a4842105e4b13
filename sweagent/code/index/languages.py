"""Tell language, test and generated files by their path."""

import re

from sweagent.path_kinds import is_vendored

_BY_SUFFIX = {
    "python": "py pyi pyx pxd pyw",
    "javascript": "js jsx mjs cjs",
    "typescript": "ts mts cts",
    "tsx": "tsx",
    "java": "java",
    "go": "go",
    "rust": "rs",
    "c": "c h",
    "cpp": "cc cpp cxx hh hpp hxx ipp cu cuh",
    "ruby": "rb rake gemspec",
    "php": "php",
    "csharp": "cs",
    "kotlin": "kt kts",
    "swift": "swift",
    "scala": "scala sc",
    "lua": "lua",
    "elixir": "ex exs",
    "haskell": "hs",
    "bash": "sh bash",
    "perl": "pl pm",
    "r": "r",
    "julia": "jl",
    "dart": "dart",
    "ocaml": "ml",
    "zig": "zig",
    "objc": "m mm",
    "groovy": "groovy gradle",
    "erlang": "erl hrl",
    "clojure": "clj cljs cljc",
    "fsharp": "fs",
    "elm": "elm",
    "solidity": "sol",
    "fortran": "f90 f95 f03",
    "powershell": "ps1 psm1",
    "vue": "vue",
    "svelte": "svelte",
    "commonlisp": "lisp",
    "d": "d",
    "nim": "nim",
    "gdscript": "gd",
    "verilog": "v",
    "vhdl": "vhd vhdl",
    "tcl": "tcl",
    "racket": "rkt",
    "pascal": "pas",
    "proto": "proto",
    "sql": "sql",
    "css": "css",
    "scss": "scss",
    "html": "html htm",
}
_LANGUAGES = {suffix: language for language, suffixes in _BY_SUFFIX.items() for suffix in suffixes.split()}

_CPP = re.compile(
    rb"^[ \t]*(class[ \t]+\w|namespace\b|template[ \t]*<|(public|private|protected)[ \t]*:(?![ \t]*\d))", re.M
)
"""What a C header says that is written in C++."""

_TEST_FOLDERS = frozenset({"test", "tests", "testing", "__tests__", "spec", "specs", "testsuite", "e2e"})
_TEST_STEM = r"^(test_.*|.*_test|.*_spec|conftest|tests?)$|.*(\.test|\.spec|Test|Tests|Spec"
_PYTHON_TEST = re.compile(rf"{_TEST_STEM}|IT)$")
_JVM_TEST = re.compile(rf"{_TEST_STEM}|[a-z\d]IT)$|^Test[A-Z\d]")
_TEST_NAME = re.compile(rf"{_TEST_STEM}|\.cy)$")
_TEST_NAMES = {"python": _PYTHON_TEST} | dict.fromkeys(("java", "kotlin", "scala", "groovy"), _JVM_TEST)


def language_of(path: str) -> str | None:
    """Return the grammar's name for a path, or None when it is no source file that is known here."""
    return _LANGUAGES.get(path.rpartition(".")[2].lower()) if "." in path.rpartition("/")[2] else None


def grammar_of(path: str, language: str, source: bytes) -> str:
    """Return the grammar that reads a file of a language: C++'s for a C header that is written in it."""
    return "cpp" if path.lower().endswith(".h") and _CPP.search(source) else language


def is_test(path: str) -> bool:
    """Tell whether a path is that of a test or of the support of tests, by the conventions of the languages."""
    *folders, _ = path.split("/")
    named = is_named_test(path)
    if any(part in _TEST_FOLDERS or part.startswith("test_") for part in folders):
        # A framework's own testing package (`django/test`, `sympy/testing`) is source, not tests.
        own = {"test", "testing"} if language_of(path) == "python" else {"testing"}
        return named or not (len(folders) > 1 and folders[-1] in own)
    return named


def is_named_test(path: str) -> bool:
    """Tell whether a file's own name is that of a test or of the support of tests, wherever it lies."""
    name = path.rpartition("/")[2]
    return bool(_TEST_NAMES.get(language_of(path) or "", _TEST_NAME).match(name.rpartition(".")[0] or name))


def is_source(path: str) -> bool:
    """Tell whether a path is that of source that belongs to the project itself."""
    return language_of(path) is not None and not is_vendored(path)
