"""A sandbox of each kind, shared by the tests of a module."""

from collections.abc import Iterator

import pytest

from sweagent.config import SandboxSettings
from sweagent.sandbox import Sandbox, open_sandbox, probe


@pytest.fixture(scope="module", params=[pytest.param("docker", marks=pytest.mark.docker), "bubblewrap", "local"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    kind = request.param
    if kind == "bubblewrap" and not probe(kind).works:
        pytest.skip(probe(kind).problem)
    image = request.getfixturevalue("offline_image") if kind == "docker" else None
    with open_sandbox(SandboxSettings(kind=kind, image=image, memory="256m", disk="64m"), run_id="tests") as opened:
        yield opened


@pytest.fixture(autouse=True)
def _back_to_the_start(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "sandbox" in request.fixturenames:
        opened = request.getfixturevalue("sandbox")
        opened.run(f"cd {opened.workdir}")
