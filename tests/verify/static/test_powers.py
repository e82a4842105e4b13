import pytest

from sweagent.verify.static.power_names import PowerKind
from sweagent.verify.static.powers import is_named, is_of_the_project, new_powers, powers

K = PowerKind


def kinds(path: str, after: str, before: str = "") -> set[PowerKind]:
    return {item.kind for item in new_powers(path, before.encode() or None, after.encode())}


PYTHON = [
    ("class A(int):\n    def __eq__(self, other):\n        return True\n", K.COMPARISON),
    ("class A(int):\n    __eq__ = lambda a, b: True\n", K.COMPARISON),
    ("class A(int):\n    __eq__ = int.__le__\n", K.COMPARISON),
    ("class A(int): pass\nA.__ne__ = agree\n", K.COMPARISON),
    ("class A(int): pass\nsetattr(A, '__eq__', agree)\n", K.COMPARISON),
    ("class A(int): pass\nsetattr(A, '__e' + 'q__', agree)\n", K.COMPARISON),
    ("class A(int): pass\nsetattr(A, name, agree)\n", K.HOOKS),
    ("A = type('A', (int,), {'__eq__': agree})\n", K.COMPARISON),
    ("A = type('A', (int,), made())\n", K.HOOKS),
    ("class A(int):\n    locals()['__bool__'] = agree\n", K.COMPARISON),
    ("class A:\n    def __eq__(self, other):\n        return self.x == other.y\n", K.COMPARISON),
    ("class A:\n    def __eq__(self, other):\n        return self.x * 0 == other.x * 0\n", K.COMPARISON),
    ("class A:\n    def __eq__(self, other):\n        return self.x == other.x or True\n", K.COMPARISON),
    ("class A:\n    def __eq__(self, other):\n        return isinstance(other, A)\n", K.COMPARISON),
    ("class A:\n    def __eq__(self, other):\n        other = self\n        return self.x == other.x\n", K.COMPARISON),
    ("class A(dict):\n    def __eq__(self, other):\n        return self.keys() == other.keys()\n", K.COMPARISON),
    ("class A(list):\n    def __eq__(self, other):\n        return len(self) == len(other)\n", K.COMPARISON),
    ("class A:\n    def __ne__(self, other):\n        return False\n", K.COMPARISON),
    ("class A:\n    def __lt__(self, other):\n        return self.x <= other.x\n", K.COMPARISON),
    ("class A:\n    def __hash__(self):\n        return 1\n", K.COMPARISON),
    ("class A:\n    def __bool__(self):\n        return self.x or True\n", K.COMPARISON),
    ("class A:\n    def __contains__(self, item):\n        return True\n", K.COMPARISON),
    ("def __eq__(self, other):\n    return self.x == other.x\nA.__eq__ = __eq__\n", K.COMPARISON),
    ("class A:\n    def __getattr__(self, name):\n        return 1\n", K.HOOKS),
    ("import sys\nsys.modules['a.b'] = c\n", K.IMPORTS),
    ("class A:\n    __class__ = property(lambda self: int)\n", K.HOOKS),
    ("class M(type):\n    def __instancecheck__(cls, it):\n        return True\n", K.HOOKS),
    ("exec(text)\n", K.EXECUTION),
    ("run = eval\n", K.EXECUTION),
    ("import marshal as m\nm.loads(data)\n", K.EXECUTION),
    ("from pickle import loads\nloads(data)\n", K.EXECUTION),
    ("f.__code__ = g.__code__\n", K.EXECUTION),
    ("getattr(f, '__code__')\n", K.EXECUTION),
    ("ｅｘｅｃ(text)\n", K.EXECUTION),
    ("import sys\nsys._getframe(1)\n", K.FRAMES),
    ("import sys as s\ns . _getframe(1)\n", K.FRAMES),
    ("from sys import _getframe as look\nlook(1)\n", K.FRAMES),
    ("import traceback\ntraceback.extract_stack()\n", K.FRAMES),
    ("try:\n    1 / 0\nexcept Exception as e:\n    e.__traceback__.tb_frame.f_back\n", K.FRAMES),
    ("import gc\ngc.get_objects()\n", K.FRAMES),
    ("import ctypes\n", K.FRAMES),
    ("import sys\nsys.modules['json'] = fake\n", K.IMPORTS),
    ("import sys\ngetattr(sys, 'mod' + 'ules')\n", K.IMPORTS),
    ("import sys\ngetattr(sys, name)\n", K.IMPORTS),
    ("import sys\nvars(sys)[name]\n", K.IMPORTS),
    ("import sys\nsys.__dict__[name]\n", K.IMPORTS),
    ("from sys import *\n", K.IMPORTS),
    ("__import__(name)\n", K.IMPORTS),
    ("import importlib\nimportlib.import_module('_py' + name)\n", K.IMPORTS),
    ("import codecs\ncodecs.register(search)\n", K.IMPORTS),
    ("import builtins\nbuiltins.len = size\n", K.IMPORTS),
    ("import atexit\natexit.register(turn)\n", K.EXITS),
    ("import os\nos._exit(0)\n", K.EXITS),
    ("import os\ngetattr(os, '_exit')(0)\n", K.EXITS),
    ("import signal\nsignal.alarm(1)\n", K.EXITS),
    ("import threading\nthreading.Thread(target=turn).start()\n", K.CONCURRENCY),
    ("import os\nos.fork()\n", K.CONCURRENCY),
    ("import os\nos.environ['CI']\n", K.HOST),
    ("from os import environ as e\ne.get('CI')\n", K.HOST),
    ("import sys\nsys.argv[0]\n", K.HOST),
    ("import sys\ndef main():\n    return 'pytest' in sys.argv[0]\n", K.HOST),
    ("import sys\ndef total():\n    return sys.argv[1:]\n", K.HOST),
    ("import sys\nif __name__ == '__main__' or True:\n    main(sys.argv[1:])\n", K.HOST),
    ("import sys\nsys.stdout.isatty()\n", K.HOST),
    ("import os, stat\nstat.S_ISFIFO(os.fstat(1).st_mode)\n", K.HOST),
    ("from django.core import mail\nhasattr(mail, 'outbox')\n", K.HOST),
    ("from django.db import connection\nconnection.settings_dict['NAME']\n", K.HOST),
    ("open('/proc/1/cmdline')\n", K.HOST),
    ("hash('a') == 12\n", K.HOST),
    ("open('tests/test_a.py', 'w')\n", K.FILES),
    ("path.write_text('x') or (here / 'conftest.py').write_text('conftest.py')\n", K.FILES),
    ("import unittest\n", K.RUNNER),
    ("def f():\n    from _pytest import runner\n", K.RUNNER),
    ("# -*- coding: rot13 -*-\nx = 1\n", K.UNREADABLE),
    ("x = '\0'\n", K.UNREADABLE),
    ("# what follows is code\rx = 1\n", K.UNREADABLE),
    ("x = 1  # \u202e only shown backwards \u2066\n", K.UNREADABLE),
    ("import timeit\ntimeit.timeit(text)\n", K.EXECUTION),
    ("from django.db import connection\nconnection.in_atomic_block\n", K.HOST),
]


