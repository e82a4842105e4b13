"""Definitions, imports and syntax errors of sources in several languages."""

import ast
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweagent.code import Definition, outline, syntax_errors

PYTHON = '''import os, sys as system
from a.b import (
    c,
    d as e,
)
from . import sibling


@decorated(
    "x",
)
class Outer(Base, mixins.Other, metaclass=Meta):
    """Looks like code:

def not_a_function():
    """

    def method(self,
        a,
    ):
        text = """
class NotAClass:
"""
        return text
    # about what follows

    async def later(self): return 1


def after():
    def inner():
        pass
    return inner
'''


def names(path: str, source: str) -> list[tuple[str, str]]:
    return [(item.qualified, item.kind) for item in outline(path, source.encode()).definitions]


def test_python_definitions_have_exact_spans() -> None:
    found = {item.qualified: (item.start, item.end) for item in outline("m.py", PYTHON.encode()).definitions}
    assert found == {
        "Outer": (9, 27),
        "Outer.method": (18, 24),
        "Outer.later": (27, 27),
        "after": (30, 33),
        "after.inner": (31, 32),
    }


def test_python_bases_and_imports() -> None:
    result = outline("m.py", PYTHON.encode())
    assert result.find("Outer")[0].bases == ("Base", "Other", "Meta")
    assert set(result.imports) >= {"os", "sys", "a.b", "a.b.c", "a.b.d", ".", ".sibling"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "class A:\n\tdef m(self):\n\t\treturn 1\n\n\tdef n(self): pass\n",
            {"A": (1, 5), "A.m": (2, 3), "A.n": (5, 5)},
        ),
        ("class A:\n    def m(self):\n\treturn 1\n", {"A": (1, 3), "A.m": (2, 3)}),
        ('Q = \'"""\'\nclass A: pass\ndef b():\n    """c\n    d"""\n', {"A": (2, 2), "b": (3, 5)}),
        ("def a(): pass  # unlike \"\"\" this\ndef b():\n    '''c\n    d'''\n", {"a": (1, 1), "b": (2, 4)}),
        ('x = \'it\\\'s\'; y = """\ndef a(): pass\n"""\ndef b(): pass\n', {"b": (4, 4)}),
        ("@mark('a', [\n    1,\n])\n# why\n@other({\n})\ndef a(): pass\n", {"a": (1, 7)}),
        ("\ufeffdef a(): pass\n\f\ndef b(): pass\n\fdef c(): pass\n", {"a": (1, 1), "b": (3, 3), "c": (4, 4)}),
    ],
)
def test_python_of_all_kinds(source: str, expected: dict[str, tuple[int, int]]) -> None:
    assert {d.qualified: (d.start, d.end) for d in outline("m.py", source.encode()).definitions} == expected


