"""Tracebacks as the languages print them."""

import pytest

from sweagent.code.localise.issue_text import read_question
from sweagent.code.localise.traces import Frame, frames_of, undecorated, without_frames

PYTHON = """
Traceback (most recent call last):
  File "/lib/app/main.py", line 3, in main
    run()
  File "C:\\app\\core.py", line 12, in run
"""
IPYTHON = """
KeyError                                  Traceback (most recent call last)
~/x/site-packages/shop/cart.py in add_item(self, item)
---> 17         stock.reserve(item)
C:\\Program Files\\shop\\stock.py in reserve(item)
"""
IPYTHON_8 = """
Cell In[1], line 1
File ~/my project/shop/__init__.py:4
      1 import x
File ~/x/site-packages/pydantic/main.py:341, in BaseModel.__init__(__pydantic_self__, **data)
--> 341     raise validation_error
File [~/x/main.py:263](http://localhost:8888/lab/x/main.py#line=262), in <listcomp>(.0)
File C:\\shop\\main.py:9, in run()
"""
RICH = """
╭─────────────────── Traceback (most recent call last) ────────────────────╮
│ /x/hatch/cli/__init__.py:221 in main                                     │
│                                                                          │
│ ❱ 221 │   │   hatch(prog_name='hatch', windows_expand_args=False)         │
│   222 │   except Exception:                                              │
│ C:\\x\\click\\core.py:1157 in __call__                                    │
│ /Users/ann/.local/pipx/venvs/hatch/lib/python3.11/site-packages/h.py:205 │
│ in <module>                                                              │
│ /Users/ann/.local/pipx/venvs/hatch/lib/python3.11/site-packages/x.py:5 in │
│ run                                                                      │
╰──────────────────────────────────────────────────────────────────────────╯
"""
NODE = """
TypeError: Cannot read properties of undefined (reading 'subs')
    at emit (node_modules/rxjs/src/bufferTime.ts:104:24)
    at async Action.work [as run] (file:///srv/AsyncAction.ts:31:10)
    at /srv/index.js:3:1
"""
JAVA = """
java.lang.NullPointerException: x
\tat org.apache.text.Names$Inner.join(Names.java:123)
\tat java.base/java.lang.Thread.run(Thread.java:829)
"""
GO = """
goroutine 1 [running]:
github.com/gin-gonic/gin.(*node).insertChild(0xc0000b2000, {0x12a, 0x5})
\t/go/pkg/mod/github.com/gin-gonic/gin@v1.8.1/tree.go:312 +0x8e5
main.main.func1()
\t/srv/main.go:5 +0x1
"""
RUST = """
thread 'main' panicked at 'attempt to subtract with overflow', src/output/help.rs:512:31
   3: clap::output::help::Help<T>::write_help
             at ./src/output/help.rs:99:5
"""
RUBY = """
lib/rack/parser.rb:109:in `normalize': expected Hash
\tfrom lib/rack/utils.rb:80:in `block in parse'
\tfrom lib/rack/utils.rb:81:in 'Rack::Utils.nested'
"""
PHP = "#0 /var/www/src/Bar.php(123): App\\Foo\\Bar->baz('x')\n#1 {main}\n"
CSHARP = "   at Foo.Bar.Baz(String x) in C:\\src\\Bar.cs:line 12\n"
GDB = "#0  0x00007 in jv_parse (x=1) at src/jv_parse.c:123\n#1  main (argc=1) at main.c:3\n"
ASSERTION = (
    "jq: src/jv.c:1111: jv_implode: Assertion `x' failed.\nt: a/b.cc:7: void n::C::run(int): Assertion `y' failed.\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PYTHON, [("/lib/app/main.py", 3, "main"), ("C:/app/core.py", 12, "run")]),
        (
            IPYTHON,
            [("~/x/site-packages/shop/cart.py", 0, "add_item"), ("C:/Program Files/shop/stock.py", 0, "reserve")],
        ),
        (
            IPYTHON_8,
            [
                ("~/my project/shop/__init__.py", 4, ""),
                ("~/x/site-packages/pydantic/main.py", 341, "__init__"),
                ("~/x/main.py", 263, "<listcomp>"),
                ("C:/shop/main.py", 9, "run"),
            ],
        ),
        (
            undecorated(RICH),
            [
                ("/x/hatch/cli/__init__.py", 221, "main"),
                ("C:/x/click/core.py", 1157, "__call__"),
                ("/Users/ann/.local/pipx/venvs/hatch/lib/python3.11/site-packages/h.py", 205, "<module>"),
                ("/Users/ann/.local/pipx/venvs/hatch/lib/python3.11/site-packages/x.py", 5, "run"),
            ],
        ),
        (
            NODE,
            [
                ("/srv/index.js", 3, ""),
                ("file:///srv/AsyncAction.ts", 31, "work"),
                ("node_modules/rxjs/src/bufferTime.ts", 104, "emit"),
            ],
        ),
        (JAVA, [("java/lang/Thread.java", 829, "run"), ("org/apache/text/Names.java", 123, "join")]),
        (
            GO,
            [
                ("/srv/main.go", 5, "main"),
                ("/go/pkg/mod/github.com/gin-gonic/gin@v1.8.1/tree.go", 312, "insertChild"),
            ],
        ),
        (RUST, [("src/output/help.rs", 512, ""), ("./src/output/help.rs", 99, "write_help")]),
        (
            RUBY,
            [
                ("lib/rack/utils.rb", 81, "nested"),
                ("lib/rack/utils.rb", 80, "parse"),
                ("lib/rack/parser.rb", 109, "normalize"),
            ],
        ),
        (PHP, [("/var/www/src/Bar.php", 123, "baz")]),
        (CSHARP, [("C:/src/Bar.cs", 12, "Baz")]),
        (GDB, [("main.c", 3, "main"), ("src/jv_parse.c", 123, "jv_parse")]),
        (ASSERTION, [("a/b.cc", 7, "run"), ("src/jv.c", 1111, "jv_implode")]),
        ("It fails at once (see main.py), ratio 3:4.", []),
    ],
)
def test_the_outermost_frame_comes_first(text: str, expected: list[tuple[str, int, str]]) -> None:
    assert list(frames_of(text)) == [Frame(*item) for item in expected]


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("PHP Fatal error:  Uncaught TypeError: x in /w/Foo.php:12", ("/w/Foo.php", 12, "")),
        ("  thrown in /w/Foo.php on line 99", ("/w/Foo.php", 99, "")),
        ("#1 /w/Bar.php(13): {closure}(1)", ("/w/Bar.php", 13, "")),
        ("#1 /w/Bar.php(13): A\\B->A\\{closure}(1)", ("/w/Bar.php", 13, "")),
        ("#1 /w/Bar.php(13): A\\helper(1)", ("/w/Bar.php", 13, "helper")),
        ("   at A.Baz[T](String x) in C:\\Bar.cs:line 12", ("C:/Bar.cs", 12, "Baz")),
        ("   at A.Iterator`1.Next() in /s/Bar.cs:line 12", ("/s/Bar.cs", 12, "Next")),
        ("   at A.<BazAsync>d__12.MoveNext() in /s/Bar.cs:line 12", ("/s/Bar.cs", 12, "BazAsync")),
        ("   at A.<>c.<Baz>b__1_0(Int32 x) in /s/Bar.cs:line 12", ("/s/Bar.cs", 12, "Baz")),
        ("   3: diss::run::h1b92aa01cd34ef56\n             at ./src/lib.rs:99:5", ("./src/lib.rs", 99, "run")),
        ("   3: diss::run::{{closure}}::h1b92aa01cd34ef56\n             at /s/lib.rs:9:5", ("/s/lib.rs", 9, "run")),
        ("    at a.B.invoke (B.kt:149)", ("a/B.kt", 149, "invoke")),
        ("\tat app//com.foo.Qux.go(Qux.kt:3)", ("com/foo/Qux.kt", 3, "go")),
        ("    at f (/my proj/x.js:3:1)", ("/my proj/x.js", 3, "f")),
        ("    at setup (src/Foo.vue?ab=1:3:1)", ("src/Foo.vue", 3, "setup")),
        ("    at async file:///srv/x.mjs:3:1", ("file:///srv/x.mjs", 3, "")),
        ("    at new Cart (x.js:3:1)", ("x.js", 3, "Cart")),
        ("add@http://localhost:80/src/x.js?t=1:1:2", ("http://localhost:80/src/x.js", 1, "add")),
        ("@/srv/x.js:1:2", ("/srv/x.js", 1, "")),
        ("src/a.ts(12,5): error TS2345: Argument", ("src/a.ts", 12, "")),
        ("lib/a.rb:3:in `<class:Foo>'", ("lib/a.rb", 3, "Foo")),
        ("lib/a.rb:3:in `block in <top (required)>'", ("lib/a.rb", 3, "")),
        ("    (phoenix 1.5) lib/x.ex:1: M.f/2", ("lib/x.ex", 1, "f")),
        ("    lib/x.ex:1: anonymous fn/1 in M.N.f!/2", ("lib/x.ex", 1, "f!")),
    ],
)
def test_a_frame_of_another_language_is_read(text: str, frame: tuple[str, int, str]) -> None:
    assert frames_of(f"It fails:\n{text}\nwords") == (Frame(*frame),)
    assert frames_of(without_frames(f"It fails:\n{text}\nwords")) == ()


