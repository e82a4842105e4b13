"""The face of a run for strategies: attempts, questions, evidence, choice."""

import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from sweagent.config import Settings
from sweagent.errors import StorageError
from sweagent.file_lock import LockedElsewhereError
from sweagent.frozen import Frozen
from sweagent.patch.classify import Consent
from sweagent.patch.from_edits import patch_of_edits
from sweagent.patch_store import Candidate, best_of
from sweagent.policy import Budget, Message, policy_for
from sweagent.run.advice import Advice, NoAdvice
from sweagent.run.asking import Question, schema_of
from sweagent.run.attempt import Attempt
from sweagent.run.beginning import Beginnings
from sweagent.run.context import RunContext
from sweagent.run.evidence import Choice, Evidence, with_normal_forms
from sweagent.run.findings import Findings
from sweagent.run.judging import judge_in_time
from sweagent.run.limits import Left
from sweagent.run.memory import recall, remember
from sweagent.run.selectors import Selector
from sweagent.run.side_by_side import side_by_side
from sweagent.run.steps import Standing, digest, result_of
from sweagent.settings_record import open_values
from sweagent.settings_sources import with_changes
from sweagent.task import Task
from sweagent.tool_support.reproduction_command import is_run_as_test, reproduction_command
from sweagent.trajectory import CandidateChosen, Reproduction, StepDone
from sweagent.verdict import Verdict

if TYPE_CHECKING:
    from sweagent.code import Index

_A = TypeVar("_A", bound=Frozen)
_I = TypeVar("_I")
_R = TypeVar("_R")