def test_python_type_parameters_and_imports_on_one_line() -> None:
    found = outline("m.py", b"import x; import y.z\nclass C[T: (int, str)](Base[T], Other): pass\nclass D[T]: pass\n")
    assert found.imports == ("x", "y.z")
    assert [item.bases for item in found.definitions] == [("Base", "Other"), ()]


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        (
            "a.js",
            'import x from "./y";\nclass A extends B {\n m() { return 1 }\n}\nconst f = (a) => {\n return a }\n',
            [("A", "class"), ("A.m", "method"), ("f", "function")],
        ),
        (
            "a.ts",
            "interface I {\n x(): void }\nexport abstract class A<T> implements I {\n private m(): void {} }\n",
            [("I", "class"), ("I.x", "method"), ("A", "class"), ("A.m", "method")],
        ),
        ("A.java", "class A extends B { A() {} void m() {} }", [("A", "class"), ("A.A", "method"), ("A.m", "method")]),
        (
            "a.go",
            "package p\ntype T struct{}\nfunc (t *T) M() {}\nfunc F() {}\nfunc (l List[K]) Len() int {}\n",
            [("T", "class"), ("T.M", "method"), ("F", "function"), ("List.Len", "method")],
        ),
        (
            "b.ts",
            "export function f(a: A): A;\nexport function f(a: B): B;\nexport function f(a: any) { return a }\n"
            "declare function g(): void;\n",
            [("f", "function"), ("g", "function")],
        ),
        ("a.rs", "struct S;\nimpl S { fn m(&self) {} }\n", [("S", "class"), ("S", "class"), ("S.m", "method")]),
        ("b.rs", "impl<'a, T> S<'a, T> { fn m(&self) {} }\n", [("S", "class"), ("S.m", "method")]),
        ("a.lua", "function M.f() end\nfunction M:g() end\n", [("M.f", "method"), ("M.g", "method")]),
        ("a.c", "struct s { int a; };\nint *f(struct s *q) { return 0; }\n", [("s", "class"), ("f", "function")]),
        (
            "a.cpp",
            "namespace n { class A : public B { int k() { return 1; } }; }\nvoid n::A::m() {}\n",
            [("n", "module"), ("n.A", "class"), ("n.A.k", "method"), ("n.A.m", "method")],
        ),
        (
            "a.rb",
            "module M\n class A < B\n  def m; end\n  def self.k; end\n end\nend\n",
            [("M", "module"), ("M.A", "class"), ("M.A.m", "method"), ("M.A.k", "method")],
        ),
        ("a.php", "<?php class A extends B { function m() {} }", [("A", "class"), ("A.m", "method")]),
        ("a.kt", "class A : B() { fun m() = 1 }\n", [("A", "class"), ("A.m", "method")]),
        ("a.cs", "class A : B { void M() {} }", [("A", "class"), ("A.M", "method")]),
        ("a.ex", "defmodule A do\n def m(x) do\n 1\n end\nend\n", [("A", "module"), ("A.m", "function")]),
        ("a.sh", "f() { echo; }\n", [("f", "function")]),
        (
            "a.hs",
            "module A where\ndata S = C Int\nclass Area a where\n  area :: a -> Int\nf :: Int -> Int\nf x = x\ng = 3\n",
            [("S", "class"), ("Area", "class"), ("f", "function"), ("g", "function")],
        ),
        (
            "a.ml",
            "let rec fact n = n * fact (n-1)\nmodule M = struct\n  let f x = x\n  type t = A | B\nend\nlet x = 3\n",
            [("fact", "function"), ("M", "module"), ("M.f", "function"), ("M.t", "class")],
        ),
        (
            "a.zig",
            "pub fn add(a: i32) i32 { return a; }\nconst P = struct {\n pub fn len(self: P) i32 { return 1; }\n};\n",
            [("add", "function"), ("P", "class"), ("P.len", "method")],
        ),
    ],
)
def test_definitions_of_a_language(path: str, source: str, expected: list[tuple[str, str]]) -> None:
    assert names(path, source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("exports.foo = function () {};\n", [("foo", "function")]),
        ("Foo.prototype.m = function () {};\n", [("Foo.m", "method")]),
        ("app.use = function use(fn) {};\nthis.get = () => 1;\n", [("app.use", "method"), ("get", "function")]),
        ("a[b()].k = function () {};\n", [("k", "function")]),
        ("req.get = req.header = function header(n) {};\n", [("req.get", "method"), ("req.header", "method")]),
        ("var F = exports.F = function () { this.x = () => 1; };\n", [("F", "function"), ("F.x", "function")]),
        ("module.exports = function named() {};\nmodule.exports = function () {};\n", [("named", "function")]),
        (
            "module.exports = { qux: function () {}, quux: () => 1 };\n",
            [("qux", "function"), ("quux", "function")],
        ),
        (
            "export default { data() {}, methods: { a: function () {} } };\n",
            [("data", "function"), ("a", "function")],
        ),
        ("let g = function* () {};\n", [("g", "function")]),
        ("class A { handle = () => {}; count = 1 }\n", [("A", "class"), ("A.handle", "method")]),
        ("get(url, { success: function () {} });\nf = 1;\nexports.g = () => 1;\n", [("g", "function")]),
    ],
)
def test_functions_have_the_names_that_they_are_assigned_to(source: str, expected: list[tuple[str, str]]) -> None:
    assert names("a.js", source) == expected
    assert names("a.ts", source) == expected


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("a.c", "typedef struct { jv_refcnt refcnt; } inv_t;\nenum { AA, BB };\n", [("inv_t", "class")]),
        ("a.cpp", "namespace { class A {}; }\nstruct { A a; } one;\n", [("A", "class")]),
        ("a.js", "export default class extends React.Component { render() {} }\n", [("render", "function")]),
        ("b.js", "const B = class extends Base {};\nn.C = class {};\n", [("B", "class"), ("n.C", "class")]),
        ("c.js", "const B = class Own extends Base {};\n", [("Own", "class")]),
        ("a.rs", "fn f(x: impl I<Item = u8>) {}\n", [("f", "function")]),
    ],
)
def test_what_has_no_name_takes_none_from_what_it_contains(
    path: str, source: str, expected: list[tuple[str, str]]
) -> None:
    assert names(path, source) == expected


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("a.ts", "export type Opts = { a: 1 };\n", [("Opts", "class")]),
        ("b.ts", "abstract class A { abstract m(): void; }\n", [("A", "class"), ("A.m", "method")]),
        ("c.ts", "interface I { m(a: 1): void; m(a: 2): void; p: 1 }\n", [("I", "class"), ("I.m", "method")]),
        ("d.ts", "class A { m(a: 1): void;\n // any\n m(a: any) {} }\n", [("A", "class"), ("A.m", "method")]),
        (
            "a.go",
            "package p\ntype A = B\ntype I interface { M() error }\n",
            [("A", "class"), ("I", "class"), ("I.M", "method")],
        ),
        ("a.rs", "trait T { fn req(&self); }\n", [("T", "class"), ("T.req", "method")]),
    ],
)
def test_types_by_another_name_and_functions_without_a_body(
    path: str, source: str, expected: list[tuple[str, str]]
) -> None:
    assert names(path, source) == expected