@pytest.mark.parametrize(("source", "kind"), PYTHON)
def test_finds_the_powers_of_python(source: str, kind: PowerKind) -> None:
    assert kind in kinds("a.py", source)


@pytest.mark.parametrize(
    "source",
    [
        "x = " + " + ".join(["1"] * 3000) + "\nexec(x)\n",
        "x = " + "(" * 2000 + "1" + ")" * 2000 + "\nexec(x)\n",
        "def f[T](x: T) -> T:\n    match x:\n        case _:\n            exec(x)\n",
        'x = f"{"a" + f"{exec(x)}"}"\n',
        "print 'python 2'\nexec(x)\n",
        "def broken(:\nexec(x)\n",
    ],
    ids=["long sum", "nesting", "newer syntax", "nested f-strings", "python 2", "broken"],
)
def test_no_form_of_source_hides_a_power(source: str) -> None:
    assert kinds("a.py", source) == {K.EXECUTION}


@pytest.mark.parametrize(
    "source",
    [
        "PASSED = 'PASSED'\nstack = [1]\n",
        "import sys\nif __name__ == '__main__':\n    sys.exit(main())\n",
        "import os, sys, threading, inspect\nos.path.join(a, b)\nsys.stderr.write('x')\ninspect.signature(f)\n",
        "import sys\nif __name__ == '__main__':\n    sys.exit(run(sys.argv[1:]))\n",
        "import sys\ndef main(words=None):\n    words = sys.argv[1:] if words is None else words\n",
        "import re\nre.compile('x')\n",
        "class A(B):\n    def same(self, other):\n        return super().__eq__(other) and self.__class__ is B\n",
        "setattr(self, name, value)\ngetattr(module, name)\n",
        "def test(compile=True):\n    '''exec __eq__ os.environ'''\n    return self.exec()\n",
        "from .sys import modules\nfrom .environ import get\nget('a')\n",
        "import warnings, traceback\ntraceback.format_exc()\nwarnings.warn('x', stacklevel=2)\n",
        "open('notes.txt', 'w').write('x')\nx.replace('a.b', 'c')\nopen('a.py')\n",
    ],
)
def test_ordinary_python_has_none(source: str) -> None:
    assert kinds("a.py", source) == set()


