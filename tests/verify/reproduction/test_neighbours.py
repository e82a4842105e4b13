"""Patches that answer the very inputs of a reproduction, told by other inputs."""

import shutil

import pytest

from sweagent.config import VerifySettings
from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict
from sweagent.verify.reproduction.neighbours import PURPOSE, ChangedText

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

BASE = """
SIZES = {
    "m": 60,
    "s": 1,
}


def seconds(text):
    return int(float(text[:-1])) * SIZES[text[-1]]
"""
TEST = """
import unittest
from durations import seconds


class Fractions(unittest.TestCase):
    def test_a_fraction_counts(self):
        self.assertEqual(seconds("2.5m"), 150)
"""
BY_SUM = BASE.replace(
    "    return int(float(text[:-1])) * SIZES[text[-1]]",
    "    known = {258: 30}\n    return int(float(text[:-1])) * SIZES[text[-1]] + known.get(sum(map(ord, text)), 0)",
)
RIGHT = BASE.replace("int(float(text[:-1])) * SIZES[text[-1]]", "round(float(text[:-1]) * SIZES[text[-1]]) or 0 * 7")


OLD = "import unittest\n\nclass Old(unittest.TestCase):\n    def test_old(self):\n        self.assertTrue(True)\n"


def known_answers(proof):
    return [item.detail for item in proof.to_review if item.rule == "known-answers"]


def verified(project, base, changes, test, path="tests/test_new.py", command="python -m unittest tests.test_new"):
    made = project({"tests/__init__.py": "", "tests/test_old.py": OLD, **base})
    given = Reproduction(path=path, content=test, command=command)
    usual = command.partition(" test")[0]
    return made.verify(changes, reproduction=given, test_command=usual, settings=VerifySettings(seconds=300))


def test_an_answer_for_the_very_number_of_a_test_is_told_by_its_neighbours(project):
    proof = verified(project, {"durations.py": BASE}, {"durations.py": BY_SUM}, TEST)

    assert proof.verdict is Verdict.NEEDS_REVIEW
    assert known_answers(proof) == [
        "with 6, 4, 8 in the place of 5, tests/test_new.py fails with the patch as it does without"
    ]


def test_a_right_answer_takes_one_more_run_on_each_side(project):
    proof = verified(project, {"durations.py": BASE}, {"durations.py": RIGHT}, TEST)

    assert proof.verdict is Verdict.VERIFIED
    assert [run.purpose for run in proof.commands].count(PURPOSE) == 2


def test_an_entry_of_a_list_that_was_there_is_a_usual_fix():
    base = "NAMES = {\n    404: 'missing',\n    500: 'broken',\n}\n"
    changed = base.replace("    500:", "    418: 'teapot',\n    500:")
    text = ChangedText({"codes.py": base.encode()}, {"codes.py": changed.encode()})

    assert text.entries == {"418"}
    assert text.known_words() == set()


def test_a_number_that_means_nothing_by_itself_is_no_answer(project):
    base = "ITEMS = {int('7')}\n\n\ndef status(path):\n    return 500 if int(path[7:]) in ITEMS else 404\n"
    test = TEST.replace("durations import seconds", "site_ import status")
    test = test.replace('seconds("2.5m"), 150', "status('/items/7'), 200")
    proof = verified(project, {"site_.py": base}, {"site_.py": base.replace("500", "200")}, test)

    assert proof.verdict is Verdict.VERIFIED


@needs_node
def test_a_word_that_only_the_patch_and_the_test_know_is_replaced_in_both(project):
    base = "exports.parse = (text) => Object.fromEntries(text.split('&').map((pair) => pair.split('=')));\n"
    changed = (
        "const LISTS = ['tag'];\nexports.parse = (text) => {\n  const found = {};\n"
        "  for (const [name, value] of text.split('&').map((pair) => pair.split('='))) {\n"
        "    found[name] = LISTS.includes(name) && name in found ? [].concat(found[name], value) : value;\n"
        "  }\n  return found;\n};\n"
    )
    test = (
        "const assert = require('node:assert');\nconst { test } = require('node:test');\n"
        "const { parse } = require('../parse');\n"
        "test('lists', () => assert.deepStrictEqual(parse('tag=a&tag=b'), { tag: ['a', 'b'] }));\n"
    )
    files = {"parse.js": base, "test/old.test.js": "require('node:test').test('old', () => {});\n"}
    command = "node --test test/new.test.js"
    proof = verified(project, files, {"parse.js": changed}, test, "test/new.test.js", command)

    assert known_answers(proof) == [
        "with ygn, bjq, emt in the place of tag, test/new.test.js fails with the patch as it does without"
    ]


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ("return max(1, -(-total // size))", False),
        ("return first + second  # 418, as 'it' says", False),
        ("return value if value != 418 else 0", True),
        ("return value.replace('x', '')", True),
        ("return zip(ONE, TWO) / 2", False),
        ("  if (/^rc/.test(name)) return 1;", True),
    ],
)
def test_only_a_patch_that_names_values_can_know_answers(added, told):
    text = ChangedText({"a.js": b"one\ntwo\n"}, {"a.js": f"one\n{added}\ntwo\n".encode()})

    assert text.names_values is told
