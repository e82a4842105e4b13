"""Pull official images ahead of need and remove them behind it."""

import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from sweagent.batch.data.instances import Instance
from sweagent.batch.drive.engine_images import engine, engine_answers, layers_of, pull_once, remove_image
from sweagent.errors import SandboxError, StorageError
from sweagent.frozen import Frozen
from sweagent.run_folder import RunFolder
from sweagent.sandbox.engine import find_image

ImagePolicy = Literal["auto", "official", "own"]
"""`official`: the data set's image or none; `own`: always one that the product builds; `auto`: official, else own."""

_NOT_THERE = ("not found", "manifest unknown", "denied", "no such image", "does not exist")
_PULLED = ".pulled-images.json"


class Held(Frozen):
    """An image that stays while it is held."""

    name: str | None
    """None when there is no official image, so that one must be built."""
    bytes: int = 0
    """Its size on disk, with what it shares with others."""


def image_names(instance: Instance) -> tuple[str, ...]:
    """The names under which an instance's official image may be found, the best first.

    A record of the 5.x form says it. For the 4.x form it follows from the id: the published name, in which a double
    underscore is written `_1776_`, and the name of an image that the official package built on this machine.
    """
    if instance.image:
        return (instance.image,)
    if not instance.version:
        return ()
    name = instance.instance_id.lower()
    return (
        f"swebench/sweb.eval.x86_64.{name.replace('__', '_1776_')}:latest",
        f"sweb.eval.x86_64.{name}:latest",
    )


class Images:
    """Hands out images. All methods may be called from any thread.

    Args:
        folder: of the batch; what was pulled is remembered there, so that a resumed batch removes it too.
        limit: bytes that the images which the batch pulled may take together; images that were there before do not
            count and are never removed.
        policy: which images are wanted.
        note: receives lines for people about what is going on.
        attempts: pulls of one image before a failure counts.
        pause: seconds before the second pull; doubled each time.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limit: int,
        policy: ImagePolicy = "auto",
        note: Callable[[str], None] = lambda text: None,
        attempts: int = 3,
        pause: float = 2.0,
    ) -> None:
        self._folder = RunFolder(folder)
        self._limit = limit
        self._policy = policy
        self._note = note
        self._attempts = attempts
        self._pause = pause
        self._lock = threading.RLock()
        self._by_name: dict[str, threading.Lock] = {}
        self._users: Counter[str] = Counter()
        self._layers: OrderedDict[str, dict[str, int]] = OrderedDict()
        """Of each image that the batch pulled, the least recently used first: its layers with their sizes."""
        self._missing: set[str] = set()
        self._silent: set[str] = set()
        """Registries that did not answer; they are asked once for each further image."""
        self._stopped = threading.Event()
        self._recall()

    @contextmanager
    def hold(self, instance: Instance) -> Iterator[Held]:
        """Find or pull an instance's image and keep it until the block ends.

        Raises:
            SandboxError: no engine answers, or the image cannot be pulled; with `official` also when there is none.
        """
        names = image_names(instance) if self._policy != "own" else ()
        with self._lock:
            self._users.update(names)
        try:
            yield self._get(instance, names)
        finally:
            with self._lock:
                self._users.subtract(names)
            with suppress(SandboxError):
                self.evict()

    def prefetch(self, instances: Sequence[Instance]) -> None:
        """Pull the images of instances that are about to run, one after the other, as long as the limit has room.

        What cannot be pulled now is tried again, and reported, when it is needed.
        """
        for instance in instances:
            if self._stopped.is_set() or self.used >= self._limit:
                return
            with suppress(SandboxError):
                self._get(instance, image_names(instance) if self._policy != "own" else ())

    def stop(self) -> None:
        """Start no further pull."""
        self._stopped.set()

    @property
    def used(self) -> int:
        """Bytes of the images that the batch pulled, layers that they share counted once."""
        with self._lock:
            sizes = {layer: size for layers in self._layers.values() for layer, size in layers.items()}
        return sum(sizes.values())

    def evict(self, *, everything: bool = False) -> tuple[str, ...]:
        """Remove images that the batch pulled and nobody holds, the least recently used first, until the limit is kept.

        Args:
            everything: remove all that nobody holds, limit or not: the disk is full.

        Returns:
            The names of what was removed.

        Raises:
            SandboxError: no engine answers.
        """
        removed: list[str] = []
        with self._lock:
            idle = [name for name in self._layers if self._users[name] <= 0]
            if not idle or (self.used <= self._limit and not everything):
                return ()
            with engine(120) as client:
                for name in idle:
                    if self.used <= self._limit and not everything:
                        break
                    if remove_image(client, name):
                        del self._layers[name]
                        removed.append(name)
            self._remember()
        for name in removed:
            self._note(f"removed the image {name}")
        return tuple(removed)

    def _get(self, instance: Instance, names: Sequence[str]) -> Held:
        for name, pull in [*((name, False) for name in names), *((name, True) for name in names if "/" in name)]:
            found = self._ready(name, pull=pull)
            if found is not None:
                return Held(name=name, bytes=found)
        if self._policy == "official":
            raise SandboxError(
                f"there is no official image of {instance.instance_id}",
                "check the data set, log in with `docker login`, or let the product build one with --images auto",
            )
        return Held(name=None)

    def _ready(self, name: str, *, pull: bool) -> int | None:
        """The size of an image that is here, after it was pulled if need be; None when it cannot be had."""
        with self._lock:
            mine = self._by_name.setdefault(name, threading.Lock())
        with mine, engine(600) as client:
            image = find_image(client, name)
            if image is None and pull and name not in self._missing:
                image = self._pull(client, name)
            if image is None:
                return None
            with self._lock:
                if name in self._layers:
                    self._layers.move_to_end(name)
            return int(image.attrs.get("Size") or 0)

    def _pull(self, client: Any, name: str) -> Any | None:
        """Pull an image; None when the registry does not have it or, unless it must be official, does not answer."""
        registry = name.partition("/")[0]
        attempts = 1 if registry in self._silent else self._attempts
        said = ""
        for attempt in range(1, attempts + 1):
            self._note(f"pulling {name}")
            image, said = pull_once(client, name)
            if image is not None:
                self._enter(client, name, image)
                return image
            if any(word in said.lower() for word in _NOT_THERE):
                self._missing.add(name)
                return None
            self._note(f"cannot pull {name} (attempt {attempt} of {attempts}): {said}")
            if attempt < attempts and self._stopped.wait(self._pause * 2 ** (attempt - 1)):
                break
        if self._policy == "official" or not engine_answers(client):
            raise SandboxError(f"cannot pull {name}: {said}", "see `fix-issue doctor`")
        self._silent.add(registry)
        self._missing.add(name)
        return None

    def _enter(self, client: Any, name: str, image: Any) -> None:
        with self._lock:
            self._layers[name] = layers_of(client, image)
            self._remember()
        self.evict()

    def _remember(self) -> None:
        """Keep what was pulled; where the disk is full, which is when images are removed, only say so."""
        try:
            self._folder.write(self._folder.path / _PULLED, json.dumps(self._layers))
        except StorageError as error:
            self._note(f"cannot keep the list of pulled images: {error}")

    def _recall(self) -> None:
        with suppress(OSError, ValueError):
            self._layers.update(json.loads((self._folder.path / _PULLED).read_text("utf-8")))
