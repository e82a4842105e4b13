"""Explain a ranked location in a few words."""

from collections.abc import Mapping

from sweagent.code.localise.definition_signals import RankedDefinition
from sweagent.code.localise.file_signals import Signal

_FILE_WORDS = (
    ("frame", 0.0, "on the traceback or linked"),
    ("path_full", 0.0, "its path is in the issue"),
    ("path_name", 0.0, "its name is in the issue"),
    ("qualified", 0.0, "defines what the issue names"),
    ("imported", 0.0, "defines what the issue imports"),
    ("title_names", 0.5, "defines what the title's words name"),
    ("path", 0.5, "its path has words of the issue"),
    ("told", 0.5, "reads like the issue"),
    ("tested", 0.5, "tested by tests that read like the issue"),
    ("imported_by", 0.5, "imported by files that read like the issue"),
    ("history", 0.5, "changed by commits that read like the issue"),
)
_NAMED = 0.5
_NAME_OF_ISSUE = "its name has words of the issue"
_DEFINITION_WORDS = (
    ("frame", 0.0, "on the traceback or linked"),
    ("phrase", 0.0, "holds a quoted message"),
    ("lines", 0.0, "holds lines that the issue shows"),
    ("outer_and_name", 0.5, "named with its class"),
    ("exact", 0.0, "named in the issue"),
    ("exact_block", 0.0, "called in the issue's code"),
    ("outer", 0.5, "its class is named"),
    ("called", 0.0, "called by what is named"),
    ("reached", 0.5, "reached by calls from what is named"),
    ("name_title", _NAMED, "its name has words of the title"),
    ("name", _NAMED, _NAME_OF_ISSUE),
    ("around", 0.5, "within what the issue's words name"),
    ("akin", 0.5, "its names are near words of the title"),
    ("body", 0.5, "reads like the issue"),
)
_MOST = 3
_OTHERWISE = "shares words with the issue"
_BRIEF = {
    "on the reproduction's traceback": "traceback",
    "on the traceback or linked": "traceback",
    "run by what fails": "run",
    "holds a quoted message": "message",
    "holds lines that the issue shows": "lines shown",
    "its path is in the issue": "named",
    "its name is in the issue": "named",
    "named with its class": "named",
    "named in the issue": "named",
    "defines what the issue names": "named",
    "called in the issue's code": "called",
    "its class is named": "class named",
    "called by what is named": "called",
    "reached by calls from what is named": "reached",
    "within what the issue's words name": "within named",
    "its name has words of the title": "title",
}
"""Reasons in one or two words, for a model: it looks at the place anyway. The others come down to words alike."""


def brief(reason: str) -> str:
    """The first of the reasons that `file_reason` or `definition_reason` give, in one or two words."""
    return _BRIEF.get(reason.split("; ")[0], "words")


def file_reason(number: int, signals: Mapping[str, Signal], features: Mapping[str, float]) -> str:
    """Say why a file is in the ranking."""
    said = [words for name, least, words in _FILE_WORDS if signals.get(name, {}).get(number, 0.0) > least]
    if features.get("phrase", 0.0) > 0:
        said.insert(0, "holds a quoted message")
    return "; ".join(said[:_MOST]) or _OTHERWISE


def definition_reason(candidate: RankedDefinition) -> str:
    """Say why a definition is in the ranking."""
    signals = candidate.signals
    said = [words for name, least, words in _DEFINITION_WORDS if signals.get(name, 0.0) > least]
    if signals.get("name_title", 0.0) > _NAMED and signals.get("name", 0.0) > _NAMED:
        said.remove(_NAME_OF_ISSUE)
    return "; ".join(said[:_MOST]) or _OTHERWISE
