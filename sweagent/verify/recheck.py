"""What a verdict was asked of, to give it again elsewhere."""

from pathlib import Path

from sweagent.errors import UsageError
from sweagent.patch import Patch
from sweagent.repository.git_address import without_credentials
from sweagent.task import Issue, Repository, Task
from sweagent.verify.plan import Inputs
from sweagent.verify.proof import Proof, Question

LARGEST = 8_000_000
"""Characters of patch, reproductions and issue that travel with a proof."""


def question_of(patch: Patch, inputs: Inputs, seconds: float, hash_seed: int | None = None) -> Question | None:
    """What is kept of a verification; None where it is too large to travel.

    What the user allowed or accepted is not kept: it has to come from whoever asks again.
    """
    task = inputs.task
    question = Question(
        source=portable(task.repository.source),
        uncommitted=task.repository.dirty_patch,
        patch=patch.text,
        issue_text=task.issue.text,
        reproduction=inputs.reproduction,
        replaces=inputs.replaces,
        named_tests=inputs.named_tests,
        test_command=inputs.test_command,
        oracle=inputs.oracle,
        image=task.image,
        given_test_command=task.test_command,
        setup_command=task.setup_command,
        seconds=seconds,
        hash_seed=hash_seed,
    )
    return question if len(question.model_dump_json()) <= LARGEST else None


def asked(proof: Proof) -> Question:
    """The question of a proof.

    Raises:
        UsageError: the proof does not hold it.
    """
    if proof.question is None:
        raise UsageError(
            "the proof does not hold the patch and the reproductions",
            f"it is of an older version, or they have more than {LARGEST:,} characters: use `fix-issue verify`",
        )
    return proof.question


def task_again(proof: Proof, question: Question, repository: Repository) -> Task:
    """The task of a proof in a repository that is there on this machine."""
    return Task(
        id=proof.task_id,
        repository=repository.model_copy(update={"dirty_patch": question.uncommitted, "name": proof.repository}),
        issue=Issue(title=proof.issue, body=question.issue_text.strip().removeprefix(proof.issue.strip()).strip()),
        image=question.image,
        test_command=question.given_test_command,
        setup_command=question.setup_command,
    )


def portable(source: str) -> str:
    """A repository as the user named it, from any folder, and without a user's name and password in a URL."""
    if "://" not in source and Path(source).exists():
        return str(Path(source).resolve())
    return without_credentials(source)
