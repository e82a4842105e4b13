"""A repository made for the tests of the code room, and git without the user's configuration."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest


class Commit(Protocol):
    """Commits files, None removing one, and returns the commit's hash."""

    def __call__(self, files: Mapping[str, str | None], message: str = "change") -> str: ...


FILES = {
    "shop/__init__.py": "from shop.cart import Cart\n",
    "shop/cart.py": '''"""Carts."""

from shop.money import Money
from shop import stock


class Cart:
    """What a customer wants to buy."""

    def __init__(self, customer):
        self.customer = customer
        self.lines = []

    def add_item(self, item, quantity=1):
        if quantity < 1:
            raise ValueError("the quantity of an item must be positive")
        stock.reserve(item, quantity)
        self.lines.append((item, quantity))

    def total(self):
        """The sum of all lines."""

        def price(line):
            return line[0].price * line[1]

        return Money(sum(price(line) for line in self.lines))


class GiftCart(Cart):
    def total(self):
        return Money(0)
''',
    "shop/money.py": """class Money:
    def __init__(self, amount):
        self.amount = amount

    def rounded(self, digits=2):
        return round(self.amount, digits)


def parse_money(text):
    return Money(float(text.strip("$")))
""",
    "shop/stock.py": """from .money import parse_money

LEVELS = {}


def reserve(item, quantity):
    left = LEVELS.get(item, 0)
    if left < quantity:
        raise LookupError("there is not enough left in the warehouse")
    LEVELS[item] = left - quantity
""",
    "shop/mailer.py": """import smtplib


def send_receipt(cart, address):
    with smtplib.SMTP("localhost") as server:
        server.sendmail("shop@localhost", address, str(cart.total()))
""",
    "tests/test_cart.py": """from shop.cart import Cart


def test_total_of_an_empty_cart():
    assert Cart("ann").total().amount == 0
""",
    "tests/test_money.py": """from shop.money import Money, parse_money


def test_rounded():
    assert Money(1.005).rounded() == 1.0


def test_parse_money():
    assert parse_money("$2").amount == 2
""",
    "README.md": "# Shop\n",
}


@pytest.fixture
def commit(tmp_path: Path) -> Commit:
    """Commit files to the repository `tmp_path/repository` (None removes one) and return the commit's hash."""
    folder = tmp_path / "repository"
    folder.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    run("init", "-q")

    def make(files: Mapping[str, str | None], message: str = "change") -> str:
        for name, content in files.items():
            path = folder / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
        run("add", "-A", "-f")
        run("commit", "-q", "--allow-empty", "-m", message)
        return run("rev-parse", "HEAD")

    return make


@pytest.fixture
def git_dir(tmp_path: Path) -> Path:
    return tmp_path / "repository" / ".git"


@pytest.fixture
def shop() -> dict[str, str]:
    """The files of a small shop with its tests."""
    return dict(FILES)
