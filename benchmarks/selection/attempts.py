"""What attempts at an instance could have come to: patches, right and wrong, and reproductions, weak and wrong."""

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

sys.path.append(str(Path(__file__).parents[1]))

from pool_instances import Instance
from pool_variants import Variant, diff, variants

from sweagent.testing import command_for, runner_of
from sweagent.testing.file_kinds import harness_file, is_test_module
from sweagent.trajectory import Reproduction
from sweagent.verify.runs.targets import target_of
from sweagent.verify.trees import open_trees

KINDS = ("gold", "comment", "part", "mutant", "regression")
_TRIED = 2
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def candidates(instance: Instance) -> Iterator[Variant]:
    """Gold, the same in other words, three mutants, a part, a special case, a comment, and a regression elsewhere."""
    for variant in variants(instance.task.repository, instance.gold, instance.test_command):
        if variant.kind in KINDS:
            yield variant
    with open_trees(instance.task.repository) as trees:
        fixed = trees.apply(instance.gold)
        changed = [change.path for change in trees.changes(trees.base, fixed)]
        sources = [path for path in changed if path.endswith(".py") and not harness_file(path)]
        before, after = (
            {path: data.decode() for path, data in trees.read_many(tree, sources).items()}
            for tree in (trees.base, fixed)
        )
    if not after:
        return
    words = {path: f"{text.rstrip()}\n\n# Mended.\n" for path, text in after.items()}
    yield Variant("gold in other words", "gold", diff(before, words))
    special = {
        path: text
        for path in after
        if path in before and (text := special_case(before[path], after[path], _literals(instance)))
    }
    if special:
        yield Variant("special case", "special", diff(before, {**after, **special}))


def special_case(before: str, after: str, literals: frozenset[str]) -> str:
    """The new version of a module whose changed functions do what they did, but for arguments that hold a literal.

    Args:
        before: the module.
        after: the module with the fix.
        literals: those of the visible tests.

    Returns:
        Empty where no plain function is changed, or the tests hold no literal that tells anything.
    """
    old, new = (dict(_functions(ast.parse(text))) for text in (before, after))
    changed = [name for name in new if name in old and ast.dump(new[name]) != ast.dump(old[name])]
    plain = [name for name in changed if not new[name].decorator_list and isinstance(new[name], ast.FunctionDef)]
    if not plain or not literals:
        return ""
    lines = after.splitlines(keepends=True)
    for name in sorted(plain, key=lambda name: -new[name].lineno):
        node, other = new[name], old[name]
        pad = " " * node.col_offset
        bare = node.name
        first = "self, " if "." in name else ""
        call = "self." if "." in name else ""
        head = lines[node.lineno - 1].replace(f"def {bare}(", f"def {bare}_new(", 1)
        shown = [head, *lines[node.lineno : node.end_lineno]]
        kept = before.splitlines(keepends=True)[other.lineno - 1 : other.end_lineno]
        kept = [kept[0].replace(f"def {bare}(", f"def {bare}_old(", 1), *kept[1:]]
        chooser = [
            f"{pad}def {bare}({first}*args, **kwargs):\n",
            f"{pad}    known = any(word in repr((args, kwargs)) for word in {sorted(literals)!r})\n",
            f"{pad}    return ({call}{bare}_new if known else {call}{bare}_old)(*args, **kwargs)\n",
        ]
        lines[node.lineno - 1 : node.end_lineno] = [*shown, "\n", *kept, "\n", *chooser]
    text = "".join(lines)
    try:
        compile(text, "module", "exec")
    except SyntaxError:
        return ""
    return text


def reproductions(instance: Instance) -> dict[str, list[Reproduction]]:
    """Tests of FAIL_TO_PASS as attempts could have written them, each in a file of its own.

    Returns:
        By name, in the order in which they are to be tried. Of `weak`, the first test, and `half`, the last one, each
        lacks another assertion, and the last is whole: a test that no longer fails on the base is none that an attempt
        would have registered. `wrong` wants something else than the fix gives.
    """
    tests = list(_wanted(instance))
    if not tests:
        return {}
    made = {
        "weak": [_file(tests[0], changes) for changes in [*_without(tests[0]), {}]],
        "half": [_file(tests[-1], changes) for changes in [*reversed(_without(tests[-1])), {}]],
        "wrong": [_file(tests[0], _other(tests[0]))],
    }
    runner = runner_of(instance.test_command)
    found: dict[str, list[Reproduction]] = {}
    for name, texts in made.items():
        test = tests[-1] if name == "half" else tests[0]
        path = str(PurePosixPath(test.path).with_name(f"test_shown_{name}.py"))
        target = target_of(runner, f"{path}::{test.name.replace('.', '::')}")
        command = command_for(runner, [target], test_command=instance.test_command)
        found[name] = [Reproduction(path=path, content=text, command=command, kind="test") for text in texts]
    return found


