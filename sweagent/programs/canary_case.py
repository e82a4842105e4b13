# Fail, and tell which functions of the test runner were replaced by code of the work tree: a test case of unittest.
import unittest

from canary_function import changed


class Canary(unittest.TestCase):
    def test_TOKEN(self):
        raise AssertionError("TOKEN " + " ".join(sorted(set(changed()))))
