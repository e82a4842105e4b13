"""How soon a command gives a first sign of life, and how long it is silent at most, in a pipe.

    python benchmarks/terminal_silence.py [--source FOLDER] [NAME…]

Runs commands on the demo's repository, in bubblewrap where it works, each with caches of its own, and prints a table.
`--source` takes the package from a checkout elsewhere, so that two commits can be compared.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "trajectories" / "demo"
PATCH = """\
diff --git a/intervals/core.py b/intervals/core.py
--- a/intervals/core.py
+++ b/intervals/core.py
@@ -16,7 +16,7 @@ def merge(intervals):
     merged = []
     for start, end in sorted(_check(interval) for interval in intervals):
         if merged and start <= merged[-1][1] + 1:
-            merged[-1] = (merged[-1][0], end)
+            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
         else:
             merged.append((start, end))
     return merged
"""
SLOW = "import time\n\n\ndef test_slow():\n    time.sleep(45)\n"


def commands(folder: Path) -> dict[str, list[str]]:
    """The commands, by name."""
    repo, patch = str(folder / "intervals"), str(folder / "fix.diff")
    sandbox = ["--sandbox", "bubblewrap" if shutil.which("bwrap") else "local"]
    return {
        "--help": ["--help"],
        "runs": ["runs"],
        "doctor": ["doctor"],
        "locate": ["locate", repo, "merge forgets the end"],
        "map": ["map", repo],
        "demo": ["demo", *sandbox],
        "verify, tests of 45 s": ["verify", repo, patch, "--issue", str(DEMO / "issue.md"), *sandbox],
        "env test, tests of 45 s": ["env", "test", repo],
    }


def measure(command: list[str], source: Path) -> tuple[float, float, float, int]:
    """Seconds to the first output, the longest silence, and all; and the exit status."""
    with tempfile.TemporaryDirectory() as own:
        env = os.environ | {
            "PYTHONPATH": str(source),
            "XDG_STATE_HOME": own,
            "XDG_CACHE_HOME": own,
            "PYTHONUNBUFFERED": "1",
        }
        start = last = time.monotonic()
        first, longest = None, 0.0
        with subprocess.Popen(
            [sys.executable, "-m", "sweagent", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env
        ) as process:
            assert process.stdout is not None
            while os.read(process.stdout.fileno(), 65536):
                now = time.monotonic()
                first = now - start if first is None else first
                longest, last = max(longest, now - last), now
        end = time.monotonic()
    return first if first is not None else end - start, max(longest, end - last), end - start, process.returncode


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=Path, default=ROOT)
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shutil.copytree(DEMO / "repository", folder / "intervals")
        (folder / "fix.diff").write_text(PATCH)
        (folder / "intervals" / "tests" / "test_slow.py").write_text(SLOW)
        for arguments in (
            ["init", "-q"],
            ["add", "-A"],
            ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
        ):
            subprocess.run(["git", *arguments], cwd=folder / "intervals", check=True)
        print("| command | first sign of life | longest silence | in all | exit code |\n|---|---|---|---|---|")
        for name, command in commands(folder).items():
            if not given.names or name in given.names:
                first, longest, total, status = measure(command, given.source.resolve())
                print(f"| `{name}` | {first:.1f} s | {longest:.1f} s | {total:.0f} s | {status} |", flush=True)


if __name__ == "__main__":
    main()
