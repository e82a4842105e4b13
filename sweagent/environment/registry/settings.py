"""Registry settings from the package managers' own files."""

import configparser
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from sweagent.environment.tree import table_of
from sweagent.frozen import Frozen
from sweagent.home import home_folder

_PYPI = "https://pypi.org/simple"


class RegistrySettings(Frozen):
    """Sources of packages. Addresses may hold credentials: they stay on the host."""

    python_indexes: tuple[str, ...] = (_PYPI,)
    npm: str = "https://registry.npmjs.org"
    goproxy: str = "https://proxy.golang.org"
    crates: str = "https://index.crates.io"
    maven: str = "https://repo.maven.apache.org/maven2"
    gradle_plugins: str = "https://plugins.gradle.org/m2"
    certificates: str | None = None
    """A file of certificates to trust instead of the system's."""


def read_registry_settings(environment: Mapping[str, str] | None = None) -> RegistrySettings:
    """Read the configuration files of pip, npm, Maven and Cargo, and the variables of pip, npm and go.

    Args:
        environment: the variables to read; None takes the process's own.
    """
    variables = os.environ if environment is None else environment
    home = Path(variables.get("HOME") or home_folder())
    pip = _pip_configuration(variables, home)
    indexes = [pip.get("index-url", _PYPI), *pip.get("extra-index-url", "").split()]
    found = {
        "npm": variables.get("NPM_CONFIG_REGISTRY") or variables.get("npm_config_registry") or _npm_registry(home),
        "goproxy": next((url for url in variables.get("GOPROXY", "").split(",") if url.startswith("http")), None),
        "crates": _cargo_registry(Path(variables.get("CARGO_HOME", home / ".cargo"))),
        "maven": _maven_mirror(home),
        "certificates": pip.get("cert") or variables.get("SSL_CERT_FILE"),
    }
    return RegistrySettings(
        python_indexes=tuple(index.rstrip("/") for index in indexes if index),
        **{key: value.rstrip("/") for key, value in found.items() if value},
    )


def _npm_registry(home: Path) -> str:
    match = re.search(r"(?m)^\s*registry\s*=\s*(http\S+)", _text(home / ".npmrc"))
    return match[1] if match else ""


def _maven_mirror(home: Path) -> str:
    """The mirror that stands for Maven Central in the user's settings."""
    for mirror in re.findall(r"(?s)<mirror>(.*?)</mirror>", _text(home / ".m2" / "settings.xml")):
        of, url = (re.search(rf"<{tag}>\s*([^<]*?)\s*</{tag}>", mirror) for tag in ("mirrorOf", "url"))
        names = {name.strip() for name in of[1].split(",")} if of else set()
        if url and url[1].startswith("http") and names & {"*", "central", "external:*"}:
            return url[1]
    return ""


def _cargo_registry(home: Path) -> str:
    """The sparse index that replaces that of crates.io in the user's configuration."""
    try:
        data = tomllib.loads(_text(home / "config.toml"))
    except tomllib.TOMLDecodeError:
        return ""
    name = table_of(data, "source", "crates-io").get("replace-with")
    registry = table_of(data, "source", name).get("registry") if isinstance(name, str) else None
    url = registry.removeprefix("sparse+") if isinstance(registry, str) else ""
    return url if url.startswith("http") else ""


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _pip_configuration(variables: Mapping[str, str], home: Path) -> dict[str, str]:
    files = [
        Path("/etc/xdg/pip/pip.conf"),
        Path("/etc/pip.conf"),
        home / ".pip/pip.conf",
        Path(variables.get("XDG_CONFIG_HOME", str(home / ".config"))) / "pip/pip.conf",
        Path(sys.prefix) / "pip.conf",
        Path(variables.get("PIP_CONFIG_FILE", os.devnull)),
    ]
    options: dict[str, str] = {}
    for file in files:
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                options.update(parser.items(section))
    for option in ("index-url", "extra-index-url", "cert"):
        value = variables.get("PIP_" + option.upper().replace("-", "_"))
        if value:
            options[option] = value
    return options
