"""How the user reaches the package registries: read from pip's own configuration, so nothing is set twice."""

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from sweagent.model import Frozen

_PYPI = "https://pypi.org/simple"


class RegistrySettings(Frozen):
    """Where packages come from. Addresses may hold credentials: they stay on the host."""

    python_indexes: tuple[str, ...] = (_PYPI,)
    npm: str = "https://registry.npmjs.org"
    goproxy: str = "https://proxy.golang.org"
    crates: str = "https://index.crates.io"
    maven: str = "https://repo.maven.apache.org/maven2"
    gradle_plugins: str = "https://plugins.gradle.org/m2"
    certificates: str | None = None
    """A file of certificates to trust instead of the system's."""


def read_registry_settings(environment: Mapping[str, str] | None = None) -> RegistrySettings:
    """Read pip's configuration files and the variables of pip, npm and go.

    Args:
        environment: the variables to read; None takes the process's own.
    """
    variables = os.environ if environment is None else environment
    pip = _pip_configuration(variables)
    indexes = [pip.get("index-url", _PYPI), *pip.get("extra-index-url", "").split()]
    found = {
        "npm": variables.get("NPM_CONFIG_REGISTRY") or variables.get("npm_config_registry"),
        "goproxy": next((url for url in variables.get("GOPROXY", "").split(",") if url.startswith("http")), None),
        "certificates": pip.get("cert") or variables.get("SSL_CERT_FILE"),
    }
    return RegistrySettings(
        python_indexes=tuple(index.rstrip("/") for index in indexes if index),
        **{key: value.rstrip("/") for key, value in found.items() if value},
    )


def _pip_configuration(variables: Mapping[str, str]) -> dict[str, str]:
    home = Path(variables.get("HOME", "~")).expanduser()
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