class Run:
    """One task being solved, as a strategy sees it.

    Every call is a step that the log holds: when a run is resumed, the strategy runs again from its start, and what was
    done is answered from the log. A strategy must therefore depend on nothing but what this gives it.

    Args:
        context: what all attempts share.
        path: where it stands in the log; empty for the whole, else ending in a slash.
        limits: what it may use; None for those of the settings.
        budget: what it may spend; None for the whole run's.
        advice: makes what is added to its choices; None for nothing.
    """

    def __init__(
        self,
        context: RunContext,
        path: str = "",
        limits: Left | None = None,
        budget: Budget | None = None,
        *,
        advice: "Callable[[Run], Advice] | None" = None,
    ) -> None:
        self._context = context
        self._path = path
        bounds = context.settings.limits
        self._budget = budget or context.budget
        self._standing = Standing(context.log, path, limits or Left(bounds.cost, bounds.tokens, bounds.seconds))
        self._beginnings = Beginnings(context, path, self._standing, self._budget, self.fork)
        self._members: list[Attempt | Run] = []
        self._asked = self._gathered = self._composed = 0
        self._findings = Findings()
        self._advice: Advice = advice(self) if advice else NoAdvice()
        self.lessons: list[str] = []
        """What it wants to remember of the repository, if the settings let it."""

    @property
    def settings(self) -> Settings:
        """Of the run."""
        return self._context.settings

    @property
    def task(self) -> Task:
        """What is to be resolved."""
        return self._context.task

    @property
    def test_command(self) -> str:
        """How the project runs its tests; empty when nobody knows.

        Raises:
            SandboxError: no environment could be made.
        """
        return self._context.workplace.test_command

    @property
    def notes(self) -> str:
        """What earlier runs noted of the repository; empty unless `memory` is on."""
        return self._context.notes

    def recall(self) -> None:
        """Look up, once for the whole run, what earlier ones noted of the repository."""
        asked = digest("recall")
        mark = self._standing.next(StepDone, asked, "recall what was noted of the repository")
        self._context.notes = result_of(mark)["text"] if mark else recall(self.task.repository).text
        self._standing.consume(mark, "recall", asked, {"text": self._context.notes})

    def remember(self) -> None:
        """Note what was seen of the repository, for later runs."""
        proofs = [item.candidate.proof for item in self.evidence.items if item.candidate.proof]
        questions = [proof.question for proof in proofs if proof.question]
        command = questions[0].test_command if questions else ""
        try:
            remember(self.task.repository, proofs, self.lessons, test_command=command, lacks=self._context.lacks)
        except (StorageError, LockedElsewhereError, OSError) as error:
            # What is remembered only helps: it must not cost the run.
            self.note(f"nothing was remembered of the repository: {error}")

    def note(self, text: str) -> None:
        """Tell people something, in one line."""
        self._context.note(text)

    @cached_property
    def random(self) -> random.Random:
        """Chance that is the same each time the run is resumed, and another for each item of `gather`."""
        seed = hashlib.sha256(f"{self.task.id}|{self.task.repository.base_commit}|{self._path}".encode()).digest()
        return random.Random(seed)  # noqa: S311 (chance for strategies, no secret)

    @property
    def index(self) -> "Index":
        """What is known of the repository at its base: files, definitions, words, imports; it is only read.

        Raises:
            GitError: the base commit is no longer there.
        """
        return self._context.index

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Those that were begun, in their order; those of gathered items where they were gathered."""
        found: list[Attempt] = []
        for member in self._members:
            found += member.attempts if isinstance(member, Run) else (member,)
        return tuple(found)

    @property
    def left(self) -> Left:
        """What it may still use; while a resumed one repeats what it did, as it was then."""
        return self._standing.left

    def check_settings(self) -> None:
        """See that what the settings add to a choice can be used, before anything is spent.

        Raises:
            UsageError: it cannot.
        """
        self._advice.check()

    def check(self, **changes: Any) -> None:
        """See that an attempt with these settings could be made, before anything is spent.

        Raises:
            UsageError: it could not.
        """
        policy_for(with_changes(self.settings, changes), self._context.budget)

    def attempt(self, role: str = "coder", *, share: float = 1.0, **changes: Any) -> Attempt:
        """Begin an attempt.

        Args:
            role: for people; it is part of the attempt's name.
            share: the part of what the run has left that it may use; all of it sets no limits of its own but the time.
            changes: settings of this attempt, nested as the settings are: `model={"temperature": 0.7}`.

        Raises:
            StrategyChangedError: the log of a resumed run holds another attempt in this place.
            UsageError: its settings cannot be used.
        """
        begun = self._beginnings.begin(role, share, changes)
        self._members.append(begun)
        if self.notes:
            begun.say(self.notes)
        return begun

    def fork(self, attempt: Attempt, role: str | None = None, *, share: float = 1.0, **changes: Any) -> Attempt:
        """Begin an attempt with what another one was told, said and did, in a fresh sandbox with its work tree.

        Args:
            attempt: of this run, or of one that it was gathered by; it must not be at work.
            role: for people; None takes the other one's.
            share: as for `attempt`.
            changes: to the settings of the other one.

        Raises:
            StrategyChangedError: the log of a resumed run holds another attempt in this place.
            UsageError: its settings cannot be used.
        """
        begun = self._beginnings.begin(role or attempt.role, share, changes, attempt)
        self._members.append(begun)
        return begun

    def ask(
        self, messages: Sequence[Message], answer: type[_A], n: int = 1, *, role: str = "ask", **changes: Any
    ) -> tuple[_A, ...]:
        """Ask a model for typed answers, without a sandbox; each is one forced call of a tool with the answer's fields.

        The answers are independent samples, made side by side. Each has an equal share of what the run has left.

        Args:
            messages: what is asked.
            answer: the kind of answer; the model is told its docstring and its fields' descriptions.
            n: how many.
            role: who asks, in the report of what was spent.
            changes: settings for this question, nested as the settings are: `model={"temperature": 0.8}`.

        Returns:
            The answers; fewer than `n` where a limit, or a model that gives none that can be used, stood in the way.

        Raises:
            RunCutError: the model cannot be reached.
            StrategyChangedError: the log of a resumed run holds another question in this place.
            UsageError: the settings cannot be used.
        """
        self._asked += 1
        scope = f"{self._path}ask{self._asked}"
        settings = with_changes(self.settings, changes) if changes else self.settings
        texts = [message.model_dump(mode="json") for message in messages]
        asked = digest("ask", texts, schema_of(answer), n, role, open_values(changes))
        mark = self._standing.next(StepDone, asked, f"ask for {answer.__name__}")
        part = self.left.part(1 / n)
        scopes = [scope] if n == 1 else [f"{scope}.{number}" for number in range(1, n + 1)]
        questions = [Question(self._context, own, settings, role, self._budget, part) for own in scopes]
        found = self._side_by_side([partial(question.ask, messages, answer) for question in questions])
        answers = tuple(item for item in found if item is not None)
        self._standing.consume(mark, "ask", asked, {"answers": len(answers), "of": n})
        return answers

    def compose(self, edits: str) -> Candidate:
        """Make a candidate from edits as text, without a sandbox.

        Args:
            edits: search/replace blocks, a unified diff, or `apply_patch`, against the base.

        Returns:
            The candidate; where the edits cannot be applied its patch is empty, and `patch.blocked` says why.

        Raises:
            StrategyChangedError: the log of a resumed run holds something else in this place.
        """
        self._composed += 1
        asked = digest("compose", edits)
        mark = self._standing.next(StepDone, asked, "compose a candidate")
        known = self._context.candidates.get(result_of(mark).get("candidate", -1)) if mark else None
        if known is None:
            allowed = self.settings.verify
            consent = Consent(frozenset(), allowed.allow_tests, allowed.allow_protected, allowed.allow_binaries)
            patch = patch_of_edits(self.task.repository, edits, consent)
            known = self._context.candidates.add(patch, f"{self._path}composed{self._composed}")
        self._standing.consume(mark, "compose", asked, {"candidate": known.number})
        return known.unjudged

    def reproduction(self, text: str, path: str = "", command: str = "") -> Reproduction:
        """A reproduction from its text, without a sandbox; whether it shows the issue is seen when it is verified.

        Args:
            text: of the file.
            path: relative to the root; the name tells whether it is a test. Empty for a Python script.
            command: how it is run from the root; empty for the usual way.
        """
        path = path or f"reproduce_{hashlib.sha256(text.encode()).hexdigest()[:8]}.py"
        tests = self._context.workplace.test_command
        return Reproduction(
            path=path,
            content=text,
            command=command or reproduction_command(path, tests),
            kind="test" if is_run_as_test(path, tests) and not command else "script",
        )

    def gather(self, function: Callable[["Run", _I], _R], items: Iterable[_I]) -> list[_R]:
        """Call a function for each item, side by side; results in the order of the items.

        Each call gets a run of its own: its steps have a path of their own in the log, its chance is its own, and it
        has an equal share of the money and the time that are left, so that nothing depends on who is faster.

        Args:
            function: called with the item's run and the item. It uses that run, and no other.
            items: of the calls.

        Raises:
            StrategyChangedError: the log of a resumed run holds something else in this place.
        """
        listed = list(items)
        self._gathered += 1
        asked = digest("gather", len(listed))
        mark = self._standing.next(StepDone, asked, f"gather {len(listed)} items")
        part = self.left.part(1 / max(1, len(listed)))
        runs = [self._child(f"{self._path}{self._gathered}.{number}/", part) for number in range(1, len(listed) + 1)]
        self._members += runs
        results = self._side_by_side([partial(function, run, item) for run, item in zip(runs, listed, strict=True)])
        for run in runs:
            self._findings.absorb(run._findings)
            self.lessons += run.lessons
        self._standing.consume(mark, "gather", asked, {"items": len(listed)})
        return results

    def _side_by_side(self, calls: Sequence[Callable[[], _R]]) -> list[_R]:
        return side_by_side(calls, self.settings.strategy.workers, self._context.stop)

    def _child(self, path: str, part: Left) -> "Run":
        budget = Budget(part.dollars, part.tokens, parent=self._budget)
        budget.start_from(self._context.log.spending_of(path))
        return Run(self._context, path, part, budget)

    @property
    def evidence(self) -> Evidence:
        """The best candidate of each attempt and the composed ones that were verified, with what the pool said."""
        found = self._findings
        own = [[found.best_known(item) for item in attempt.candidates] for attempt in self.attempts]
        scopes = {attempt.scope for attempt in self.attempts}
        others = [item for item in found.candidates.values() if item.attempt not in scopes]
        return found.evidence([*(best_of(items) for items in own if items), *others])

    def verify(
        self,
        candidates: Sequence[Candidate],
        reproductions: Sequence[Reproduction] = (),
        *,
        weakening: Sequence[Reproduction] = (),
        weakened_by: int = 1,
        until: Verdict | None = None,
    ) -> Evidence:
        """Judge candidates: a proof for each that has none yet, and each reproduction run on every candidate.

        Args:
            candidates: taken from attempts, or composed.
            reproductions: the pool. They rank candidates, and change the verdict of none that has brought its own; one
                that was composed is proved by the first that it passes.
            weakening: reproductions that may only turn `verified` into `unverified`.
            weakened_by: how many of them have to fail for that.
            until: stop proving candidates once one has this verdict; None proves them all.

        Raises:
            StrategyChangedError: the log of a resumed run holds another verification in this place.
            SandboxError: no environment could be made.
        """
        names = partial(self._findings.named, attempts=self.attempts, path=self._path)
        pool, weakeners = names(reproductions), names(weakening)
        shas = [item.patch.sha256 for item in candidates]
        texts = [[item.model_dump(mode="json") for item in group.values()] for group in (pool, weakeners)]
        asked = digest("verify", shas, texts, weakened_by, until)
        mark = self._standing.next(StepDone, asked, f"verify {len(candidates)} candidates")
        result = (
            result_of(mark)
            if mark
            else judge_in_time(self._context, self._path, self.left.seconds, candidates, pool, weakeners, until)
        )
        found, judged = self._findings, list[Candidate]()
        found.ask(pool, weakeners, weakened_by)
        rows = zip(candidates, result["proofs"], result["passes"], result["weakening"], strict=True)
        for item, has_proof, passes, weak in rows:
            kept = self._context.candidates.get(item.number) if has_proof else None
            judged.append(kept or item)
            found.add(judged[-1], pool, passes)
            found.add(judged[-1], weakeners, weak)
        self._standing.consume(mark, "verify", asked, result, float(result.get("seconds", 0.0)))
        return found.evidence(judged, pool, weakeners)

    def compare(self) -> Evidence:
        """Run the reproductions of all attempts on the best candidates of all; nobody's verdict changes by that.

        Raises:
            StrategyChangedError: the log of a resumed run holds another comparison.
            SandboxError: no environment could be made.
        """
        attempts = self.attempts
        best = [best for attempt in attempts if (best := attempt.best) and best.patch]
        self.verify(best, [shown for attempt in attempts if (shown := attempt.shown_reproduction)])
        return self.evidence

    def choose(self, selector: Selector, evidence: Evidence) -> Choice:
        """Let a selector choose what is delivered.

        Args:
            selector: any function from evidence to a choice.
            evidence: what it is given; of several candidates also the normal forms of their patches.

        Raises:
            StrategyChangedError: it chooses another candidate than before the run was resumed.
        """
        chooser, evidence = self._advice.before(selector, evidence)
        evidence = with_normal_forms(self.task.repository, evidence)
        choice = chooser(evidence)
        choice = self._advice.after(selector, choice, evidence)
        chosen = choice.candidate
        asked = digest("choose", choice.selector, chosen.patch.sha256 if chosen else None)
        mark = self._standing.next(CandidateChosen, asked, "choose another candidate")
        self._standing.reach(
            mark,
            CandidateChosen(
                scope=self._path,
                digest=asked,
                selector=choice.selector,
                candidate=chosen.number if chosen else None,
                attempt=chosen.attempt if chosen else "",
                reason=choice.reason,
                abstained=choice.abstained,
            ),
        )
        return choice
