"""Turn an instance into a task, without its oracle."""

from pathlib import Path

from sweagent.batch.data.instances import Instance
from sweagent.errors import UsageError
from sweagent.forge import read_issue
from sweagent.forge.api.address import remote_options
from sweagent.forge.issues import clean_issue
from sweagent.repository import open_repository
from sweagent.task import Issue, Repository, Task


def make_task(
    instance: Instance,
    *,
    image: str | None,
    repositories: Path | None = None,
) -> Task:
    """Make the task of an instance.

    Of a data set's record it takes the repository, the base commit and the problem statement, and nothing else: no
    hints, no gold patch, no tests. The product's verifier answers the agent, so it is given no oracle either.

    Args:
        instance: what to solve.
        image: an image that holds the environment; None lets the product build one.
        repositories: a folder with local clones, looked at before the network: `owner/name`, `owner__name`,
            `owner+name` or `name`, each with or without `.git`.

    Raises:
        UsageError: the repository, the commit or the issue cannot be used.
        ForgeError: a remote refused or cannot be reached.
    """
    source = local_clone(instance.repo, repositories) or instance.repo
    repository = open_repository(source, base=instance.base_commit or None, **remote_options(source))
    if instance.issue:
        issue = read_issue(instance.issue, repository_source=repository.source, repository_name=repository.name)
    else:
        repository = repository.model_copy(update={"name": instance.repo})
        issue = _stated(instance.problem_statement)
    _refuse_other_base(instance, repository)
    if source != instance.repo:
        # Where this machine has its clone is nobody else's business: the record of the run may travel.
        repository = repository.model_copy(update={"source": instance.repo})
    return Task(id=instance.instance_id, repository=repository, issue=issue, image=image)


def _stated(text: str) -> Issue:
    """The problem statement, with nothing in it that a person would not see, as every other issue."""
    title, _, body = text.strip().partition("\n")
    return clean_issue(Issue(title=title.strip(), body=body.strip())).issue


def local_clone(repo: str, folder: Path | None) -> str | None:
    """The clone of a repository in a folder of clones; None where there is none."""
    if folder is None:
        return None
    owner, _, name = repo.rpartition("/")
    stems = (f"{owner}/{name}", f"{owner}__{name}", f"{owner}+{name}", name) if owner else (name,)
    found = (folder / f"{stem}{ending}" for stem in stems for ending in ("", ".git"))
    return next((str(path.resolve()) for path in found if path.is_dir()), None)


def _refuse_other_base(instance: Instance, repository: Repository) -> None:
    """A short or symbolic name in a record could mean a later commit than its author saw."""
    if instance.base_commit and not repository.base_commit.startswith(instance.base_commit):
        raise UsageError(
            f"{instance.instance_id}: {instance.base_commit!r} is not the hash of a commit",
            "give base_commit as a full hash",
        )