def designed_tests(instance: Instance, *, inverted: bool = False) -> list[Reproduction]:
    """Each test of FAIL_TO_PASS in a file of its own, as a designer of tests could have written it.

    Args:
        instance: whose tests.
        inverted: what each of them asserts is turned into its contrary, as by one who misread the issue.
    """
    runner, found = runner_of(instance.test_command), []
    for number, test in enumerate(_wanted(instance), 1):
        path = str(PurePosixPath(test.path).with_name(f"test_designed_{number}.py"))
        target = target_of(runner, f"{path}::{test.name.replace('.', '::')}")
        command = command_for(runner, [target], test_command=instance.test_command)
        text = _file(test, _inverted(test) if inverted else {})
        found.append(Reproduction(path=path, content=text, command=command, kind="test"))
    return found


def _inverted(test: "_Test") -> dict[tuple[int, int], str]:
    """Its lines with the contrary of each plain assertion."""
    return {
        (node.lineno, node.end_lineno or node.lineno): f"{' ' * node.col_offset}assert not ({ast.unparse(node.test)})\n"
        for node in _assertions(test)
        if isinstance(node, ast.Assert)
    }


@dataclass(frozen=True)
class _Test:
    """A test of FAIL_TO_PASS: its file with the test patch, its name with its class, and its node."""

    path: str
    source: str
    name: str
    node: _Function


def _wanted(instance: Instance) -> Iterator[_Test]:
    oracle = instance.oracle
    if oracle is None:
        return
    names = list(dict.fromkeys(_bare(name) for name in oracle.fail_to_pass))
    with open_trees(instance.task.repository) as trees:
        tree = trees.apply(oracle.test_patch)
        paths = [
            change.path for change in trees.changes(trees.base, tree) if change.new and is_test_module(change.path)
        ]
        sources = {path: data.decode() for path, data in trees.read_many(tree, paths).items() if path.endswith(".py")}
    for name in names:
        for path, source in sources.items():
            found = [(full, node) for full, node in _functions(ast.parse(source)) if full.rpartition(".")[2] == name]
            if found:
                yield _Test(path, source, *found[0])
                break


def _bare(name: str) -> str:
    """The function of a test, of whatever runner."""
    return name.partition("[")[0].rpartition("::")[2].partition(" ")[0].rpartition(".")[2]


def _functions(module: ast.Module) -> Iterator[tuple[str, _Function]]:
    for node in module.body:
        if isinstance(node, _Function):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{inner.name}", inner) for inner in node.body if isinstance(inner, _Function))


def _file(test: _Test, changes: Mapping[tuple[int, int], str]) -> str:
    """The file of a test without the other tests, and with some of its lines replaced."""
    lines = test.source.splitlines(keepends=True)
    for name, node in _functions(ast.parse(test.source)):
        if name != test.name and name.rpartition(".")[2].startswith("test"):
            first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
            changes = {**changes, (first, node.end_lineno or first): f"{' ' * node.col_offset}pass\n"}
    for (first, last), text in sorted(changes.items(), reverse=True):
        lines[first - 1 : last] = [text]
    return "".join(lines)


def _assertions(test: _Test) -> list[ast.stmt]:
    found = [
        node
        for node in ast.walk(test.node)
        if isinstance(node, ast.Assert)
        or (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
            and node.value.func.attr.startswith("assert")
        )
    ]
    return sorted(found, key=lambda node: node.lineno)


def _without(test: _Test) -> list[dict[tuple[int, int], str]]:
    """Its lines without one of its assertions, the last one first; none where it has but one."""
    found = _assertions(test)
    if len(found) < 2:
        return []
    return [
        {(node.lineno, node.end_lineno or node.lineno): f"{' ' * node.col_offset}pass\n"} for node in reversed(found)
    ][:_TRIED]


def _other(test: _Test) -> dict[tuple[int, int], str]:
    """Its lines with an assertion that the fix does not fulfil in place of the last one."""
    found = _assertions(test) or [test.node.body[-1]]
    node = found[-1]
    text = f"{' ' * node.col_offset}raise AssertionError('something else is expected')\n"
    if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare) and isinstance(node.test.ops[0], ast.Eq):
        left, right = ast.unparse(node.test.left), ast.unparse(node.test.comparators[0])
        text = f"{' ' * node.col_offset}assert {left} == ({right}, 'and more')\n"
    return {(node.lineno, node.end_lineno or node.lineno): text}


def _literals(instance: Instance) -> frozenset[str]:
    """Texts and numbers of the first visible test that are long enough to tell something."""
    test = next(_wanted(instance), None)
    if test is None:
        return frozenset()
    values = (node.value for node in ast.walk(test.node) if isinstance(node, ast.Constant))
    return frozenset(str(value) for value in values if isinstance(value, str | int) and 2 <= len(str(value)) <= 40)
