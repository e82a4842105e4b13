"""What the attempts of a run share: task, log, budget, environment."""

import hashlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from contextvars import copy_context
from typing import TYPE_CHECKING

from sweagent.agent.steering import Steering
from sweagent.config import Settings
from sweagent.patch_store import Candidates
from sweagent.policy import Budget, Waiting, preload
from sweagent.run.record import RunLog
from sweagent.sandbox import Sandbox
from sweagent.sandbox_factory import Workplace, prepare
from sweagent.stop_token import StopToken
from sweagent.task import Task
from sweagent.verify import KeptResults, VerifyProgress

if TYPE_CHECKING:
    from sweagent.code import Index

_LOG = logging.getLogger("sweagent.run")

HINT_TOKENS = 400
"""How much of the first prompt the localiser's hints may take."""

HINT_SHARE = 0.03
"""Of the belief, below which a definition is no hint: of those with less, 2 in 100 are right, of those with more, 22.

`benchmarks/localise.py` prints what each threshold leaves; see docs/measurements/aci.md.
"""

Note = Callable[[str], None]


class RunContext:
    """Owns what is made once for all attempts, each when it is first needed.

    Args:
        task: what to resolve.
        settings: of the run.
        candidates: those that were taken so far.
        run_id: the label of its sandboxes.
        log: of the run.
        stack: closes everything at the end of the run.
        note: receives lines for people about what is being prepared.
        waiting: receives the waits for the model's provider.
        stop: asks the run to end at its next step.
        verifying: receives the progress of verifications; None writes it as notes.
        steering: what a person does to the run meanwhile.
    """

    def __init__(
        self,
        task: Task,
        settings: Settings,
        candidates: Candidates,
        run_id: str,
        log: RunLog,
        stack: ExitStack,
        note: Note,
        waiting: Waiting,
        stop: StopToken,
        verifying: Callable[[VerifyProgress], None] | None,
        steering: Steering,
    ) -> None:
        self.task = task
        self.settings = settings
        self.log = log
        self.note = note
        self.waiting = waiting
        self.stop = stop
        self.verifying = verifying
        self.steering = steering
        self.candidates = candidates
        self.notes = ""
        """What earlier runs noted of the repository."""
        self.budget = Budget(settings.limits.cost, settings.limits.tokens, record=log.record)
        self.budget.start_from(log.spending)
        self.kept = KeptResults(int(hashlib.sha256(run_id.encode()).hexdigest()[:8], 16))
        self._run_id = run_id
        self._stack = stack
        self._pool = stack.enter_context(ThreadPoolExecutor(max_workers=2))
        self._hints: Future[str] | None = None
        self._lock = threading.RLock()
        self._loading: Future[None] | None = None
        self._workplace: Workplace | None = None
        self._index: Index | None = None

    def begin(self) -> None:
        """Begin in the background with what the first attempt will need."""
        self.loading  # noqa: B018 (the first look begins it)
        if self.settings.hints and not self.log.past:
            self._begin_hints()

    @property
    def loading(self) -> "Future[None] | None":
        """The import of what calls models."""
        with self._lock:
            if self._loading is None and not self.settings.policy:
                self._loading = self._pool.submit(preload)
            return self._loading

    @property
    def index(self) -> "Index":
        """What is known of the repository at its base.

        Raises:
            GitError: the base commit is no longer there.
        """
        from sweagent.code import open_index

        with self._lock:
            if self._index is None:
                self._index = open_index(self.task.repository.git_dir, self.task.repository.base_commit)
            return self._index

    @property
    def lacks(self) -> tuple[str, ...]:
        """What the environment is known to lack, as far as it was made."""
        return self._workplace.lacks if self._workplace else ()

    @property
    def workplace(self) -> Workplace:
        """The environment; it is made when it is first asked for.

        Raises:
            SandboxError: it cannot be made.
        """
        with self._lock:
            if self._workplace is None:
                made = prepare(self.task, self.settings, self._run_id, self._prepared, budget=self.budget)
                self._workplace = self._stack.enter_context(made)
            return self._workplace

    def _prepared(self, text: str) -> None:
        """Tell people what is prepared, and stop between two steps of it when somebody asks for that."""
        self.note(text)
        self.stop.check()

    def open_for_judgement(self, workplace: Workplace) -> AbstractContextManager[Sandbox]:
        """Open a sandbox for one command of a verification, which stops between two commands when it is asked to."""
        self.stop.check()
        return workplace.open()

    def hints(self) -> str:
        """What the localiser says of the issue; empty when it is not wanted."""
        if not self.settings.hints:
            return ""
        return self._begin_hints().result()

    def _begin_hints(self) -> Future[str]:
        with self._lock:
            self._hints = self._hints or self._pool.submit(copy_context().run, self._localise)
            return self._hints

    @property
    def seconds_left(self) -> float:
        """Wall time that policies, actions and verifications may still take, all attempts together."""
        return self.settings.limits.seconds - self.log.seconds

    def _localise(self) -> str:
        from sweagent.code import hints, locate, open_index

        repository = self.task.repository
        try:
            index = open_index(repository.git_dir, repository.base_commit)
            return hints(locate(index, self.task.issue.text), HINT_TOKENS, HINT_SHARE)
        except Exception as error:
            # The policy can do without them: a fault here must not cost the run.
            _LOG.exception("no hints")
            self.note(f"no hints: {type(error).__name__}: {error}")
            return ""
