"""Run one command in a fresh container of an environment."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sweagent.environment.docker_build import LABEL
from sweagent.environment.recipe import Image
from sweagent.sandbox.engine import engine_failures

if TYPE_CHECKING:
    from docker import DockerClient

_MEMORY = "4g"
_LINES = 60_000
_KEPT = 8_000_000
"""Characters of the output that are read; a test has a line of its own."""

_IPV6 = {"net.ipv6.conf.all.disable_ipv6": "0"}
"""The engine turns ::1 off where it gives no network; many tests open it."""


def run_in_container(client: "DockerClient", image: Image, command: str, seconds: float) -> tuple[int, str]:
    """Run a command without a network and without capabilities.

    Args:
        client: of the engine.
        image: the environment.
        command: for a shell, in the work tree.
        seconds: its limit.

    Returns:
        The exit status (124 or 137 at the limit) and the end of what was printed.

    Raises:
        DockerException, RequestException: the engine fails.
    """
    from docker.types import LogConfig

    container = client.containers.run(
        image.name,
        # An interrupt at the limit lets the runner print its counts so far.
        ["timeout", "-s", "INT", "-k", "20", str(int(seconds)), "/bin/sh", "-c", command],
        detach=True,
        working_dir=image.workdir,
        environment=dict(image.environment),
        network_mode="none",
        mem_limit=_MEMORY,
        memswap_limit=_MEMORY,
        pids_limit=1024,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        # Tests that print without end must not fill the engine's disk.
        log_config=LogConfig(type="json-file", config={"max-size": "64m"}),
        init=True,
        sysctls=_IPV6 if Path("/proc/sys/net/ipv6").exists() else {},
        labels={LABEL: "smoke"},
    )
    try:
        status: int = container.wait(timeout=seconds + 60)["StatusCode"]
        return status, container.logs(tail=_LINES).decode("utf-8", "replace")[-_KEPT:]
    finally:
        # What is left behind must not cost the result; a label tells whose it is.
        with suppress(*engine_failures(OSError)):
            container.remove(force=True)