HEADER = "class Foo : public Bar {\n public:\n  int get() const { return 1; }\n};\n"


def test_a_header_is_read_as_the_language_that_it_is_written_in() -> None:
    assert names("a.h", HEADER) == [("Foo", "class"), ("Foo.get", "method")]
    assert syntax_errors("a.h", HEADER.encode()) == ()
    assert outline("a.h", HEADER.encode()).language == "c"
    plain = "struct class { int private : 1; };\nint namespace(int new) { return new; }\n"
    assert names("b.h", plain) == [("class", "class"), ("namespace", "function")]


def test_a_macro_before_the_name_of_a_class_hides_nothing() -> None:
    source = HEADER.replace("class", "class API_EXPORT")
    assert names("a.cpp", source) == [("Foo", "class"), ("Foo.get", "method")]
    assert syntax_errors("a.cpp", source.encode()) == ()


@pytest.mark.parametrize(
    ("path", "source", "start"),
    [
        ("a.ts", "class A {\n x = 1;\n @Get()\n // of the list\n @Use('b')\n m() {}\n}\n", 3),
        ("a.rs", "struct S;\n\n#[cfg(a)]\n/// Doc.\n#[inline]\nfn m() {}\n", 3),
    ],
)
def test_what_stands_above_a_definition_belongs_to_it(path: str, source: str, start: int) -> None:
    found = outline(path, source.encode()).find("m")
    assert [(item.start, item.header) for item in found] == [(start, 6)]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.rb", "class Req::Inner\nend\n"),
        ("a.rs", "impl T for req::Inner {}\n"),
    ],
)
def test_a_name_written_with_what_is_around_it_is_found_by_its_last(path: str, source: str) -> None:
    for wanted in ("Inner", "Req::Inner" if path == "a.rb" else "req::Inner"):
        assert [item.name for item in outline(path, source.encode()).find(wanted)] == ["Inner"]


@pytest.mark.parametrize(
    ("path", "source", "imported"),
    [
        ("a.js", 'import x from "./y";\nconst z = require("q/r");\n', {"./y", "q/r"}),
        ("A.java", "import a.b.C;\n", {"a.b.C"}),
        ("a.go", 'package p\nimport (\n"fmt"\n"a/b"\n)\n', {"fmt", "a/b"}),
        ("a.c", '#include "x/y.h"\n', {"x/y.h"}),
        ("a.rb", "require_relative 'lib/x'\n", {"./lib/x"}),
        ("a.php", "<?php\nuse A\\B;\n", {"A/B"}),
        ("a.hs", "module A where\nimport Data.List (sort)\n", {"Data.List"}),
        ("a.ml", "open Printf\n", {"Printf"}),
        ("a.zig", 'const std = @import("std");\n', {"std"}),
    ],
)
def test_imports_of_a_language(path: str, source: str, imported: set[str]) -> None:
    assert set(outline(path, source.encode()).imports) >= imported


