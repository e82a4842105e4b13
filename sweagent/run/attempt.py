"""One policy at work in a sandbox of its own."""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import PurePosixPath
from typing import Any, TypeVar

from sweagent.agent.loop import Agent, Ending, Viewer
from sweagent.agent.prompting import PromptLimits, PromptVariables, keep_whole_issue, read_context_files, write_prompt
from sweagent.agent.repeat import repeat_actions, stays_in_files
from sweagent.agent.state import RunState
from sweagent.agent.view import ViewBuilder
from sweagent.agent.view_summary import SummarisingViewer
from sweagent.config import Settings
from sweagent.errors import ContextOverflowError, FixIssueError, SandboxError, UsageError
from sweagent.exit_status import ExitStatus
from sweagent.patch import Patch, extract_patch, untracked_files
from sweagent.patch_store import Candidate, best_of
from sweagent.policy import Budget, Caller, HumanPolicy, LitellmPolicy, policy_for, text_format_instructions
from sweagent.repository import tracked_paths
from sweagent.run.context import RunContext
from sweagent.run.errors import RunCutError
from sweagent.run.limits import Left
from sweagent.run.record import Used, path_of
from sweagent.run.steps import Steps, digest
from sweagent.run.work_tree import bring_shell, put_back, shell_state
from sweagent.sandbox.base import Sandbox
from sweagent.tool_api import Limits, ToolContext, load_tools
from sweagent.trajectory import (
    ActionDone,
    AnyEvent,
    AttemptEnded,
    FeedbackGiven,
    PatchTaken,
    PromptWritten,
    Reproduction,
    SandboxStarted,
    Step,
    VerdictGiven,
    VerificationStarted,
)
from sweagent.verify import Proof, Ticker, feedback, verify

_VERDICT_SHARE = 1 / 6
"""The part of an attempt's time, at the most, that is kept for the verification at its end."""

_LEAST_SECONDS = 1.0
"""A verification for which no time is left says what can be said without running anything for long."""

_DIFFERENCES = 8
"""Lines that the policy is told of what came otherwise in a sandbox that was made anew."""

_E = TypeVar("_E", bound=Step)
_Submission = tuple[str, Reproduction | None, tuple[str, ...]]
"""What a verdict depends on: the patch, the reproduction and the tests that the policy named."""


