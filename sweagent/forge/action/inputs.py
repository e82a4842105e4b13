"""Inputs of the Action, from variables `INPUT_…`."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from sweagent.errors import UsageError
from sweagent.forge.action.gate import GateOptions
from sweagent.forge.action.workflow import Workflow
from sweagent.forge.api.address import place_of
from sweagent.forge.api.github import GitHub
from sweagent.forge.api.protocol import Permission
from sweagent.forge.branch_names import PREFIX
from sweagent.forge.proposal import TITLE, PublishOptions
from sweagent.forge.rules import Rules
from sweagent.verdict import Verdict

WRITE_PAUSE = 1.0
"""Seconds between requests that write, as GitHub's documentation asks for."""


class Inputs:
    """The inputs of one step, read and checked when they are asked for.

    Args:
        workflow: the surroundings.
    """

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow

    def text(self, name: str, default: str = "") -> str:
        """An input; empty counts as not given."""
        return self.workflow.get(f"INPUT_{name.upper().replace('-', '_')}", default)

    def words(self, name: str) -> tuple[str, ...]:
        """An input with several values, separated by commas or newlines."""
        return tuple(word.strip() for word in self.text(name).replace(",", "\n").splitlines() if word.strip())

    def number(self, name: str) -> int | None:
        """An input that is a positive whole number.

        Raises:
            UsageError: it is something else.
        """
        value = self.text(name).lstrip("#")
        if not value:
            return None
        if not value.isascii() or not value.isdigit() or not int(value):
            raise UsageError(f"the input {name} must be a positive number, not {value!r}", "see docs/github-action.md")
        return int(value)

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """An input that is one of a few words; the first is the default.

        Raises:
            UsageError: it is another word.
        """
        value = self.text(name, allowed[0])
        if value not in allowed:
            raise UsageError(f"the input {name} must be one of {', '.join(allowed)}, not {value!r}", "correct it")
        return value

    def flag(self, name: str) -> bool:
        """An input that is `true` or `false`."""
        return self.choice(name, ("false", "true")) == "true"

    def path(self, name: str) -> str:
        """An input that is a path, absolute: its author writes it relative to the workspace; empty when not given."""
        given = self.text(name)
        return str(Path(self.workflow.get("GITHUB_WORKSPACE", "/")) / given) if given else ""

    def folder(self) -> Path:
        """The folder in which the steps of a job leave files for each other."""
        return Path(self.workflow.get("RUNNER_TEMP") or "/tmp") / "fix-issue"  # noqa: S108 - the runner always sets it

    def token(self) -> str | None:
        """The forge's token, if this step has one."""
        return self.workflow.get("GITHUB_TOKEN") or None

    def forge(self) -> GitHub:
        """The repository that the workflow belongs to."""
        place = place_of(
            self.text("repository") or self.workflow.get("GITHUB_REPOSITORY"),
            web_url=self.text("server-url") or self.workflow.get("GITHUB_SERVER_URL") or None,
            api_url=self.text("api-url") or self.workflow.get("GITHUB_API_URL") or None,
        )
        return GitHub(place, self.token(), pause=WRITE_PAUSE)

    def gate_options(self) -> GateOptions:
        """What may start a run."""
        return GateOptions(
            label=self.text("label", "fix-issue"),
            phrase=self.text("phrase", "/fix-issue"),
            issue=self.number("issue"),
            query=self.text("query"),
            permission=Permission(self.choice("permission", ("write", "triage", "read", "maintain", "admin"))),
            allowed_users=self.words("allowed-users"),
        )

    def least_of_comments(self) -> Permission:
        """What a person must be allowed for their comments to reach the model."""
        return Permission(self.choice("comments-from", ("write", "triage", "read", "maintain", "admin", "none")))

    def publish_options(self) -> PublishOptions:
        """How the patch is published."""
        standard = Rules()
        values = {
            "mode": self.choice("pr", ("draft", "ready", "branch", "none")),
            "accept": self.choice("accept", [verdict for verdict in reversed(Verdict) if verdict.publishable]),
            "base": self.text("base-branch"),
            "labels": self.words("labels"),
            "reviewers": self.words("reviewers"),
            "fork": False,
            "author": self.text("author"),
            "signoff": self.flag("signoff"),
            "branch_prefix": self.text("branch-prefix", PREFIX),
            "title": self.text("title", TITLE),
            "dry_run": self.flag("dry-run"),
            "rules": Rules(
                allowed=self.words("allowed-paths"),
                blocked=(*standard.blocked, *self.words("protected-paths"), *self.words("config")),
                max_bytes=self.number("max-patch-bytes") or standard.max_bytes,
                max_files=self.number("max-patch-files") or standard.max_files,
            ),
        }
        try:
            return PublishOptions.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = "".join(f" {str(part).replace('_', '-')}" for part in first["loc"][:1])
            raise UsageError(f"the input{name} cannot be used: {first['msg']}", "correct it") from error
