"""`fix-issue init`: choose a model, write the user's settings, check everything."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sweagent.policy import ModelInfo

_SUGGESTED = {
    "ANTHROPIC_API_KEY": "anthropic/claude-sonnet-4-5",
    "OPENAI_API_KEY": "openai/gpt-5",
    "GEMINI_API_KEY": "gemini/gemini-2.5-pro",
}


def command(
    model: Annotated[
        str, typer.Option("--model", "-m", help="The model, as litellm names it; asked for if left out.")
    ] = "",
    api_base: Annotated[str, typer.Option(help="Base URL of an OpenAI-compatible server.")] = "",
    max_cost: Annotated[float | None, typer.Option(min=0.01, help="Limit of a run in US dollars.")] = None,
    write_key: Annotated[
        bool, typer.Option("--write-key", help="Ask for the key and write it too, readable by you alone.")
    ] = False,
    doctor: Annotated[
        bool, typer.Option("--doctor/--no-doctor", help="Look at sandboxes, keys and registries after.")
    ] = True,
) -> None:
    """Ask for the model and where its key is, write your own settings file, and run `fix-issue doctor`.

    The key stays in the environment variable that its provider usually has; it is written only with --write-key.
    """
    from sweagent.errors import UsageError
    from sweagent.home import config_folder
    from sweagent.policy.model_name import check_model_name
    from sweagent.policy.models import model_info
    from sweagent.settings_sources import USER_FILE

    file = config_folder() / USER_FILE
    settings = _read(file)
    before = settings.get("model") if isinstance(settings.get("model"), dict) else {}
    name = model or _asked("model", str((before or {}).get("name") or _suggested()))
    if not name:
        raise UsageError("no model is named", "give one: fix-issue init --model anthropic/claude-sonnet-4-5")
    info = model_info(name)
    if not api_base:
        check_model_name(info)
    said: dict[str, Any] = {**(before or {}), "name": name}
    if api_base:
        said["api_base"] = api_base
    if write_key:
        said["extra"] = {**said.get("extra", {}), "api_key": _secret(info)}
    settings["model"] = said
    if max_cost is not None:
        settings["limits"] = {**(settings.get("limits") or {}), "cost": max_cost}
    _write(file, settings)
    print(f"wrote {file}")
    for line in _about_key(info, said):
        print(line)
    if doctor:
        print()
        _run_doctor()


def _suggested() -> str:
    return next(
        (name for variable, name in _SUGGESTED.items() if os.environ.get(variable)), _SUGGESTED["ANTHROPIC_API_KEY"]
    )


def _asked(what: str, default: str) -> str:
    """What a person answers; the default where nobody can."""
    if not sys.stdin.isatty():
        return ""
    return str(typer.prompt(f"{what} (as litellm names it)", default=default, err=True)).strip()


def _secret(info: "ModelInfo") -> str:
    from sweagent.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError(
            "--write-key asks for the key at a terminal", f"export {(info.keys or ('the key',))[0]} instead"
        )
    return str(typer.prompt("key (it is not shown)", hide_input=True, err=True)).strip()


def _about_key(info: "ModelInfo", said: dict[str, Any]) -> list[str]:
    found = next((name for name in info.keys if os.environ.get(name)), "")
    if "api_key" in (said.get("extra") or {}):
        return ["the key is in that file, which nobody else can read"]
    if found:
        return [f"the key is taken from {found}"]
    if said.get("api_base") or not info.keys:
        return ["no key is needed, or the provider's usual variable has it"]
    return [f"the key is missing: export {info.keys[0]}=… (in your shell's own start file, say)"]


def _read(file: Path) -> dict[str, Any]:
    import yaml

    from sweagent.errors import UsageError

    if not file.is_file():
        return {}
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"cannot read {file}: {error}", "correct or remove it") from error
    if not isinstance(data, dict):
        raise UsageError(f"{file} is not a mapping", "correct or remove it")
    return data


def _write(file: Path, settings: dict[str, Any]) -> None:
    """Write the settings, readable by the user alone; what was there before is kept beside them."""
    import yaml

    from sweagent.errors import StorageError

    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if file.exists():
            file.replace(file.with_suffix(".yaml.before"))
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            yaml.safe_dump(settings, stream, sort_keys=False, allow_unicode=True)
    except OSError as error:
        raise StorageError(f"cannot write {file}: {error}", "check the folder's permissions") from error


def _run_doctor() -> None:
    from sweagent.cli.doctor import command as run

    try:
        run(as_json=False)
    except typer.Exit:
        print("\nno sandbox works yet: see above")
