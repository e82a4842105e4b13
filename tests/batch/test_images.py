"""Official images, pulled from a registry on this machine by the real engine."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError, DockerException
from requests.exceptions import ConnectTimeout

from sweagent.batch.data.instances import Instance
from sweagent.batch.drive.official_images import Images, image_names
from sweagent.errors import SandboxError, StorageError
from sweagent.run_folder import RunFolder
from sweagent.sandbox.engine import as_engine_failure

sys.path.append(str(Path(__file__).parents[1] / "support"))

from engine_proxy import EngineProxy
from image_registry import ImageRegistry

SIZE = 200_000


def instance(name: str = "a__b-1", **fields: Any) -> Instance:
    return Instance(instance_id=name, repo="a/b", base_commit="1", problem_statement="x", **fields)


def test_name_of_the_new_form_is_the_only_one() -> None:
    assert image_names(instance(image="registry.example/x:1", version="2")) == ("registry.example/x:1",)


def test_names_of_the_old_form_follow_from_the_id() -> None:
    assert image_names(instance("Django__django-11099", version="3.0")) == (
        "swebench/sweb.eval.x86_64.django_1776_django-11099:latest",
        "sweb.eval.x86_64.django__django-11099:latest",
    )


def test_pair_of_ones_own_has_no_official_image() -> None:
    assert image_names(Instance(instance_id="a-1", repo="a/b", issue="7")) == ()


@pytest.fixture
def registry() -> Iterator[ImageRegistry]:
    with ImageRegistry() as made:
        yield made
        for name in made.names:
            if present(name):
                subprocess.run(["docker", "rmi", "-f", name], check=True, stdout=subprocess.DEVNULL, timeout=60)


def unlike(seed: int) -> bytes:
    """Bytes that no other image of this engine has."""
    return os.urandom(SIZE) + bytes([seed])


def present(name: str) -> bool:
    return subprocess.run(["docker", "inspect", name], check=False, capture_output=True, timeout=60).returncode == 0


@pytest.mark.docker
def test_image_is_pulled_once_for_many_who_want_it_at_the_same_time(registry: ImageRegistry, tmp_path: Path) -> None:
    wanted = instance(image=registry.add("one", [unlike(1)]))
    said: list[str] = []
    images = Images(tmp_path, limit=10**9, note=said.append)
    together = threading.Barrier(4)
    held: list[str | None] = []

    def want() -> None:
        together.wait(10)
        with images.hold(wanted) as got:
            held.append(got.name)

    threads = [threading.Thread(target=want) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert held == [wanted.image] * 4
    assert said == [f"pulling {wanted.image}"]


@pytest.mark.docker
def test_registry_that_fails_at_first_is_asked_again(registry: ImageRegistry, tmp_path: Path) -> None:
    wanted = instance(image=registry.add("late", [unlike(1)]))
    registry.failures = 2
    said: list[str] = []

    with Images(tmp_path, limit=10**9, pause=0.0, note=said.append, policy="official").hold(wanted) as held:
        assert held.name == wanted.image
        assert held.bytes >= SIZE

    assert any("attempt 1 of 3" in text for text in said)


@pytest.mark.docker
@pytest.mark.parametrize("failures", [0, 1000])
def test_image_that_cannot_be_had_is_left_to_the_product_or_refused(
    failures: int, registry: ImageRegistry, tmp_path: Path
) -> None:
    registry.failures = failures
    wanted = instance(image=f"{registry.address}/nowhere:latest")

    with Images(tmp_path, limit=10**9, pause=0.0).hold(wanted) as held:
        assert held.name is None
    with pytest.raises(SandboxError), Images(tmp_path, limit=10**9, pause=0.0, policy="official").hold(wanted):
        pass


@pytest.mark.docker
def test_own_images_are_wanted_so_none_is_pulled(registry: ImageRegistry, tmp_path: Path) -> None:
    wanted = instance(image=registry.add("unused", [unlike(1)]))

    with Images(tmp_path, limit=10**9, policy="own").hold(wanted) as held:
        assert held.name is None

    assert registry.pulls["unused"] == 0


@pytest.mark.docker
def test_disk_limit_removes_what_is_behind_and_keeps_what_is_held(registry: ImageRegistry, tmp_path: Path) -> None:
    shared = unlike(0)
    wanted = [instance(f"a-{n}", image=registry.add(f"i{n}", [shared, unlike(n)])) for n in range(4)]
    images = Images(tmp_path, limit=int(2.5 * SIZE))

    with images.hold(wanted[0]):
        images.prefetch(wanted[1:])
        assert present(wanted[0].image)
        assert images.used <= 3.1 * SIZE
    with images.hold(wanted[3]):
        assert present(wanted[3].image)
        assert not present(wanted[0].image)
        assert images.used <= 2.5 * SIZE


@pytest.mark.docker
def test_full_disk_does_not_keep_images_from_being_removed(
    registry: ImageRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = instance(image=registry.add("heavy", [unlike(1)]))
    said: list[str] = []
    images = Images(tmp_path, limit=10**9, note=said.append)
    with images.hold(wanted):
        pass

    def refuse(*_: object) -> None:
        raise StorageError("no space left on device", "free some disk space")

    monkeypatch.setattr(RunFolder, "write", refuse)
    assert images.evict(everything=True) == (wanted.image,)
    assert not present(wanted.image)
    assert "no space left" in " ".join(said)


@pytest.mark.docker
def test_layers_that_images_share_count_once(registry: ImageRegistry, tmp_path: Path) -> None:
    shared = unlike(0)
    images = Images(tmp_path, limit=10**9)

    images.prefetch([instance(f"a-{n}", image=registry.add(f"i{n}", [shared, unlike(n)])) for n in range(3)])

    assert 4 * SIZE <= images.used <= 4.2 * SIZE


@pytest.mark.docker
def test_image_that_was_there_before_is_never_removed(registry: ImageRegistry, tmp_path: Path) -> None:
    mine, other = (instance(f"a-{n}", image=registry.add(f"i{n}", [unlike(n)])) for n in range(2))
    with Images(tmp_path / "before", limit=10**9).hold(mine):
        pass
    images = Images(tmp_path / "batch", limit=1)

    with images.hold(mine):
        pass
    with images.hold(other):
        pass

    assert present(mine.image)
    assert not present(other.image)


@pytest.mark.docker
def test_resumed_batch_still_removes_what_it_pulled_before_the_kill(registry: ImageRegistry, tmp_path: Path) -> None:
    wanted = instance(image=registry.add("early", [unlike(1)]))
    with Images(tmp_path, limit=10**9).hold(wanted):
        pass

    assert Images(tmp_path, limit=10**9).evict(everything=True) == (wanted.image,)
    assert not present(wanted.image)


@pytest.mark.docker
def test_engine_that_fails_over_an_image_is_an_error_of_the_infrastructure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EngineProxy(tmp_path / "engine.sock") as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.url)
        engine.refuse("/images/", 1, "the store is locked")

        with (
            pytest.raises(SandboxError, match="the store is locked"),
            Images(tmp_path, limit=1).hold(instance(version="1")),
        ):
            pass


@pytest.mark.parametrize(
    ("error", "engine"),
    [
        (APIError("500 Server Error", explanation="driver failed"), True),
        (DockerException("no route"), True),
        (ConnectTimeout("no answer"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (ValueError("x"), False),
    ],
)
def test_only_what_the_engine_did_is_waited_out_as_the_engines(error: Exception, engine: bool) -> None:
    assert isinstance(as_engine_failure(error), SandboxError) is engine


def test_engine_that_is_gone_is_an_error_of_the_infrastructure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")

    with pytest.raises(SandboxError, match="engine"), Images(tmp_path, limit=1).hold(instance(version="1")):
        pass