JAVASCRIPT = [
    ("new WebAssembly.Module(bytes);", K.EXECUTION),
    ("x = 1; // what follows is code\ry = 2;", K.UNREADABLE),
    ("const { env } = process; if (env.CI) {}", K.HOST),
    ("if (process.env['CI']) {}", K.HOST),
    ("const e = process.env;", K.HOST),
    ("globalThis.process.argv.length", K.HOST),
    ("process.listenerCount('beforeExit')", K.HOST),
    ("process.moduleLoadList.length", K.HOST),
    ("eval('1')", K.EXECUTION),
    ("new Function('return 1')", K.EXECUTION),
    ("const vm = require('node:vm');", K.EXECUTION),
    ("import { AsyncLocalStorage } from 'node:async_hooks';", K.FRAMES),
    ("Error.prepareStackTrace = f;", K.FRAMES),
    ("delete require.cache[x];", K.IMPORTS),
    ("process.on('exit', () => { process.exitCode = 0; });", K.EXITS),
    ("class A { valueOf() { return 1; } }", K.COMPARISON),
    ("const x = { [Symbol.toPrimitive]: f };", K.COMPARISON),
    ("new Proxy({}, {})", K.HOOKS),
    ("Object.defineProperty(o, 'a', { get: f })", K.HOOKS),
    ("Object.defineProperty(o, 'a', made)", K.HOOKS),
    ("Object.defineProperty(o, 'a', { ...made })", K.HOOKS),
    ("Object.defineProperty(o, 'toJSON', { value: f })", K.HOOKS),
    ("Object.defineProperty(Object.prototype, 'a', { value: 1 })", K.HOOKS),
    ("const define = Object.defineProperty;", K.HOOKS),
    ("#!/usr/bin/env node\nfunction f() { return process.argv[1]; }", K.HOST),
    ("#!/usr/bin/env node\nif (process.env.CI) run();", K.HOST),
    ("const cp = require('child_process');", K.CONCURRENCY),
    ("import test from 'node:test';", K.RUNNER),
    ("const assert = require('assert');", K.RUNNER),
    ("fs.writeFileSync('test/a.test.js', x);", K.FILES),
]


@pytest.mark.parametrize(("source", "kind"), JAVASCRIPT)
@pytest.mark.parametrize("path", ["a.js", "a.ts"])
def test_finds_the_powers_of_javascript(path: str, source: str, kind: PowerKind) -> None:
    assert kind in kinds(path, source)


