"""Cut GitHub's OpenAPI description to the operations that fix-issue uses.

npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-*.tgz
python tests/forge/openapi/cut.py package/generated/api.github.com.json > tests/forge/openapi/github.json
"""

import json
import sys
from pathlib import Path
from typing import Any

REPOSITORY = "/repos/{owner}/{repo}"
OPERATIONS = {
    "/user": ["get"],
    "/search/issues": ["get"],
    REPOSITORY: ["get"],
    f"{REPOSITORY}/collaborators/{{username}}/permission": ["get"],
    f"{REPOSITORY}/forks": ["post"],
    f"{REPOSITORY}/issues/{{issue_number}}": ["get"],
    f"{REPOSITORY}/issues/{{issue_number}}/comments": ["get", "post"],
    f"{REPOSITORY}/issues/{{issue_number}}/labels": ["post"],
    f"{REPOSITORY}/issues/comments/{{comment_id}}": ["patch"],
    f"{REPOSITORY}/issues/{{issue_number}}/timeline": ["get"],
    f"{REPOSITORY}/git/blobs": ["post"],
    f"{REPOSITORY}/git/trees": ["post"],
    f"{REPOSITORY}/git/commits": ["post"],
    f"{REPOSITORY}/git/refs": ["post"],
    f"{REPOSITORY}/pulls": ["get", "post"],
    f"{REPOSITORY}/pulls/{{pull_number}}": ["get", "patch"],
    f"{REPOSITORY}/pulls/{{pull_number}}/comments": ["get"],
    f"{REPOSITORY}/pulls/{{pull_number}}/reviews/{{review_id}}/comments": ["get"],
    f"{REPOSITORY}/pulls/{{pull_number}}/requested_reviewers": ["post"],
}
DROPPED = {
    "description",
    "summary",
    "example",
    "examples",
    "externalDocs",
    "x-github",
    "x-github-breaking-changes",
    "tags",
    "title",
    "operationId",
    "headers",
    "deprecated",
}


def cut(whole: dict[str, Any]) -> dict[str, Any]:
    """Return the operations and all components that they refer to, without prose."""
    paths = {path: {verb: lean(whole["paths"][path][verb]) for verb in verbs} for path, verbs in OPERATIONS.items()}
    components: dict[str, dict[str, Any]] = {}
    waiting = list(references(paths))
    while waiting:
        _, _, kind, name = waiting.pop().split("/", 3)
        if name not in components.setdefault(kind, {}):
            components[kind][name] = lean(whole["components"][kind][name])
            waiting.extend(references(components[kind][name]))
    info = {"title": "GitHub REST API, cut", "version": whole["info"]["version"], "license": {"name": "MIT"}}
    return {"openapi": whole["openapi"], "info": info, "paths": paths, "components": components}


def lean(node: Any, *, names: bool = False) -> Any:
    """Drop prose; the keys of `properties` and its like are names, not keywords."""
    if isinstance(node, list):
        return [lean(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if names or key not in DROPPED}
    return {key: lean(value, names=not names and key == "properties") for key, value in kept.items()}


def references(node: Any) -> list[str]:
    """All `$ref` below a node."""
    if isinstance(node, list):
        return [found for item in node for found in references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for value in node.values() for found in references(value)]


if __name__ == "__main__":
    json.dump(cut(json.loads(Path(sys.argv[1]).read_text("utf-8"))), sys.stdout, separators=(",", ":"), sort_keys=True)
    sys.stdout.write("\n")
