"""Rows of SWE-bench's 4.x form made into the 5.x form, with the official specifications of swebench 4.1.

    <a Python with swebench 4.1> benchmarks/grading_rows.py DATA.jsonl --out ROWS.jsonl [--ids FILE]

swebench 4.1 and 5.x cannot be installed together, so this program imports nothing of the project. Beside the fields of
the 5.x form each row holds `pre_install`, what 4.1 does to the tree before the environment is made.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from swebench.harness.constants import FAIL_ONLY_REPOS, MAP_REPO_VERSION_TO_SPECS
from swebench.harness.log_parsers import MAP_REPO_TO_PARSER
from swebench.harness.test_spec.create_scripts import make_eval_script_list

_WORKDIR = "/testbed"


def row_of(record: dict[str, Any]) -> dict[str, Any]:
    """One row in the 5.x form."""
    specs = MAP_REPO_VERSION_TO_SPECS[record["repo"]][record["version"]]
    commands = make_eval_script_list(record, specs, "testbed", _WORKDIR, record["base_commit"], record["test_patch"])
    return record | {
        "image": f"sweb.eval.x86_64.{record['instance_id'].lower()}:latest",
        "eval_script": "\n".join(["#!/bin/bash", "set -uxo pipefail", *commands]) + "\n",
        "log_parser": MAP_REPO_TO_PARSER[record["repo"]].__name__,
        "eval_type": "fail_only" if record["repo"] in FAIL_ONLY_REPOS else "pass_and_fail",
        "pre_install": [command for command in specs.get("pre_install", []) if command.startswith("sed ")],
    }


def main() -> None:
    """Read the command line and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--ids", type=Path, help="a file with the ids to keep; all by default")
    options = parser.parse_args()
    records = [json.loads(line) for line in options.data.read_text(encoding="utf-8").splitlines()]
    wanted = set(options.ids.read_text(encoding="utf-8").split()) if options.ids else None
    rows = [row_of(record) for record in records if wanted is None or record["instance_id"] in wanted]
    options.out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    print(f"{len(rows)} rows")


if __name__ == "__main__":
    main()
