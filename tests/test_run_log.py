import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from threading import Barrier

import pytest

from sweagent.errors import StorageError
from sweagent.run_log import log_to

LOG = logging.getLogger("sweagent.tests")


def test_each_run_of_a_process_has_its_own_log_and_the_batch_has_all(tmp_path: Path) -> None:
    both = Barrier(2)

    def run(name: str) -> None:
        with log_to(tmp_path / name / "run.log"):
            both.wait(20)
            LOG.info("of %s", name)
            both.wait(20)

    with log_to(tmp_path / "batch.log"), ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(copy_context().run, run, name) for name in ("a", "b")]:
            done.result()
    LOG.info("of nobody")

    assert [(tmp_path / name / "run.log").read_text().count("of ") for name in ("a", "b")] == [1, 1]
    assert "sweagent.tests: of a" in (tmp_path / "a/run.log").read_text()
    batch = (tmp_path / "batch.log").read_text()
    assert ("of a" in batch, "of b" in batch, "of nobody" in batch) == (True, True, False)


def test_a_traceback_is_kept_without_the_secrets_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACME_API_KEY", "s3cret-canary")
    with log_to(tmp_path / "run.log"):
        try:
            raise ValueError("refused s3cret-canary")
        except ValueError:
            LOG.exception("it failed")

    text = (tmp_path / "run.log").read_text()
    assert "Traceback (most recent call last)" in text
    assert "ValueError: refused [secret]" in text
    assert "s3cret-canary" not in text
    assert capfd.readouterr() == ("", "")


def test_a_log_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"run\.log"), log_to(tmp_path / "file" / "run.log"):
        pass
