"""A reproduction whose assertions are replaced by probes."""

import io
import secrets
import tokenize
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from sweagent.testing.file_kinds import is_test_module
from sweagent.verify.blind.plain_program import PlainProgram, program_of
from sweagent.verify.blind.rewrite import Site, blinded
from sweagent.verify.reproduction.another_house import elsewhere
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.command_result import FOLDER
from sweagent.verify.runs.script_driver import source_of

_HEADER = "import sys; sys.path.insert(0, {folder!r}); import {probe}; del sys.path[0]"


@dataclass
class Rewritten:
    """The files of a reproduction, rewritten.

    Attributes:
        sites: its assertions, in all files.
        files_of: for each of them, the number of its file.
        tables: values that the judge keeps, each table with the number of its file.
        imports: what the names of each file stand for.
        sources: the rewritten files, by path.
        program: the same without a runner.
        apart: where that is put.
        probe: the name of the module that probes call.
    """

    sites: list[Site] = field(default_factory=list)
    files_of: list[int] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)
    imports: list[dict[str, str]] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    program: PlainProgram = field(default_factory=PlainProgram)
    apart: str = ""
    probe: str = field(default_factory=lambda: f"_{secrets.token_hex(4)}")

    @classmethod
    def of(cls, candidate: ReproductionCandidate, content_of: Callable[[str], bytes]) -> "Rewritten":
        """Rewrite the files of a reproduction.

        Args:
            candidate: the reproduction.
            content_of: gives a file of the base tree.

        Raises:
            SyntaxError, ValueError, RecursionError: one of them cannot be read.
        """
        whole = cls()
        header = _HEADER.format(folder=FOLDER, probe=whole.probe)
        for path in _files(candidate):
            content = source_of(candidate.files.get(path) or content_of(path))
            text = _decoded(content)
            made = blinded(
                text,
                whole.probe,
                header=header,
                script=candidate.runner is None,
                first=len(whole.sites),
                table=len(whole.tables),
            )
            whole.sources[path] = made.source
            whole.files_of += [len(whole.imports)] * len(made.sites)
            whole.tables += [{"rows": rows, "file": len(whole.imports)} for rows in made.tables]
            whole.sites += made.sites
            whole.imports.append(made.imports)
        whole.apart = elsewhere(next(iter(whole.sources), ""))
        whole.program = program_of(candidate, whole.sources, content_of)
        return whole


def _files(candidate: ReproductionCandidate) -> list[str]:
    named = [name.split("::")[0] for name in (candidate.path, *candidate.wanted, *candidate.name.split(", "))]
    paths = [*named, *(path for path in candidate.files if is_test_module(path))]
    return [path for path in dict.fromkeys(paths) if PurePosixPath(path).suffix == ".py"]


def _decoded(content: bytes) -> str:
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    return content.decode(encoding)