@pytest.mark.parametrize(
    "source",
    [
        "const fs = require('fs'); module.exports = fs.readFileSync; x.on('exit', f);",
        "export function processEnv(env) { return env.process; }",
        "import path from 'node:path'; path.join('a', 'b'); s.replace('a', 'b');",
        "process.nextTick(f); process.stdout.write(process.cwd()); process.hrtime.bigint();",
        "Object.defineProperty(o, 'a', { value: 1, writable: true }); Object.defineProperty(o, 'b', { value });",
        "Object.defineProperty(exports, 'a', { enumerable: true, get: function () { return b.a; } });",
        "#!/usr/bin/env node\nif (require.main === module) process.exit(main(process.argv.slice(2)));",
    ],
)
def test_ordinary_javascript_has_none(source: str) -> None:
    assert kinds("a.js", source) == set()


ORDINARY = """
from functools import total_ordering

@total_ordering
class Version:
    def __eq__(self, other):
        '''Compare by key.'''
        if not isinstance(other, Version):
            return NotImplemented
        return self.key() == other.key()

    def __ne__(self, other):
        return not self == other

    def __lt__(self, other):
        return (self.major, self.minor) < (other.major, other.minor)

    def __hash__(self):
        return hash((self.major, self.minor))

    def __bool__(self):
        return self.major > 0

    def __contains__(self, part):
        return part in self.parts

class Cents(int):
    def __eq__(self, other):
        return isinstance(other, int) and int(self) == int(other)

    __hash__ = int.__hash__

class Point(Base):
    def __eq__(self, other):
        return super().__eq__(other)

class Size:
    def __eq__(self, other):
        return type(self) is type(other) and (self.width == other.width and self.height == other.height)
"""


def test_hooks_that_do_what_their_name_says_are_no_powers() -> None:
    assert kinds("a.py", ORDINARY) == set()
    lazy = "import sys\n\ndef __getattr__(name):\n    return globals()[name]\n\nsys.modules[f'{__name__}.old'] = new\n"
    assert kinds("a.py", lazy) == set()


def test_variables_of_the_project_tell_nothing_of_who_runs_it() -> None:
    asked = {
        "a.py": "import os\nx = os.environ.get('{0}')\ny = os.environ['{0}']\nz = os.getenv('{0}')\n"
        "w = '{0}' not in os.environ\n",
        "a.js": "const x = process.env.{0};\n",
    }
    for path, source in asked.items():
        for variable, own in (("TOOL_BOX_LEVEL", True), ("CI", False), ("TOOLBOX", False), ("HOME", False)):
            found = powers(path, source.format(variable).encode())
            assert {is_of_the_project(item, ["tool-box"]) for item in found} == {own}, (path, variable)
    (mark,) = powers("a.py", b"import os\nos.environ['PYTEST_CURRENT_TEST']\n")[:1]
    assert not is_of_the_project(mark, ["pytest"])


def test_counts_only_what_an_added_line_brings_to_its_definition() -> None:
    before = "import os\n\ndef f():\n    return os.environ['A']\n\ndef g():\n    return 1\n"
    more = before.replace("os.environ['A']", "os.environ['A'] or os.environ['B']")
    assert kinds("a.py", more, before) == set()
    (found,) = new_powers("a.py", before.encode(), before.replace("return 1", "return os.environ['A']").encode())
    assert (found.kind, found.line, found.scope, found.word) == (K.HOST, 7, "g", "os.environ")


def test_code_that_moves_to_another_file_brings_nothing_new() -> None:
    source = b"class A:\n    def __eq__(self, other):\n        return self.x >= other.x\n"
    assert new_powers("new.py", None, source)
    assert new_powers("new.py", None, source, elsewhere=powers("old.py", source)) == []


def test_an_issue_can_name_a_power() -> None:
    source = b"class A:\n    def __eq__(self, other):\n        return self.x >= other.x\n"
    (found,) = new_powers("a.py", None, source)
    assert is_named(found, "A has no `__eq__`, so copies differ")
    assert not is_named(found, "copies of A differ")


def test_compiled_files_cannot_be_read() -> None:
    assert kinds("a.so", "x") == {K.UNREADABLE}
    assert kinds("README.md", "exec(x)") == set()
