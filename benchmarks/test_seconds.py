r"""What every test file of a project costs, in seconds of processor time, for `test_selection.py --seconds`.

    python benchmarks/test_seconds.py REPO=IMAGE ... --output seconds.jsonl --limit 1800

An image has the project in /testbed and pytest. A file costs the start of the runner, its collection and its tests;
processor time is what the wall time would be on an idle machine for tests that do not wait. Files that were not reached
within the limit are not in the output.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

_PLUGIN = """
import os, pytest
_costs, _start = {}, []
def _used():
    return sum(os.times()[:4])
def pytest_collection(session):
    _start.append(_used())
@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector):
    before = _used()
    yield
    _add(collector, before)
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item, nextitem):
    before = _used()
    yield
    _add(item, before)
    if nextitem is None or nextitem.fspath != item.fspath:
        path = os.path.relpath(str(item.fspath))
        with open("/tmp/costs", "a") as file:
            file.write("%s\\t%.2f\\n" % (path, _start[0] + _costs[str(item.fspath)]))
def _add(node, before):
    key = str(getattr(node, "fspath", ""))
    _costs[key] = _costs.get(key, 0) + _used() - before
"""
_COMMAND = (
    "cat > /tmp/costs_plugin.py; cd /testbed; "
    "PYTHONPATH=/tmp:. timeout {limit} python -m pytest -q -p costs_plugin -p no:cacheprovider "
    "--continue-on-collection-errors {arguments} > /dev/null 2>&1 < /dev/null; cat /tmp/costs"
)


def main() -> int:
    """Run the suites one after the other and write what their files cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="+", metavar="REPO=IMAGE")
    parser.add_argument("--arguments", default="", help="of pytest, such as the folder of the tests")
    parser.add_argument("--limit", type=int, default=1800, help="seconds for one suite")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    for pair in options.images:
        repo, image = pair.split("=", 1)
        command = _COMMAND.format(limit=options.limit, arguments=options.arguments)
        run = ["docker", "run", "--rm", "-i", "--init", "--network", "none", "--cpu-shares", "64", image]
        ran = subprocess.run([*run, "bash", "-c", command], input=_PLUGIN, capture_output=True, text=True, check=False)
        costs = [line.split("\t") for line in ran.stdout.splitlines()]
        if not costs:
            print(f"{repo}: no test ran\n{ran.stderr}", file=sys.stderr)
            return 1
        with options.output.open("a", encoding="utf-8") as file:
            for path, seconds in costs:
                file.write(json.dumps({"repo": repo, "path": path, "seconds": float(seconds)}) + "\n")
        print(f"{repo}: {len(costs)} files, {sum(float(seconds) for _, seconds in costs):.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
