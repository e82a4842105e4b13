"""The sandbox of an attempt at work, and patches taken from it."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import PurePosixPath
from types import TracebackType
from typing import Self

from sweagent.agent.journal import Journal
from sweagent.agent.prompting import PromptLimits, PromptVariables, keep_whole_issue, read_context_files, write_prompt
from sweagent.agent.repeat import repeat_actions, stays_in_files
from sweagent.config import Settings
from sweagent.patch import Patch, extract_patch, untracked_files
from sweagent.patch_store import Candidate
from sweagent.policy import Policy, text_format_instructions
from sweagent.run.context import RunContext
from sweagent.run.work_tree import bring_shell, put_back, shell_state
from sweagent.sandbox.base import Sandbox
from sweagent.tool_api import Limits, Tool, ToolContext
from sweagent.trajectory import (
    ActionDone,
    AnyEvent,
    FeedbackGiven,
    PatchTaken,
    PromptWritten,
    SandboxStarted,
    VerdictGiven,
)

_DIFFERENCES = 8
"""Lines that the policy is told of what came otherwise in a sandbox that was made anew."""


class Workbench:
    """Used as a context manager, while an attempt works.

    Args:
        context: what the attempts share.
        scope: of the attempt.
        settings: of the attempt.
        tools: that its policy has, by name.
        journal: of the attempt.
        inherited: the events of the attempt that it was forked from.
    """

    def __init__(
        self,
        context: RunContext,
        scope: str,
        settings: Settings,
        tools: Mapping[str, Tool],
        journal: Journal,
        inherited: Sequence[AnyEvent],
    ) -> None:
        self._context, self._scope, self._settings = context, scope, settings
        self._tools, self._journal, self._inherited = tools, journal, inherited
        self._sandboxes = ExitStack()

    def __enter__(self) -> Self:
        self._environment = self._context.workplace
        self._open_sandbox()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._sandboxes.close()

    def begin(self, policy: Policy) -> None:
        """Write the first prompt, or bring the sandbox to where the log is.

        Raises:
            SandboxError: the sandbox is lost.
            UsageError: the profile cannot be used.
        """
        if any(isinstance(event, PromptWritten) for event in self._events):
            self._bring_back()
        else:
            self._write_prompt(policy)

    @property
    def _events(self) -> tuple[AnyEvent, ...]:
        return (*self._inherited, *self._context.log.of(self._scope))

    def _open_sandbox(self) -> None:
        start = time.monotonic()
        self.sandbox: Sandbox = self._sandboxes.enter_context(self._environment.open())
        self._issue_text = keep_whole_issue(self.sandbox, self._context.task.issue.text)
        self._existing = untracked_files(self.sandbox, self._context.task.repository)
        info = self.sandbox.info
        self._journal.record(
            SandboxStarted(
                kind=info.kind,
                image=info.image,
                seconds=time.monotonic() - start,
                contacts=self._environment.contacts,
            )
        )
        limits, task = self._settings.sandbox, self._context.task
        self.tool_context = ToolContext(
            sandbox=self.sandbox,
            limits=Limits(characters=limits.output, timeout=limits.timeout, max_timeout=limits.max_timeout),
            test_command=self._environment.test_command,
            git_dir=self._environment.git_dir,
            base_commit=task.repository.base_commit,
            issue_text=task.issue.text,
            hints=self._settings.hints,
        )

    def recover(self) -> None:
        """Replace a lost sandbox by a fresh one in which everything was done again."""
        self._context.note("the sandbox was lost; making a new one")
        self._sandboxes.close()
        before = self.tool_context
        self._open_sandbox()
        self._bring_back()
        before.sandbox, before.state = self.tool_context.sandbox, self.tool_context.state
        self.tool_context = before

    def _bring_back(self) -> None:
        """Bring the fresh sandbox to where the log is, and tell the policy what came otherwise.

        The work tree is put back as it was at the last patch, where that is all there is to put back; what was done
        after it, or all of it, is done again, and compared.
        """
        context, state = self._context, self._journal.state
        total = sum(len(turn.observations) for turn in state.turns)
        taken, before = _last_take(self._events)
        patch = self._patch_of(taken)
        start, differences = 0, list[str]()
        if taken and patch is not None and self._put_back(taken, patch, before):
            start = before
            context.note("the work tree was put back as it was at the last patch")
        if start < total:
            count = total - start
            context.note(f"replaying {count} recorded action{'s' * (count != 1)} in a fresh sandbox")
        if start == 0 and patch is not None:
            differences = repeat_actions(state, self._tools, self.tool_context, end=before)
            differences += self._other_files(patch)
            start = before
        differences += repeat_actions(state, self._tools, self.tool_context, start=start)
        if differences:
            lines = "\n".join(f"- {line}" for line in differences[:_DIFFERENCES])
            text = f"Your sandbox was made anew and your actions were done again. What came otherwise:\n{lines}"
            self._journal.record(FeedbackGiven(step=state.step, kind="resumed", text=text))

    def _patch_of(self, taken: PatchTaken | None) -> Patch | None:
        candidate = self._context.candidates.get(number_of(taken) or 0) if taken else None
        return candidate.patch if candidate else None

    def _put_back(self, taken: PatchTaken, patch: Patch, before: int) -> bool:
        state, sandbox = self._journal.state, self.sandbox
        if not before or taken.shell is None or not stays_in_files(state, self._tools, before):
            return False
        if not put_back(sandbox, self._context.task.repository, patch):
            return False
        bring_shell(sandbox, taken.shell)
        return True

    def _other_files(self, before: Patch) -> list[str]:
        """What differs between the work tree and the patch that was taken in this place before."""
        now = self._extract()
        same = now.tree == before.tree if before.tree else now.text == before.text
        if same:
            return []
        old, new = _file_diffs(before), _file_diffs(now)
        paths = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
        named = ", ".join(paths[:_DIFFERENCES])
        return [f"the work tree differs from what it was: {named}"]

    def _write_prompt(self, policy: Policy) -> None:
        settings, task = self._settings, self._context.task
        instructions = ""
        if getattr(policy, "uses_text_format", False):
            instructions = text_format_instructions([tool.schema for tool in self._tools.values()])
        variables = PromptVariables(
            issue=task.issue,
            issue_text=self._issue_text,
            repository=task.repository.name,
            workdir=self.sandbox.workdir,
            test_command=self._environment.test_command,
            hints=self._context.hints(),
            context_files=read_context_files(self.sandbox, settings.context_files),
            limits=PromptLimits(
                steps=settings.limits.steps,
                seconds_per_command=settings.sandbox.timeout,
                max_seconds_per_command=settings.sandbox.max_timeout,
                characters=settings.sandbox.output,
            ),
            format_instructions=instructions,
            network=settings.sandbox.network,
            hosts=settings.sandbox.allow_hosts,
        )
        self._journal.record(write_prompt(settings.profile, variables))

    def take(self, was_judged: Callable[[Candidate], bool]) -> Candidate:
        """Take the patch from the work tree as it is now, and keep it.

        Args:
            was_judged: whether the proof of a candidate is of what the policy submits now.

        Raises:
            SandboxError: the sandbox is lost.
            StorageError: the disk refuses it.
        """
        state, candidates = self._journal.state, self._context.candidates
        patch = self._extract()
        latest = candidates.latest(self._scope)
        same = latest is not None and latest.patch.is_like(patch) and (latest.proof is None or was_judged(latest))
        taken = candidates.file(latest) if latest and same else ""
        if latest and any(isinstance(event, PatchTaken) and event.file == taken for event in self._events):
            # Taken before a kill, or just before this.
            return latest
        # One that was stored just before a kill has its number, and no event yet.
        named = tuple(state.named_tests)
        candidate = latest if latest and same else candidates.add(patch, self._scope, state.reproduction, named)
        file, paths = candidates.file(candidate), tuple(item.path for item in patch.kept)
        shell = shell_state(self.sandbox)
        self._journal.record(PatchTaken(step=state.step, file=file, sha256=patch.sha256, files=paths, shell=shell))
        return candidate

    def _extract(self) -> Patch:
        """The patch of the work tree as it is now."""
        state = self._journal.state
        return extract_patch(
            self.sandbox,
            self._context.task.repository,
            existing=self._existing,
            reproduction_paths=state.reproduction.paths if state.reproduction else (),
            allow_tests=self._settings.verify.allow_tests,
            allow_protected=self._settings.verify.allow_protected,
            allow_binaries=self._settings.verify.allow_binaries,
        )


def _last_take(events: Sequence[AnyEvent]) -> tuple[PatchTaken | None, int]:
    """The last patch that was taken, and how many actions were done before it."""
    found, before, done = None, 0, 0
    for event in events:
        done += isinstance(event, ActionDone)
        if isinstance(event, PatchTaken):
            found, before = event, done
    return found, before


def _file_diffs(patch: Patch) -> dict[str, str]:
    """The diff of each file by its path, of what was left out too."""
    parts = re.split(r"(?m)^(?=diff --git )", f"{patch.text}\n{patch.withheld}")
    return {part.partition("\n")[0].rpartition(" b/")[2]: part.strip() for part in parts if part.strip()}


def number_of(event: AnyEvent) -> int | None:
    """The number of the candidate that an event is about."""
    match event:
        case PatchTaken():
            return int(PurePosixPath(event.file).stem)
        case VerdictGiven() if event.proof_file:
            return int(PurePosixPath(event.proof_file).stem)
    return None
