"""Find secrets in texts and redact them."""

import base64
import json
import os
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

MASK = "[redacted]"

_NAMED_SECRET = re.compile(r"TOKEN|SECRET|PASSW|PASSPHRASE|(?:KEY|AUTH|PAT|CREDENTIALS?)(?:_?\d+)?$", re.I)
_SHORTEST = 8
"""Shorter values would mask ordinary words."""

_FORMATS = (
    ("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b|\bgithub_pat_[A-Za-z0-9_]{40,255}\b"),
    ("GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("API key of a model provider", r"\bsk-(?:ant-|proj-|svcacct-|or-v1-)?[A-Za-z0-9_-]{24,}"),
    ("AWS access key", r"\b(?:AKIA|ASIA)(?![0-9A-Z]*EXAMPLE)[0-9A-Z]{16}\b"),
    ("Google API key", r"\bAIza[0-9A-Za-z_-]{35}"),
    ("Slack token", r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}"),
    ("Stripe key", r"\b[rs]k_live_[0-9A-Za-z]{20,}"),
    ("PyPI token", r"\bpypi-[A-Za-z0-9_-]{60,}"),
    ("npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("Hugging Face token", r"\bhf_[A-Za-z0-9]{30,}"),
    ("JSON web token", r"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,}"),
    ("private key", r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
    ("password in a URL", r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"]{1,100}:[^\s/@'\"${}<>*]{6,200}@[\w.-]"),
    ("Azure storage key", r"\bAccountKey=[A-Za-z0-9+/]{80,}={0,2}"),
)
"""Published formats of credentials: prefixes and lengths as their issuers document them."""
_FORMAT = re.compile("|".join(f"(?P<f{number}>{pattern})" for number, (_, pattern) in enumerate(_FORMATS)))


class Redactor:
    """Knows secrets, and finds them however they are written: plain, in a URL, in JSON, in hex, in base64.

    Args:
        values: the secrets themselves; those under eight characters are not looked for.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        known = {value for value in values if len(value) >= _SHORTEST}
        forms = sorted({form for value in known for form in _forms(value)}, key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(form) for form in forms)) if forms else None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, *more: str) -> "Redactor":
        """A redactor for every variable whose name says that it is a secret.

        Args:
            environment: the variables; None takes the process's own.
            more: further secrets.
        """
        variables = os.environ if environment is None else environment
        values = [value.strip() for name, value in variables.items() if _NAMED_SECRET.search(name)]
        return cls([*values, *more])

    def redact(self, text: str) -> str:
        """Replace every secret."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        return _FORMAT.sub(MASK, text)

    def find(self, text: str) -> list[str]:
        """The kinds of secrets in a text, never the secrets themselves."""
        kinds = ["secret of this machine's environment"] if self._known and self._known.search(text) else []
        for match in _FORMAT.finditer(text):
            kind = _FORMATS[int(str(match.lastgroup)[1:])][0]
            if kind not in kinds:
                kinds.append(kind)
        return kinds


def _forms(value: str) -> set[str]:
    raw = value.encode()
    forms = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], raw.hex(), raw.hex().upper()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        # Within a longer text the secret may begin at any of three offsets; its first and last groups then depend on
        # the neighbours, and only the groups between them are fixed.
        for offset in range(3):
            encoded = encode(b"\0" * offset + raw).decode().rstrip("=")
            start = 0 if offset == 0 else 4
            end = len(encoded) - (len(raw) + offset) % 3 if (len(raw) + offset) % 3 else len(encoded)
            forms.add(encoded[start : end - end % 4])
    return {form for form in forms if len(form) >= _SHORTEST}
