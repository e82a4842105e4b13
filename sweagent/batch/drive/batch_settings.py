"""The settings of a batch, and what of them cannot be used."""

from collections.abc import Iterable
from pathlib import Path

from sweagent.batch.data.instances import Instance
from sweagent.batch.drive.official_images import ImagePolicy
from sweagent.batch.drive.user_code import refuse_what_stays
from sweagent.batch.nodes.dispatcher import SILENCE
from sweagent.config import Settings
from sweagent.errors import UsageError
from sweagent.frozen import Frozen
from sweagent.policy import Budget, policy_for, with_token_limit
from sweagent.run.strategy import load_strategy
from sweagent.tool_api import load_tools


class BatchSettings(Frozen):
    """How a batch is run; the settings of each run are apart."""

    workers: int | None = None
    """Instances at a time, at each node; None for four on this machine, and what each other one has."""
    cost: float | None = None
    """US dollars of all instances together."""
    seconds: float | None = None
    """Wall time of this process, by a monotonic clock."""
    images: ImagePolicy = "auto"
    disk_limit: str = "60g"
    """What the images that the batch pulls may take together, at each node."""
    ahead: int = 2
    """How many instances ahead images are pulled."""
    retries: int = 3
    """How often failures of the infrastructure are retried, for each instance."""
    pause: float = 2.0
    """Seconds before the first retry; doubled each time."""
    patience: float = 300.0
    """Seconds that a retry waits for the engine to come back, or for disk space, and the batch for a node."""
    failures: int = 20
    """This many instances in a row that the infrastructure failed stop the batch: the next ones would fail too."""
    repositories: Path | None = None
    """A folder with local clones."""
    slots: int = 1
    """Slots of a node that one instance takes."""
    memory: str = ""
    """What one instance may need, such as `8g`; empty when nobody knows."""
    silence: float = SILENCE
    """Seconds without a word after which a node counts as lost, and stops its work itself."""


def usable(settings: Settings, batch: BatchSettings, *, remote: bool) -> Settings:
    """The settings of each run, refused here for what would otherwise fail every instance.

    Raises:
        UsageError: a setting of the batch or of its runs cannot be used.
    """
    if (batch.workers if batch.workers is not None else 1) < 1:
        raise UsageError("a batch needs a worker", "give --workers 1 or more")
    if batch.cost is not None and settings.limits.cost is None:
        raise UsageError("a limit for the batch's cost needs one for each instance", "give --max-cost (limits.cost)")
    if batch.repositories is not None and not batch.repositories.is_dir():
        raise UsageError(f"there is no folder {batch.repositories}", "give --repositories a folder with clones")
    # What one instance taught would help another: their results would hang together.
    kept = with_token_limit(settings).model_copy(update={"memory": False})
    if batch.cost is not None and kept.limits.tokens != settings.limits.tokens:
        raise UsageError(
            f"the price of {settings.model.name} is unknown, so the batch's limit of ${batch.cost} cannot be kept",
            "limit tokens instead (--max-tokens), or give the price in a models file (`fix-issue models` shows how)",
        )
    if remote:
        # A node looks at its own keys.
        refuse_what_stays(kept)
        if batch.repositories is not None:
            raise UsageError(
                "--repositories is a folder of this machine",
                "give it to the nodes: python -I -m sweagent.batch.node --repositories FOLDER",
            )
    else:
        policy_for(kept, Budget(kept.limits.cost, kept.limits.tokens))
    load_tools(kept.tools, kept.tool_folders)
    load_strategy(kept.strategy)
    return kept


def refuse_local_paths(instances: Iterable[Instance]) -> None:
    """Refuse instances whose repository is on this machine only.

    Raises:
        UsageError: there is one.
    """
    for instance in instances:
        if instance.repo.startswith(("/", ".", "~", "file:")):
            raise UsageError(
                f"the repository of {instance.instance_id} is a path of this machine, which other machines do not have",
                "name it owner/name or by its URL; nodes look for it in their own --repositories folder first",
            )
