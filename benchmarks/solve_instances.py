"""The whole way on real repositories: instances of a data set, played as a competent engineer would, over real HTTP.

    python benchmarks/solve_instances.py DATA.jsonl REPOSITORIES OUTPUT [--only ID …] [--sandbox docker]

REPOSITORIES holds a git directory `owner+name/repo` for each repository. For each instance the environment is built by
the product, the recorded steps come from an OpenAI-compatible server on this machine, and what is reported is: the
verdict, whether FAIL_TO_PASS passes with the patch and the instance's test patch applied, seconds, steps, and tokens.
"""

import argparse
import json
import shlex
import time
from pathlib import Path

from gold_player import Instance, reproduction_of, steps
from playing_server import playing

from sweagent.config import Settings
from sweagent.repository import open_repository
from sweagent.run_folder import Result, RunFolder
from sweagent.sandbox_factory import prepare
from sweagent.settings_sources import read_sources
from sweagent.solve import solve
from sweagent.task import Issue, Task
from sweagent.testing import Runner, TestOutcome, parse


def main() -> None:
    """Read the command line and run the instances one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("repositories", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--sandbox", default="docker")
    options = parser.parse_args()
    records = [json.loads(line) for line in options.data.read_text(encoding="utf-8").splitlines()]
    instances = [
        Instance.read(record) for record in records if not options.only or record["instance_id"] in options.only
    ]
    for instance in instances:
        git_dir = options.repositories / instance.repo.replace("/", "+") / "repo"
        print(json.dumps(run(instance, git_dir, options.output / instance.instance_id, options.sandbox)), flush=True)


def run(instance: Instance, git_dir: Path, output: Path, sandbox: str) -> dict[str, object]:
    """Solve one instance and check FAIL_TO_PASS."""
    repository = open_repository(str(git_dir), base=instance.base_commit)
    title, _, body = instance.problem_statement.partition("\n")
    task = Task(id=instance.instance_id, repository=repository, issue=Issue(title=title, body=body))
    played = steps(instance, str(git_dir), reproduction=reproduction_of(instance, str(git_dir)))
    start = time.monotonic()
    with playing({instance.instance_id: played}) as url:
        settings = read_sources(
            {
                "model": {"name": f"openai/{instance.instance_id}", "api_base": url, "extra": {"api_key": "none"}},
                "limits": {"cost": None, "tokens": 2_000_000, "steps": len(played)},
                "sandbox": {"kind": sandbox},
                "verify": {"rounds": 0},
            }
        ).settings()
        result = solve(task, settings, RunFolder(output), run_id=f"benchmark-{instance.instance_id}", note=print)
    seconds = time.monotonic() - start
    resolved = fail_to_pass(instance, task, settings, result)
    return {
        "instance_id": instance.instance_id,
        "verdict": result.verdict,
        "reason": result.reason,
        "fail_to_pass": resolved,
        "seconds": round(seconds, 1),
        "steps": result.steps,
        "prompt_tokens": result.usage.prompt_tokens,
    }


def fail_to_pass(instance: Instance, task: Task, settings: Settings, result: Result) -> str:
    """How many of FAIL_TO_PASS pass with the run's patch and the instance's test patch."""
    patch = Path(result.patch_file).read_bytes() if result.patch_file else b""
    with prepare(task, settings, "benchmark-check", print) as workplace, workplace.open() as sandbox:
        sandbox.write("/tmp/fix.diff", patch)
        sandbox.write("/tmp/tests.diff", instance.test_patch.encode())
        files = sorted({test.split("::")[0] for test in instance.fail_to_pass})
        done = sandbox.run(
            "git apply /tmp/fix.diff && git apply /tmp/tests.diff && python -m pytest -rA -p no:cacheprovider "
            + " ".join(map(shlex.quote, files)),
            timeout=900,
            output_limit=2_000_000,
            fresh=True,
        )
    report = parse(Runner.PYTEST, done.output, exit_code=done.exit_code)
    passed = {test.id for test in report.results if test.outcome is TestOutcome.PASSED}
    return f"{sum(test in passed for test in instance.fail_to_pass)}/{len(instance.fail_to_pass)}"


if __name__ == "__main__":
    main()
