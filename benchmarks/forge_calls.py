"""What publishing costs the forge: requests of the API, read and written, and of git, against the tests' stand-in.

    python benchmarks/forge_calls.py

A token of GitHub Actions may make 1,000 requests an hour for a repository, so what one run needs bounds how many runs
there can be.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sweagent.forge.api.address import place_of
from sweagent.forge.api.github import GitHub
from sweagent.forge.proposal import Proposal, PublishOptions
from sweagent.forge.pull_request import open_pull_request
from sweagent.task import Issue
from sweagent.verdict import Verdict

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "forge"))

TOKEN = "stand-in"
BEFORE = "def add(a, b):\n    return a - b\n"
DIFF = (
    "diff --git a/calc.py b/calc.py\n--- a/calc.py\n+++ b/calc.py\n@@ -1,2 +1,2 @@\n def add(a, b):\n"
    "-    return a - b\n+    return {}\n"
)


def main() -> None:
    """Publish, publish again, and so on, and count."""
    from standin import Fault, Standin, Token

    with tempfile.TemporaryDirectory() as folder, Standin(Path(folder)) as server:
        server.tokens[TOKEN] = Token()
        repo = server.add_repository("acme/calc", {"calc.py": BEFORE})
        server.add_issue(repo, 7, "add() subtracts", "It does.")
        github = GitHub(place_of(repo.name, api_url=server.api_url), TOKEN, pause=0, sleep=lambda seconds: None)
        proposal = Proposal(
            issue=Issue(title="add() subtracts", number=7, url=f"{server.url}/acme/calc/issues/7"),
            base_commit=repo.commit_of("main") or "",
            diff=DIFF.format("a + b").encode(),
            verdict=Verdict.VERIFIED,
        )
        other = proposal.model_copy(update={"diff": DIFF.format("b + a").encode()})
        print(f"{'':<38}{'API read':>9}{'written':>9}{'git':>5}  outcome")
        publish = _publisher(server, github)
        publish("the first time, with a label", proposal, PublishOptions(labels=("bot",)))
        publish("again, the same patch", proposal, PublishOptions())
        publish("again, another patch", other, PublishOptions())
        server.faults.append(Fault("GET", "/repos/acme/calc$", 503, {"message": "x"}, times=2))
        publish("again, with two faults of the server", other, PublishOptions())
        publish("a patch that is blocked", _touching_a_workflow(proposal), PublishOptions())
        print(f"requests and answers that break GitHub's description: {len(server.violations)}")


def _touching_a_workflow(proposal: Proposal) -> Proposal:
    diff = b"--- /dev/null\n+++ b/.github/workflows/x.yml\n@@ -0,0 +1 @@\n+on: push\n"
    return proposal.model_copy(update={"diff": diff})


def _publisher(server: Any, github: GitHub) -> Callable[[str, Proposal, PublishOptions], None]:
    def publish(name: str, proposal: Proposal, options: PublishOptions) -> None:
        server.requests.clear()
        outcome = open_pull_request(github, proposal, options, token=TOKEN)
        git = [path for _, path, _ in server.requests if ".git/" in path]
        reads = sum(verb == "GET" and ".git/" not in path for verb, path, _ in server.requests)
        writes = len(server.requests) - reads - len(git)
        print(f"{name:<38}{reads:>9}{writes:>9}{len(git):>5}  {outcome.kind.value}")

    return publish


if __name__ == "__main__":
    main()
