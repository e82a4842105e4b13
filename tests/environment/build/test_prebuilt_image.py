"""Images that were made elsewhere: looked into once, by as few requests as that takes."""

import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from sweagent.environment import existing_image
from sweagent.errors import EnvironmentBuildError

sys.path.append(str(Path(__file__).parents[2] / "support"))

from engine_proxy import EngineProxy


@pytest.mark.docker
def test_an_image_is_looked_into_once_and_the_engine_tells_its_version_once(
    offline_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    send = requests.Session.send

    def noted(session: requests.Session, request: requests.PreparedRequest, **given: Any) -> Any:
        asked.append(f"{request.method} {request.path_url}")
        return send(session, request, **given)

    first = existing_image(offline_image, "pytest", log=lambda line: None)
    monkeypatch.setattr(requests.Session, "send", noted)
    second = existing_image(offline_image, "other", log=lambda line: None)
    assert second.model_copy(update={"test_command": "pytest"}) == first
    assert any("/images/" in request for request in asked), "the name may lead to another image now"
    assert not [request for request in asked if "/version" in request or "/containers" in request]


@pytest.mark.docker
def test_an_engine_that_drops_the_connection_in_mid_pull_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EngineProxy(tmp_path / "engine.sock") as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.url)
        engine.drop("/images/create")
        with pytest.raises(EnvironmentBuildError, match="cannot be pulled") as caught:
            existing_image("fix-issue.invalid/none:1", "", log=lambda line: None)
    assert "docker load" in caught.value.hint
