"""Which files the imports of each language lead to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.code import open_index
from sweagent.code.index.package_names import package_folders

Commit = Callable[[dict[str, str | None]], str]
Files = dict[str, str | None]

RUST: Files = {
    "Cargo.toml": '[package]\nname = "the-crate"\n',
    "src/lib.rs": "",
    "src/a.rs": "",
    "src/b/mod.rs": "",
    "src/b/c.rs": "",
    "src/fmt.rs": "",
    "src/io.rs": "",
}
GO: Files = {
    "go.mod": "module github.com/x/y\n",
    "root.go": "package y\n",
    "store/db.go": "package store\n",
    "store/mem.go": "package store\n",
    "store/db_test.go": "package store\n",
    "errors.go": "package y\n",
    "http/path.go": "package http\n",
}
PHP: Files = {
    "composer.json": '{"autoload": {"psr-4": {"App\\\\": "src/", "App\\\\Test\\\\": ["t/"]}}}',
    "src/Baz/One.php": "<?php\n",
    "src/Baz/Two.php": "<?php\n",
    "t/Base.php": "<?php\n",
    "inc/fn.php": "<?php\n",
}


@pytest.mark.parametrize(
    ("importer", "source", "others", "imported"),
    [
        ("src/foo.ts", 'import {b} from "./bar.js";\n', {"src/index.ts": "", "src/bar.ts": ""}, ["src/bar.ts"]),
        ("src/foo.ts", 'import {b} from "./bar";\n', {"src/bar.js": "", "src/bar.ts": ""}, ["src/bar.ts"]),
        ("src/foo.ts", 'export * from "./none";\n', {"src/index.ts": ""}, []),
        ("test/a.js", "require('../');\n", {"index.js": ""}, ["index.js"]),
        ("test/a.js", "require('..');\n", {"index.js": ""}, ["index.js"]),
        ("src/q.ts", "import { utils } from 'lodash';\n", {"src/utils.ts": "", "src/lodash.py": ""}, []),
        ("src/q.ts", "import x from '@/ui/box';\n", {"src/ui/box.tsx": ""}, ["src/ui/box.tsx"]),
        (
            "packages/a/src/q.ts",
            "import { z } from '@scope/b';\nimport { y } from '@scope/b/deep';\n",
            {"packages/b/src/index.ts": "", "packages/b/src/deep.ts": ""},
            ["packages/b/src/index.ts", "packages/b/src/deep.ts"],
        ),
        (
            "lib/core/a.c",
            '#include "../util/u.h"\n#include "a.h"\n',
            {"lib/util/u.h": "", "lib/util/u.c": "", "lib/core/a.h": ""},
            ["lib/util/u.h", "lib/core/a.h"],
        ),
        ("src/a.c", "#include <u/u.h>\n", {"include/u/u.h": "", "include/u/u.c": ""}, ["include/u/u.h"]),
        ("lib/rack/utils.rb", "require_relative 'query'\n", {"lib/rack/query.rb": ""}, ["lib/rack/query.rb"]),
        ("lib/rack/utils.rb", "require 'rack/session'\n", {"lib/rack.rb": ""}, []),
        ("test/a.rb", "require 'rack'\n", {"lib/rack.rb": "", "rack.gemspec": ""}, ["lib/rack.rb"]),
        ("lib/rack.rb", "autoload :Lint, 'rack/lint'\n", {"lib/rack/lint.rb": ""}, ["lib/rack/lint.rb"]),
        ("main.go", 'import "github.com/x/y/store"\n', GO, ["store/db.go", "store/mem.go"]),
        ("store/own_test.go", 'import y "github.com/x/y"\n', GO, ["errors.go", "root.go"]),
        ("main.go", 'import (\n"errors"\n"path"\n"net/http"\nerrors "github.com/z/http"\n)\n', GO, []),
        ("src/main.rs", "use crate::b::c::Q;\nmod a;\n", RUST, ["src/b/c.rs", "src/a.rs"]),
        ("src/a.rs", "use super::b::{self, c::{D, E as F}};\n", RUST, ["src/b/mod.rs", "src/b/c.rs"]),
        ("src/b/d.rs", "use super::c::Q;\nuse super::super::a;\n", RUST, ["src/b/c.rs", "src/a.rs"]),
        ("src/b/d.rs", "mod tests {\n    use super::*;\n    use super::super::c::Q;\n}\n", RUST, ["src/b/c.rs"]),
        ("src/a.rs", "use std::{fmt, io};\n", RUST, []),
        ("tests/t.rs", "use the_crate::b::c::Q;\n", RUST, ["src/b/c.rs"]),
        (
            "src/Foo.php",
            "<?php\nuse App\\Baz\\{One, Two as T};\nuse App\\Test\\Base;\nrequire __DIR__ . '/../inc/fn.php';\n",
            PHP,
            ["src/Baz/One.php", "src/Baz/Two.php", "t/Base.php", "inc/fn.php"],
        ),
        (
            "src/a/A.scala",
            "import b.{C, D => E}\n",
            {"src/b/C.scala": "", "src/b/D.scala": ""},
            ["src/b/C.scala", "src/b/D.scala"],
        ),
        ("src/main/java/a/A.java", "import a.List.of;\n", {"a/List.py": "", "src/a.java": ""}, []),
        ("src/a/A.kt", "import a.b.C as Other\n", {"src/a/b/C.kt": "", "src/Other.kt": ""}, ["src/a/b/C.kt"]),
    ],
)
def test_an_import_leads_to_what_its_language_means(
    importer: str, source: str, others: Files, imported: list[str], commit: Commit, git_dir: Path, tmp_path: Path
) -> None:
    index = open_index(git_dir, commit({**others, importer: source}), tmp_path / "cache")
    assert sorted(index.graph.imported(importer)) == sorted(imported)


def test_the_same_include_means_another_file_in_another_folder(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    include = '#include "b.hpp"\n'
    files: Files = {"lib/x/a.cc": include, "lib/x/b.hpp": "\n", "lib/y/a.cc": include, "lib/y/b.hpp": "\n"}
    index = open_index(git_dir, commit(files), tmp_path / "cache")
    assert index.importers("lib/x/b.hpp") == ("lib/x/a.cc",)
    assert index.importers("lib/y/b.hpp") == ("lib/y/a.cc",)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("Cargo.toml", b"[package\n"),
        ("Cargo.toml", b'package = "x"\n'),
        ("Cargo.toml", b"[package]\nname = 3\n"),
        ("composer.json", b"[" * 100_000),
        ("composer.json", b'{"autoload": {"psr-4": {"A": [1]}}}'),
        ("composer.json", b'{"autoload": []}'),
        ("go.mod", b"\xff\n"),
        ("cargo.mod", b"module x\n"),
    ],
)
def test_a_manifest_that_cannot_be_read_names_no_package(path: str, content: bytes) -> None:
    assert package_folders({path: content}) == {}


def test_packages_are_known_by_the_names_that_imports_begin_with() -> None:
    manifests = {
        "go.mod": b'module "github.com/x/y" // ours\n',
        "crates/a-b/Cargo.toml": b'[package]\nname = "a-b"\n[lib]\nname = "ab"\n',
        "php/composer.json": b'{"autoload": {"psr-4": {"A\\\\": ["src/", "lib"]}, "psr-0": {"B\\\\C": "old"}}}',
    }
    assert package_folders(manifests) == {
        "github.com/x/y": ("",),
        "a_b": ("crates/a-b",),
        "ab": ("crates/a-b",),
        "A": ("php/src", "php/lib"),
        "B/C": ("php/old/B/C",),
    }
