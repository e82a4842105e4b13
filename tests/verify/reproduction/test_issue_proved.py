from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict
from sweagent.verify import feedback, render_markdown
from sweagent.verify.proof import Author

BASE = {
    "shop.py": "def price(text):\n    return float(text)\n",
    "tests/__init__.py": "",
    "tests/test_old.py": (
        "import unittest\nfrom shop import price\n\n\nclass Old(unittest.TestCase):\n"
        "    def test_old(self):\n        self.assertEqual(price('1'), 1)\n"
    ),
}
USUAL = "python -m unittest"
ISSUE = """Prices with a comma fail

```python
from shop import price
price("1,5")
```

ends in ValueError: could not convert string to float: '1,5'
"""
BESIDE = "def price(text):\n    return float(text)\n\n\ndef tidy(text):\n    return text.strip()\n"
FIXED = "def price(text):\n    return float(text.replace(',', '.'))\n"


def a_test(body):
    return Reproduction(
        path="tests/test_new.py",
        content=(
            "import unittest\nimport shop\n\n\nclass New(unittest.TestCase):\n"
            f"    def test_new(self):\n        {body}\n"
        ),
        command="python -m unittest tests.test_new",
    )


def test_a_test_of_what_only_the_patch_adds_is_no_proof(project):
    test = a_test("assert shop.tidy(' a') == 'a'")
    proof = project(BASE).verify({"shop.py": BESIDE}, reproduction=test, issue=ISSUE, test_command=USUAL)

    assert proof.verdict is Verdict.UNVERIFIED
    assert "only the name `tidy` is missing" in feedback(proof)


def test_the_issues_own_code_has_a_say_beside_the_models_reproduction(project):
    odd = "def price(text):\n    return 0 if text == '2,5' else float(text)\n"
    made = project(BASE)
    test = a_test("assert shop.price(','.join('25')) >= 0")

    proof = made.verify({"shop.py": odd}, reproduction=test, issue=ISSUE, test_command=USUAL)
    assert proof.verdict is Verdict.UNVERIFIED
    assert "code in the issue's text" in proof.reason

    proof = made.verify({"shop.py": FIXED}, reproduction=test, issue=ISSUE, test_command=USUAL)
    assert proof.verdict is Verdict.VERIFIED
    assert proof.reproduction.author is Author.MODEL
    assert "written by the model" in render_markdown(proof)
