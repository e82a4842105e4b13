import pytest

from tally import Ledger


@pytest.fixture
def trip():
    return Ledger(["ann", "bob", "cem"])
