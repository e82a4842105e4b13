"""Read the options of pytest's configuration file."""

import configparser
import tomllib
from collections.abc import Callable, Mapping

SECTIONS = (
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("pyproject.toml", ""),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)
"""Where pytest looks, in its order; the first file that speaks to it decides alone."""


def pytest_options(read: Callable[[str], bytes | None]) -> Mapping[str, tuple[str, ...]]:
    """The options of a tree's root, each as its words; empty when there are none, or when they cannot be read.

    Args:
        read: gives the content of a file of the tree; None for one that is not there.
    """
    found = (_options(name, section, (read(name) or b"").decode("utf-8", "replace")) for name, section in SECTIONS)
    return next((options for options in found if options), {})


def _options(name: str, section: str, text: str) -> Mapping[str, tuple[str, ...]]:
    try:
        if name.endswith(".toml"):
            said = tomllib.loads(text).get("tool", {}).get("pytest", {}).get("ini_options", {}).items()
        else:
            parser = configparser.ConfigParser(interpolation=None, strict=False)
            parser.read_string(text)
            said = parser.items(section) if parser.has_section(section) else []
    except (tomllib.TOMLDecodeError, configparser.Error, AttributeError):
        return {}
    return {key: _words(value) for key, value in said}


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(map(str, value)) if isinstance(value, list) else ()
