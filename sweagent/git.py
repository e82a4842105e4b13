"""Start git on the host so that repositories run no programs.

Hooks, filters (LFS too), textconv, fsmonitor, pagers, editors, prompts, replace refs, grafts and the user's
configuration are off; transports are off unless a call allows them by name. A repository of another owner works, and
nobody's configuration is changed for it.
"""

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sweagent.errors import ExitCode, FixIssueError
from sweagent.printable import one_line

Argument = str | bytes | Path

_CONFIG_FILE = Path(__file__).resolve().parent / "hardened.gitconfig"

# These win over the configuration of the repository itself, which the file above does not.
_OVERRIDES = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "core.autocrlf": "false",
    "core.safecrlf": "false",
    "core.quotePath": "true",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.precomposeUnicode": "false",
    "apply.whitespace": "nowarn",
    "commit.gpgSign": "false",
    "diff.autoRefreshIndex": "false",
    "fetch.recurseSubmodules": "false",
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    "http.followRedirects": "initial",
    "log.showSignature": "false",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "tag.gpgSign": "false",
}

# What git may know of the host. Everything else, GIT_DIR or GIT_EXTERNAL_DIFF say, would change what it does.
_KEPT_VARIABLES = ("PATH", "TMPDIR", "SYSTEMROOT")
_NETWORK_VARIABLES = (
    "HOME",
    "USER",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)

_LINES_TOLD = 6


class GitError(FixIssueError):
    """git ended with an error.

    Args:
        message: what was tried, in one line.
        stderr: what git said.
        status: git's exit status.
        hint: what the user can do; by default what git said before its last line.
    """

    exit_code = ExitCode.FORGE

    def __init__(self, message: str, stderr: str = "", status: int = 128, hint: str = "") -> None:
        before = "; ".join(stderr.splitlines()[-_LINES_TOLD:-1])
        otherwise = f"before that git said: {before}" if before else "check the repository with `git fsck`"
        super().__init__(message, hint or otherwise)
        self.stderr = stderr
        self.status = status

    @property
    def reason(self) -> str:
        """Why git gave up, in one printable line without its `fatal:` or `error:`."""
        lines = [line for line in self.stderr.splitlines() if line.strip()]
        best = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[0] if lines else str(self))
        return one_line(best.removeprefix("fatal:").removeprefix("error:"), 500)


@dataclass(frozen=True)
class GitDone:
    """A git command that has ended.

    Attributes:
        status: its exit status.
        stdout: what it wrote, as bytes: names and contents need not be UTF-8.
        stderr: what it complained of.
    """

    status: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """The output without the whitespace around it, decoded as paths are."""
        return os.fsdecode(self.stdout).strip()


def git(
    *arguments: Argument,
    git_dir: Path | str | None = None,
    work_tree: Path | str | None = None,
    index: Path | str | None = None,
    cwd: Path | str | None = None,
    stdin: bytes = b"",
    transports: Iterable[str] = (),
    config: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    allowed: Iterable[int] = (0,),
    timeout: float = 120.0,
) -> GitDone:
    """Run git on the host.

    It must never be given the `.git` of a tree that the agent could write.

    Args:
        arguments: the subcommand and its arguments.
        git_dir: the repository; None lets git find it from `cwd`.
        work_tree: the work tree, when the subcommand needs one.
        index: an index file to use instead of the repository's own.
        cwd: where to run; None takes the work tree, else the root folder, so that no repository is found by accident.
        stdin: what git reads.
        transports: the transports that may be used, such as `https`; none by default.
        config: further configuration, handed over by the environment so that it is not seen in the process list.
        env: further variables, such as the author's name.
        allowed: exit statuses that are not errors.
        timeout: seconds.

    Raises:
        GitError: git is missing, took too long, or ended with a status that is not allowed.
    """
    variables = hardened_environment(transports=transports, config=config or {})
    places = {"GIT_DIR": git_dir, "GIT_WORK_TREE": work_tree, "GIT_INDEX_FILE": index}
    variables.update({name: os.fspath(place) for name, place in places.items() if place is not None})
    variables.update(env or {})
    shown = f"git {os.fsdecode(arguments[0])}"
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or work_tree or os.sep,
            env=variables,
            input=stdin,
            capture_output=True,
            timeout=timeout,
            check=False,
            # A Ctrl-C in the terminal is for this program, which may go on.
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise GitError(f"`{shown}` took more than {timeout:g} s", hint="try again when less is going on") from error
    except OSError as error:
        hint = "install git, and see that it is on the PATH"
        raise GitError(f"`{shown}` could not be started: {error}", hint=hint) from error
    stderr = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode not in tuple(allowed):
        last = stderr.splitlines()[-1] if stderr else f"exit status {done.returncode}"
        raise GitError(f"`{shown}` failed: {last}", stderr, done.returncode)
    return GitDone(done.returncode, done.stdout, stderr)


def hardened_environment(*, transports: Iterable[str] = (), config: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment in which git runs on the host.

    Args:
        transports: the transports that git may use; with one that leaves the host, proxies and the ssh agent are known.
        config: configuration that wins over every file.
    """
    names = [*_KEPT_VARIABLES, *(_NETWORK_VARIABLES if set(transports) - {"file"} else ())]
    variables = {name: os.environ[name] for name in names if name in os.environ}
    variables.setdefault("HOME", os.devnull)
    variables.update(
        LC_ALL="C",
        XDG_CONFIG_HOME=os.devnull,
        GIT_CONFIG_NOSYSTEM="1",
        GIT_CONFIG_GLOBAL=str(_CONFIG_FILE),
        GIT_ATTR_NOSYSTEM="1",
        GIT_ALLOW_PROTOCOL=":".join(transports),
        GIT_TERMINAL_PROMPT="0",
        GIT_ASKPASS="true",
        GIT_SSH_COMMAND="ssh -oBatchMode=yes",
        GIT_EDITOR=":",
        GIT_PAGER="cat",
        GIT_OPTIONAL_LOCKS="0",
        GIT_NO_REPLACE_OBJECTS="1",
        # There is no such file: git would give advice for an empty one.
        GIT_GRAFT_FILE=f"{os.devnull}/none",
        GIT_NO_LAZY_FETCH="1",
    )
    settings = {**_OVERRIDES, **(config or {})}
    variables["GIT_CONFIG_COUNT"] = str(len(settings))
    for number, (key, value) in enumerate(settings.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables
