import subprocess
import sys

LOG = "2026-01-01 10:00:00 INFO started\n2026-01-01 10:00:01 WARNING slow\n"


def run(*arguments, text=LOG):
    return subprocess.run([sys.executable, "-m", "logsift", *arguments], input=text, capture_output=True, text=True)


def test_everything():
    done = run()
    assert (done.returncode, done.stdout) == (0, LOG)


def test_level():
    assert run("--level", "WARNING").stdout == "2026-01-01 10:00:01 WARNING slow\n"


def test_count():
    assert run("--count", "--level", "INFO").stdout == "2\n"


def test_nothing():
    assert run("--level", "WARNING", text="").returncode == 1


def test_unknown_level():
    done = run("--level", "LOUD")
    assert done.returncode == 2
    assert "no such level" in done.stderr


def test_file(tmp_path):
    (tmp_path / "a.log").write_text(LOG)
    assert run(str(tmp_path / "a.log"), "--count").stdout == "2\n"