@pytest.mark.parametrize("wanted", ["Outer.method", "method", "Outer::method", "Outer#method", "Outer.method()"])
def test_a_definition_is_found_by_any_way_of_writing_it(wanted: str) -> None:
    assert [item.qualified for item in outline("m.py", PYTHON.encode()).find(wanted)] == ["Outer.method"]


@pytest.mark.parametrize(
    ("line", "inside"),
    [(1, None), (19, "Outer.method"), (22, "Outer.method"), (27, "Outer.later"), (32, "after.inner"), (33, "after")],
)
def test_the_innermost_definition_encloses_a_line(line: int, inside: str | None) -> None:
    found: Definition | None = outline("m.py", PYTHON.encode()).enclosing(line)
    assert (found.qualified if found else None) == inside


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\0\1\2",
        b"\xff\xfe def x",
        b"def f(:\n  pass\nclass B\n",
        b"class A:\r\n    def m(self):\r\n        pass\r\n",
        b'"""open',
    ],
)
def test_broken_and_odd_sources_are_tolerated(source: bytes) -> None:
    for path in ("a.py", "a.js", "a.unknown", "Makefile"):
        result = outline(path, source)
        assert all(1 <= item.start <= item.end for item in result.definitions)


def test_a_broken_definition_does_not_hide_the_others() -> None:
    assert ("after", "function") in names("a.py", "def broken(:\n    pass\n\ndef after():\n    pass\n")
    assert ("after", "function") in names("a.js", "function broken() { let x = ; }\nfunction after() {}\n")


@pytest.mark.parametrize(
    ("path", "source", "line"),
    [
        ("a.py", "x = 1\ndef f(:\n    pass\n", 2),
        ("a.js", "let a = 1;\nlet b = ;\n", 2),
        ("a.go", "package p\nfunc f( {}\n", 2),
    ],
)
def test_syntax_errors_are_placed(path: str, source: str, line: int) -> None:
    assert [problem.line for problem in syntax_errors(path, source.encode())][:1] == [line]


@pytest.mark.parametrize(
    ("path", "source"),
    [("a.py", PYTHON), ("a.js", "const a = 1;\n"), ("notes.txt", "((("), ("a.pyx", "cdef int f(: x")],
)
def test_whole_sources_and_unknown_languages_have_no_syntax_errors(path: str, source: str) -> None:
    assert syntax_errors(path, source.encode()) == ()


BLOCKS = st.recursive(
    st.just("pass"),
    lambda inner: st.lists(
        st.tuples(st.sampled_from(["def f{}(a,\n  b):", "class C{}:", "@x\nasync def g{}():", "if a{}:"]), inner),
        min_size=1,
        max_size=3,
    ).map(
        lambda parts: "\n".join(
            f"{head.format(n)}\n{textwrap.indent(body, '    ')}\n" for n, (head, body) in enumerate(parts)
        )
    ),
    max_leaves=12,
)


@given(BLOCKS)
def test_the_scan_of_python_agrees_with_its_parser(source: str) -> None:
    expected = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            expected.add((node.name, start, node.end_lineno))
    assert {(item.name, item.start, item.end) for item in outline("a.py", source.encode()).definitions} == expected


@given(st.text(max_size=300), st.sampled_from(["a.py", "a.js", "a.rs", "a.php"]))
def test_no_text_breaks_the_outline(source: str, path: str) -> None:
    data = source.encode("utf-8", "surrogatepass")
    lines = max(1, data.count(b"\n") + 1)
    for item in outline(path, data).definitions:
        assert 1 <= item.start <= item.end <= lines
    syntax_errors(path, data)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.js", "[\n" * 200_000),
        ("a.go", "func f() {" * 50_000),
        ("A.java", "class A {\n" * 40_000 + "}" * 40_000),
        ("a.py", "from a import (\n" * 50_000),
    ],
)
def test_rubbish_comes_to_an_end(path: str, source: str) -> None:
    assert len(outline(path, source.encode()).definitions) <= 100
    assert len(syntax_errors(path, source.encode())) <= 20


def test_a_grammar_that_does_not_end_by_itself_is_ended() -> None:
    # In a process of its own: nothing could interrupt it here.
    program = "from sweagent.code import outline, syntax_errors; outline('a.pl', b'n#'); syntax_errors('a.pl', b'n#')"
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)
