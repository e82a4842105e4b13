import subprocess
import sys

LOG = "".join(f"2026-01-01 10:00:0{n} {level} text\n" for n, level in enumerate(["DEBUG", "INFO", "WARNING", "ERROR"]))


def levels(*arguments):
    done = subprocess.run([sys.executable, "-m", "logsift", *arguments], input=LOG, capture_output=True, text=True)
    return done.returncode, [line.split()[2] for line in done.stdout.splitlines()]


def test_errors_are_graver_than_warnings():
    assert levels("--level", "WARNING") == (0, ["WARNING", "ERROR"])


def test_errors_alone():
    assert levels("--level", "ERROR") == (0, ["ERROR"])
