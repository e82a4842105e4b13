"""What a log says of a run's settings."""

from sweagent.config import Settings
from sweagent.settings_record import without_secrets


def test_what_is_written_down_has_no_secret_and_loses_no_limit() -> None:
    kept = {
        "max_completion_tokens": 4096,
        "stop_token_ids": [1, 2],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "prompt_cache_key": "run",
        "tokenizer": "o200k",
        "keyword": "x",
        "monkey": True,
        "top_k": 5,
    }
    secret = {
        "api_key": "x",
        "apiKey": "x",
        "api-key": "x",
        "azure_ad_token": "x",
        "aws_session_token": "x",
        "aws_secret_access_key": "x",
        "vertex_credentials": {"private": "x"},
        "extra_headers": {"Authorization": "x"},
        "password": "x",
        "token": "x",
        "tokens": {"accessToken": "x"},
    }
    nested = {"extra_body": {"limit": 1, "api_key": "x", "list": [{"authToken": "x", "a": 1}]}}
    settings = Settings(model={"extra": {**kept, **secret, **nested}})  # type: ignore[arg-type]
    written = without_secrets(settings)["model"]["extra"]
    assert written == {**kept, "tokens": {}, "extra_body": {"limit": 1, "list": [{"a": 1}]}}