class Attempt:
    """One conversation with a policy, which a strategy lets work as often as it likes.

    Between two of its works it has no sandbox; what it has done is in the log and in its last candidate. When a run is
    resumed, works that had come to their end are answered from the log, and it shows itself as it was then.

    Args:
        context: what it shares with others.
        scope: its name in the log.
        role: for people.
        settings: of this attempt.
        limits: what it may use.
        budget: of the run that it belongs to.
        inherited: the events of the attempt that it was forked from, up to then.
        fork: of its run.
        stepped: told what its run has used, after each step.
    """

    def __init__(
        self,
        context: RunContext,
        scope: str,
        role: str,
        settings: Settings,
        limits: Left,
        budget: Budget,
        inherited: Sequence[AnyEvent],
        fork: Callable[..., "Attempt"],
        stepped: Callable[[Used], None],
    ) -> None:
        self.scope = scope
        self._fork, self._stepped = fork, stepped
        self.role = role
        self.settings = settings
        self.inherited = tuple(inherited)
        self._context = context
        self._tools = load_tools(settings.tools, settings.tool_folders)
        self._view = ViewBuilder(settings.model, tools=self._tools.values())
        self._journal = context.log.journal(scope, self._view, self.inherited)
        own = Budget(limits.dollars, limits.tokens, parent=budget, record=self._journal.record)
        own.start_from(self._journal.state.spending)
        # Made first: what is wrong with it must not wait for the build of an environment.
        caller = Caller(scope, inherited=self._journal.state.inherited)
        self._policy = policy_for(settings, own, context.waiting, caller)
        if isinstance(self._policy, HumanPolicy):
            self._policy.offer_paths(tracked_paths(context.task.repository))
        self._limits = settings.limits.model_copy(update={"seconds": limits.seconds})
        self._steps = Steps(context.log, scope, (AttemptEnded, FeedbackGiven))
        self._seen: int | None = 0
        """Events of the log up to which it shows itself; None for all, once it did something in this process."""
        self._ending: Ending | None = None
        self._deadline = 0.0
        past = [event for event in context.log.past if event.scope == scope]
        self._judged, self._told = self._judged_before(past)

    @property
    def reproduction(self) -> Reproduction | None:
        """What the policy registered last."""
        return self._state.reproduction

    @property
    def reproductions(self) -> tuple[Reproduction, ...]:
        """All that the policy registered, the newest of each file."""
        turns = (observation for turn in self._state.turns for observation in turn.observations)
        return tuple({item.reproduction.path: item.reproduction for item in turns if item.reproduction}.values())

    @property
    def steps(self) -> int:
        """Replies so far, those that a fork inherited left out."""
        state = self._state
        return state.step - state.inherited

    @property
    def ending(self) -> Ending | None:
        """How its last work ended; None before the first."""
        return self._ending

    @property
    def best(self) -> Candidate | None:
        """Its candidate with the best verdict, the latest of equals."""
        return best_of(own) if (own := self.candidates) else None

    @property
    def shown_reproduction(self) -> Reproduction | None:
        """What the policy registered last, if the proof of its best candidate says that it shows the issue."""
        proof, registered = self.best.proof if self.best else None, self.reproduction
        shown = {item.name for item in proof.reproductions if item.shows_issue} if proof else set()
        return registered if registered and registered.path in shown else None

    @property
    def candidates(self) -> list[Candidate]:
        """Its patches that were taken so far, with the proofs that they had then."""
        return self._candidates_among(self._context.log.of(self.scope, self._seen))

    @property
    def unheard(self) -> bool:
        """Whether a user's word waits for it, or a work in the log was not asked for yet."""
        spoken = False
        for event in self._own_events:
            spoken = (spoken or _is_word(event)) and not isinstance(event, AttemptEnded)
        return self._steps.left or spoken

    def say(self, text: str) -> None:
        """Tell the policy something before its next step.

        Raises:
            StrategyChangedError: the log of a resumed run holds something else in this place.
        """
        asked = digest("say", text)
        if not self._next(FeedbackGiven, asked, "say something"):
            step = self._state.step
            self._record(FeedbackGiven(step=step, kind="strategy", text=text, digest=asked))

    def work(self, steps: int | None = None, rounds: int | None = None) -> Ending:
        """Let the policy work until it submits what stands or something ends it; what is left is judged.

        Args:
            steps: pause after so many more steps, without a verdict; None goes on to an end.
            rounds: how often a submission that is not verified goes back to the policy; None for `verify.rounds`.

        Returns:
            How it ended: `paused`, `submitted`, or at a limit.

        Raises:
            RunCutError: the infrastructure failed, or somebody stopped the run.
            SandboxError: no sandbox or environment could be made.
            StorageError: the log cannot be written.
            StrategyChangedError: the log of a resumed run holds something else in this place.
        """
        asked = digest("work", steps, rounds)
        recorded = self._next(AttemptEnded, asked, "let it work")
        if recorded:
            self._ending = _ending_of(recorded)
            return self._ending
        before = self._state
        self._pause_at = None if steps is None else before.step + steps
        allowed = self.settings.verify.rounds if rounds is None else rounds
        self._rounds = before.rounds + allowed
        self._seen = None
        with ExitStack() as stack:
            ending = self._conclude(self._work(stack))
        if ending.status.unfinished:
            raise RunCutError(ending)
        self._record(
            AttemptEnded(status=ending.status, message=ending.message, contacts=self._workplace.contacts, digest=asked)
        )
        self._ending = ending
        return ending

    def take(self) -> Candidate:
        """The patch as its last work left it; an empty one before the first."""
        latest = (*self._candidates_among(self.inherited), *self.candidates)[-1:]
        if latest:
            return latest[0]
        base_commit = self._context.task.repository.base_commit
        return Candidate(number=0, attempt=self.scope, patch=Patch(base_commit=base_commit, text=""))

    @property
    def _own_events(self) -> list[AnyEvent]:
        return self._context.log.of(self.scope)

    @property
    def _state(self) -> RunState:
        """As the strategy has to see it: when a run is resumed, as it was at the step that was answered last."""
        if self._seen is None:
            return self._journal.state
        state = RunState()
        for event in self.inherited:
            state.apply(event)
        state.begin()
        for event in self._context.log.of(self.scope, self._seen):
            state.apply(event)
        return state

    def fork(self, role: str | None = None, *, share: float = 1.0, **changes: Any) -> "Attempt":
        """Begin an attempt with what this one was told, said and did; see `Run.fork`."""
        return self._fork(self, role, share=share, **changes)

    def _candidates_among(self, events: Iterable[AnyEvent]) -> list[Candidate]:
        store, found, judged = self._context.candidates, dict[int, Candidate](), set[int]()
        for event in events:
            number = _number_of(event)
            candidate = store.get(number) if number is not None else None
            if candidate is not None:
                found[candidate.number] = candidate
                if isinstance(event, VerdictGiven):
                    judged.add(candidate.number)
        return [item if item.number in judged else item.unjudged for item in found.values()]

    def _next(self, kind: type[_E], asked: str, what: str) -> _E | None:
        mark = self._steps.next(kind, asked, what)
        if mark is None or not isinstance(mark.event, kind):
            return None
        self._seen = mark.number + 1
        self._stepped(mark.used)
        return mark.event

    def _record(self, event: AnyEvent) -> None:
        self._journal.record(event)
        self._seen = None
        self._stepped(self._context.log.used(path_of(self.scope)))

    def _work(self, stack: ExitStack) -> Ending:
        context, state = self._context, self._journal.state
        context.begin()
        self._workplace = context.workplace
        self._sandboxes = stack.enter_context(ExitStack())
        self._open_sandbox()
        if context.loading:
            context.loading.result()
        past = (*self.inherited, *self._own_events)
        if any(isinstance(event, PromptWritten) for event in past):
            self._bring_back()
        else:
            self._write_prompt()
        agent = Agent(
            policy=self._policy,
            tools=self._tools,
            context=self._tool_context,
            journal=self._journal,
            viewer=self._viewer(),
            limits=self._limits,
            judge=self._judge,
            recover=self._recover,
            stop=context.stop,
            steering=context.steering,
            reserve=min(self.settings.verify.seconds, self._limits.seconds * _VERDICT_SHARE),
            pause_at=self._pause_at,
        )
        self._deadline = time.monotonic() + self._limits.seconds - state.seconds
        try:
            return agent.run()
        except FixIssueError:
            raise
        except Exception:
            # A fault of our own must not cost the work that was done.
            self._take()
            raise

    def _viewer(self) -> Viewer:
        if not self.settings.model.summaries:
            return self._view
        if not isinstance(self._policy, LitellmPolicy):
            raise UsageError("summaries need a single model", "leave out model.summaries, fallbacks and mixes")
        return SummarisingViewer(self._view, self._policy)

    def _open_sandbox(self) -> None:
        start = time.monotonic()
        self._sandbox: Sandbox = self._sandboxes.enter_context(self._workplace.open())
        self._issue_text = keep_whole_issue(self._sandbox, self._context.task.issue.text)
        self._existing = untracked_files(self._sandbox, self._context.task.repository)
        info = self._sandbox.info
        self._journal.record(
            SandboxStarted(
                kind=info.kind,
                image=info.image,
                seconds=time.monotonic() - start,
                contacts=self._workplace.contacts,
            )
        )
        limits, task = self.settings.sandbox, self._context.task
        self._tool_context = ToolContext(
            sandbox=self._sandbox,
            limits=Limits(characters=limits.output, timeout=limits.timeout, max_timeout=limits.max_timeout),
            test_command=self._workplace.test_command,
            git_dir=self._workplace.git_dir,
            base_commit=task.repository.base_commit,
            issue_text=task.issue.text,
            hints=self.settings.hints,
        )

    def _recover(self) -> None:
        """Replace a lost sandbox by a fresh one in which everything was done again."""
        self._context.note("the sandbox was lost; making a new one")
        self._sandboxes.close()
        before = self._tool_context
        self._open_sandbox()
        self._bring_back()
        before.sandbox, before.state = self._tool_context.sandbox, self._tool_context.state
        self._tool_context = before

    def _bring_back(self) -> None:
        """Bring the fresh sandbox to where the log is, and tell the policy what came otherwise.

        The work tree is put back as it was at the last patch, where that is all there is to put back; what was done
        after it, or all of it, is done again, and compared.
        """
        context, state = self._context, self._journal.state
        total = sum(len(turn.observations) for turn in state.turns)
        taken, before = _last_take((*self.inherited, *self._own_events))
        patch = self._patch_of(taken)
        start, differences = 0, list[str]()
        if taken and patch and self._put_back(taken, patch, before):
            start = before
            context.note("the work tree was put back as it was at the last patch")
        if start < total:
            count = total - start
            context.note(f"replaying {count} recorded action{'s' * (count != 1)} in a fresh sandbox")
        if start == 0 and patch:
            differences = repeat_actions(state, self._tools, self._tool_context, end=before)
            differences += self._other_files(patch)
            start = before
        differences += repeat_actions(state, self._tools, self._tool_context, start=start)
        if differences:
            lines = "\n".join(f"- {line}" for line in differences[:_DIFFERENCES])
            text = f"Your sandbox was made anew and your actions were done again. What came otherwise:\n{lines}"
            self._journal.record(FeedbackGiven(step=state.step, kind="resumed", text=text))

    def _patch_of(self, taken: PatchTaken | None) -> Patch | None:
        candidate = self._context.candidates.get(_number_of(taken) or 0) if taken else None
        return candidate.patch if candidate else None

    def _put_back(self, taken: PatchTaken, patch: Patch, before: int) -> bool:
        state, sandbox = self._journal.state, self._sandbox
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

    def _write_prompt(self) -> None:
        settings, task = self.settings, self._context.task
        instructions = ""
        if getattr(self._policy, "uses_text_format", False):
            instructions = text_format_instructions([tool.schema for tool in self._tools.values()])
        variables = PromptVariables(
            issue=task.issue,
            issue_text=self._issue_text,
            repository=task.repository.name,
            workdir=self._sandbox.workdir,
            test_command=self._workplace.test_command,
            hints=self._context.hints(),
            context_files=read_context_files(self._sandbox, settings.context_files),
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

    def _take(self) -> Candidate:
        """Take the patch from the work tree as it is now, and keep it."""
        state, candidates = self._journal.state, self._context.candidates
        patch = self._extract()
        latest = candidates.latest(self.scope)
        same = latest is not None and latest.patch == patch and (latest.proof is None or self._was_judged(latest))
        taken = candidates.file(latest) if latest and same else ""
        if latest and any(isinstance(event, PatchTaken) and event.file == taken for event in self._own_events):
            # Taken before a kill, or just before this.
            return latest
        # One that was stored just before a kill has its number, and no event yet.
        named = tuple(state.named_tests)
        candidate = latest if latest and same else candidates.add(patch, self.scope, state.reproduction, named)
        file, paths = candidates.file(candidate), tuple(item.path for item in patch.kept)
        shell = shell_state(self._sandbox)
        self._journal.record(PatchTaken(step=state.step, file=file, sha256=patch.sha256, files=paths, shell=shell))
        return candidate

    def _extract(self) -> Patch:
        """The patch of the work tree as it is now."""
        state = self._journal.state
        return extract_patch(
            self._sandbox,
            self._context.task.repository,
            existing=self._existing,
            reproduction_paths=state.reproduction.paths if state.reproduction else (),
            allow_tests=self.settings.verify.allow_tests,
            allow_protected=self.settings.verify.allow_protected,
            allow_binaries=self.settings.verify.allow_binaries,
        )

    def _submission(self, candidate: Candidate) -> _Submission:
        state = self._journal.state
        return candidate.patch.sha256, state.reproduction, tuple(state.named_tests)

    def _was_judged(self, candidate: Candidate) -> bool:
        return self._judged is not None and self._judged[0] == self._submission(candidate)

    def _judge(self) -> str | None:
        """Judge a submission; say what the policy can mend, as long as there are rounds left.

        A submission that nothing of the policy's own makes better stands, and costs no round.

        A policy that submits again just what was judged stands by it: the verdict would be the same.
        """
        candidate = self._take()
        stands = self._told and self._was_judged(candidate)
        proof = self._verify(candidate)
        if stands or self._journal.state.rounds >= self._rounds:
            return None
        self._told = True
        return feedback(proof) or None

    def _verify(self, candidate: Candidate) -> Proof:
        """Judge a candidate in the time that is left, unless just the same was judged before."""
        context, state = self._context, self._journal.state
        submission = self._submission(candidate)
        if self._judged and self._judged[0] == submission:
            context.candidates.judged(candidate, self._judged[1])
            return self._judged[1]
        left = max(_LEAST_SECONDS, self._deadline - time.monotonic())
        settings = self.settings.verify
        settings = settings.model_copy(update={"seconds": min(settings.seconds, left)})
        self._journal.record(
            VerificationStarted(step=state.step, sha256=candidate.patch.sha256, seconds=settings.seconds)
        )
        start = time.monotonic()
        with nullcontext(context.verifying) if context.verifying else Ticker(context.note) as progress:
            proof = verify(
                context.task,
                candidate.patch,
                sandboxes=lambda: context.open_for_judgement(self._workplace),
                reproduction=state.reproduction,
                named_tests=tuple(state.named_tests),
                test_command=self._workplace.test_command,
                lacks=self._workplace.lacks,
                settings=settings,
                progress=progress,
                kept=context.kept,
            ).model_copy(update={"contacts": self._workplace.contacts})
        file = context.candidates.file(context.candidates.judged(candidate, proof))
        self._judged, self._told = (submission, proof), False
        self._journal.record(
            VerdictGiven(
                step=state.step,
                verdict=proof.verdict,
                reason=proof.reason,
                proof_file=file,
                seconds=time.monotonic() - start,
            )
        )
        return proof

    def _conclude(self, ending: Ending) -> Ending:
        """Take and judge what an ending without a submission has left behind."""
        if ending.status is ExitStatus.SUBMITTED:
            return ending
        try:
            candidate = self._take()
            if ending.status.can_be_judged:
                self._verify(candidate)
        except SandboxError as error:
            self._context.note(f"the work tree is out of reach: {error}")
        return ending

    def _judged_before(self, past: Sequence[AnyEvent]) -> tuple[tuple[_Submission, Proof] | None, bool]:
        """What was judged last before a kill, and whether the policy was told of it."""
        found, told = _last_verdict(past)
        candidate = self._context.candidates.get(found[0]) if found else None
        if not found or candidate is None or candidate.proof is None:
            return None, False
        return ((candidate.patch.sha256, *found[1:]), candidate.proof), told


def _last_verdict(
    past: Iterable[AnyEvent],
) -> tuple[tuple[int, Reproduction | None, tuple[str, ...]] | None, bool]:
    """The candidate's number, the reproduction and the named tests of the last verdict; whether feedback followed."""
    state, found, told = RunState(), None, False
    for event in past:
        state.apply(event)
        if isinstance(event, VerdictGiven) and event.proof_file:
            number = int(PurePosixPath(event.proof_file).stem)
            found, told = (number, state.reproduction, tuple(state.named_tests)), False
        if isinstance(event, FeedbackGiven) and event.kind == "verifier":
            told = True
    return found, told


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


def _is_word(event: AnyEvent) -> bool:
    return isinstance(event, FeedbackGiven) and event.kind == "user"


def _number_of(event: AnyEvent) -> int | None:
    """The number of the candidate that an event is about."""
    match event:
        case PatchTaken():
            return int(PurePosixPath(event.file).stem)
        case VerdictGiven() if event.proof_file:
            return int(PurePosixPath(event.proof_file).stem)
    return None


def _ending_of(event: AttemptEnded) -> Ending:
    overflow = event.status is ExitStatus.CONTEXT_OVERFLOW
    return Ending(event.status, event.message, ContextOverflowError(event.message) if overflow else None)
