"""User's own tools, strategies, profile and script, as they travel."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Self
from urllib.parse import urlsplit

from sweagent.config import Settings
from sweagent.errors import UsageError
from sweagent.frozen import Frozen
from sweagent.profiles import is_shipped

_MOST_BYTES = 8 << 20
"""Of all files together: more than code takes."""


class UserCode(Frozen):
    """Where the settings of runs name files; they travel to other machines, where they have other paths."""

    policy: str = ""
    profile: str = ""
    """A folder of the user's own; empty for a profile that is shipped."""
    tool_folders: tuple[str, ...] = ()
    strategy_folders: tuple[str, ...] = ()
    scorer: str = ""
    """A file that chooses among candidates."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What settings name."""
        return cls(
            policy=settings.policy if settings.policy != "human" else "",
            profile="" if is_shipped(settings.profile) else settings.profile,
            tool_folders=tuple(map(str, settings.tool_folders)),
            strategy_folders=tuple(map(str, settings.strategy.folders)),
            scorer=str(settings.strategy.scorer or ""),
        )

    def put_into(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Settings, as a run's log has them, with these paths in the places of others."""
        changed = {**settings}
        if settings.get("policy") != "human":
            changed["policy"] = self.policy
        if self.profile or not is_shipped(str(settings.get("profile"))):
            changed["profile"] = self.profile
        changed["tool_folders"] = list(self.tool_folders)
        strategy = {**settings.get("strategy", {}), "folders": list(self.strategy_folders)}
        changed["strategy"] = strategy | ({"scorer": self.scorer or None} if "scorer" in strategy else {})
        return changed

    def packed(self) -> dict[str, str]:
        """The files' contents by names that say nothing of this machine.

        Raises:
            UsageError: one cannot travel.
        """
        files: dict[str, str] = {}
        for name, path in self._places():
            if path.is_dir():
                found = [file for file in sorted(path.rglob("*")) if file.is_file() and _is_code(file, path)]
                files |= {f"{name}/{file.relative_to(path).as_posix()}": _text(file) for file in found}
            elif path.is_file():
                files[f"{name}{path.suffix}"] = _text(path)
        if sum(map(len, files.values())) > _MOST_BYTES:
            raise UsageError(
                "the tools, strategies, profile and script of the settings are too large to travel to other machines",
                f"they may have {_MOST_BYTES >> 20} MB; name folders that hold nothing else",
            )
        return files

    @classmethod
    def unpacked(cls, files: Mapping[str, str], settings: dict[str, Any], folder: Path) -> Self:
        """Write files that came from another machine.

        Args:
            files: what `packed` gave there.
            settings: as they came; they say how many folders there are.
            folder: of this machine.
        """
        for name, text in files.items():
            path = folder / name
            if ".." in PurePosixPath(name).parts or path == folder or PurePosixPath(name).is_absolute():
                raise UsageError(f"{name} cannot be the name of a file of the user's", "")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        policy = next((str(folder / name) for name in files if name.partition("/")[0].startswith("policy")), "")
        return cls(
            policy=str(folder / "policy") if policy.startswith(f"{folder}/policy/") else policy,
            profile=str(folder / "profile") if any(name.startswith("profile/") for name in files) else "",
            tool_folders=_numbered(folder, "tools", len(settings.get("tool_folders", ()))),
            strategy_folders=_numbered(folder, "strategies", len(settings.get("strategy", {}).get("folders", ()))),
            scorer=next((str(folder / name) for name in files if name.startswith("scorer.")), ""),
        )

    def _places(self) -> Iterator[tuple[str, Path]]:
        if self.policy:
            yield "policy", Path(self.policy)
        if self.profile:
            yield "profile", Path(self.profile)
        if self.scorer:
            yield "scorer", Path(self.scorer)
        yield from ((f"tools/{number}", Path(path)) for number, path in enumerate(self.tool_folders))
        yield from ((f"strategies/{number}", Path(path)) for number, path in enumerate(self.strategy_folders))


def refuse_what_stays(settings: Settings) -> None:
    """Refuse settings that other machines cannot use.

    Raises:
        UsageError: they ask a person, or an address holds a password.
    """
    if settings.policy == "human":
        raise UsageError("nobody can be asked on other machines", "use --executor local with --policy human")
    parts = urlsplit(settings.model.api_base or "")
    if parts.username or parts.password:
        raise UsageError(
            "model.api_base holds a password, which does not travel to other machines",
            "leave it out and set the provider's key in each node's own environment",
        )


def _numbered(folder: Path, name: str, count: int) -> tuple[str, ...]:
    return tuple(str(folder / name / str(number)) for number in range(count))


def _is_code(file: Path, root: Path) -> bool:
    return not any(part.startswith((".", "__pycache__")) for part in file.relative_to(root).parts)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file} cannot travel to other machines: {error}", "keep only text files in folders of your own code"
        ) from error
