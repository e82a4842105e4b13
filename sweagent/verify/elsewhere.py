"""Another house for a run: a place where nothing of the harness can be seen."""

import secrets
import shlex

_NAMES = ("src", "project", "checkout", "code", "work", "main", "dev")

_SCRIPT = """\
for place in /srv "$HOME" /var/tmp /tmp; do
  place=$place/{name}
  mkdir -p "$place" 2>/dev/null && cp -a . "$place" 2>/dev/null && break
done
trap 'rm -rf -- "$place"' EXIT
cd "$place" || exit 125
if command -v script >/dev/null 2>&1; then
  script -qec {command} /dev/null </dev/null
else
  sh -c {command} </dev/null >"$place.log" 2>&1
  status=$?; cat "$place.log"; rm -f "$place.log"; exit $status
fi
"""


def in_another_house(command: str) -> str:
    """The shell command in a copy of the work tree under another name, with a terminal where there is one.

    Args:
        command: what a person would run from the repository's root.
    """
    name = f"{secrets.choice(_NAMES)}-{secrets.token_hex(2)}"
    return _SCRIPT.format(name=name, command=shlex.quote(command))