def test_the_frames_of_the_root_cause_are_the_deepest() -> None:
    thrown = "E: x\n\tat a.A.f(A.java:1)\n\tat a.A.g(A.java:2)\n"
    text = f"{thrown}Caused by: F: y\n\tat b.B.h(B.java:3)\n\tat b.B.i(B.java:4)\n"
    assert [frame.function for frame in frames_of(text)] == ["g", "f", "i", "h"]


def test_where_php_threw_is_the_deepest() -> None:
    trace = "Stack trace:\n#0 /w/B.php(2): A->f()\n#1 {main}\n"
    text = f"PHP Fatal error: x in /w/A.php:1\n{trace}  thrown in /w/A.php on line 1"
    assert [frame.path for frame in frames_of(text)] == ["/w/B.php", "/w/A.php", "/w/A.php"]


@pytest.mark.parametrize(
    "text", [PYTHON, IPYTHON, IPYTHON_8, undecorated(RICH), NODE, JAVA, GO, RUST, RUBY, PHP, CSHARP, GDB, ASSERTION]
)
def test_what_is_left_names_no_place(text: str) -> None:
    left = without_frames(text)
    assert frames_of(left) == ()
    assert "most recent call last" not in left


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[1;31mValueError\x1b[0m: odd\x1b[K", "ValueError: odd"),
        ("│ ❱ 221 │   │   hatch(1)   │", "221         hatch(1)"),
        ("│   └── baz.py\n|a|b|", "│   └── baz.py\n|a|b|"),
    ],
)
def test_colours_and_boxes_are_taken_away(text: str, expected: str) -> None:
    assert undecorated(text) == expected


@pytest.mark.parametrize("piece", ["a", "a.", "a/", "1: a", "#1 a.", "at a.", "\tat a(", "a(\n", "\n", "x.rb:"])
def test_a_frame_is_found_after_a_long_text(piece: str) -> None:
    assert Frame("/lib/app/main.py", 3, "main") in frames_of(piece * 15_000 + PYTHON)


def test_a_number_of_thousands_of_digits_is_no_fault() -> None:
    nines = "9" * 5000
    text = f'x\n\nFile "cart.py", line {nines}\n\nhttps://forge.example/o/r/blob/main/cart.py#L{nines}\n'
    assert {frame.path for frame in read_question(text).frames} == {"cart.py"}
