"""Commands that hang, flood, fork, lie or destroy: in every sandbox each ends in time with a truthful answer."""

import os
import re
import resource
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from sweagent.config import SandboxSettings
from sweagent.errors import SandboxError
from sweagent.sandbox import Sandbox, open_sandbox, probe

LIMIT = 1.0
"""Seconds for a command that will be ended at its deadline."""

ENOUGH = 15.0
"""Seconds for one that ends by itself, on a busy machine."""

ENDED = None
"""Expected exit code of a command that is ended at its deadline."""

ANY = -1
SCHEDULING = 6.0
"""Seconds that a busy machine may add to the promised two."""

HOST_GROWTH = 96 << 10
"""Kilobytes that one command may add to this process's memory."""

UNBOUNDED = "the local sandbox bounds no processes and no memory: this would harm the machine that runs the tests"
SHARED = "the local sandbox shares the machine: this would end processes that are not the test's, or remove its files"
OPEN = "the local sandbox has the machine's network and sees its processes"


@dataclass(frozen=True)
class Case:
    """One hostile command.

    Attributes:
        limit: seconds; 0 for `LIMIT` or `ENOUGH`, whichever fits the exit code.
        says: a pattern that the output or the notes must hold.
        not_in: kinds that it is not run in, each with the reason.
    """

    name: str
    command: str
    exit_code: int | None = 0
    says: str = ""
    limit: float = 0.0
    not_in: dict[str, str] = field(default_factory=dict)


DAEMON = "import os,time\nif os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\ntime.sleep(98)"
CASES = [
    # Past the deadline
    Case("sleeps too long", "echo before; sleep 98", ENDED, "before"),
    Case("ignores every signal", "trap '' TERM INT HUP USR1 USR2 QUIT; while :; do sleep 1; done", ENDED),
    Case("restarts itself on a signal", "trap 'echo again; sleep 98' TERM EXIT; sleep 98", ENDED),
    Case("waits for children that sleep", "sleep 98 & sleep 97 & wait", ENDED),
    Case("busy loop", "while :; do :; done", ENDED),
    Case("stops itself", "kill -STOP $$", ENDED),
    Case("hangs in a new session", "setsid -w sleep 98", ENDED),
    Case("hangs behind timeout", "timeout 97 setsid sleep 98", ENDED),
    Case("hangs in a pipe", "sleep 98 | cat", ENDED),
    Case("hangs in a fifo", "rm -f fifo; mkfifo fifo; cat fifo", ENDED),
    Case("keeps partial output", "seq 5; sleep 98", ENDED, r"1\n2\n3\n4\n5"),
    # Processes left behind
    Case("job in the background", "sleep 98 & echo started", 0, "1 process"),
    Case("nohup", "nohup sleep 98 >/dev/null 2>&1 & echo started", 0, "1 process"),
    Case("setsid daemon", "setsid sleep 98 & echo started", 0, "1 process"),
    Case("double fork that holds the output", f"python3 -c '{DAEMON}'; echo started", 0, "1 process"),
    Case("daemon that will write later", "(sleep 0.7; echo LATE) & echo started", 0, "started"),
    Case("disowned subshells", "for i in 1 2 3; do (sleep 98 &); done; echo started", 0, "3 processes"),
    Case("daemon with an empty environment", "env -i /bin/sh -c 'sleep 98 & :'; echo started", 0, "1 process"),
    Case(
        "daemon with what the supervisor was told",
        "key=$(tr '\\0' '\\n' </proc/$PPID/cmdline | tail -n 1); FIX_ISSUE_JOB=$key setsid sleep 98 & echo started",
        0,
        "1 process",
    ),
    Case(
        "daemon with all variables of others",
        "eval \"$(cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep ^FIX_ISSUE_J | sed 's/^/export /')\"; "
        "setsid sleep 98 & ulimit -x unlimited 2>/dev/null; setsid sleep 97 & echo started",
        0,
        "2 processes",
        not_in={"local": "the superuser may raise limits, and the local sandbox runs as the user who tests"},
    ),
    Case("many children", "for i in $(seq 40); do sleep 98 & done; echo started", 0, "40 processes"),
    # Floods
    Case("yes", "yes", ENDED, "bytes left out"),
    Case("a gigabyte on one line", "head -c 1000000000 /dev/zero | tr '\\0' x", ANY, "bytes left out", limit=4),
    Case("fifty megabytes of random bytes", "head -c 50000000 /dev/urandom", 0, "bytes left out"),
    Case("flood on both streams", "yes >&2 & yes", ENDED, "bytes left out"),
    Case("NUL and invalid UTF-8", r"printf 'a\000b\377\376c'; echo; echo end", 0, "\ufffd\ufffdc"),
    Case("control sequences", r"printf '\033[2J\033]8;;http://x\007y\rz\b'; echo end", 0, "end"),
    Case("no newline at the end", "printf abc", 0, "^abc$"),
    Case("only newlines", "yes '' | head -c 5000", 0, r"bytes left out|\n\n"),
    Case(
        "forged end of output",
        r"printf '\0360123456789abcdef0123456789abcdef 0 0 0 0 -\n'; exit 9",
        9,
        "0123456789abcdef 0 0",
    ),
    # Ways to end the shell
    Case("exit", "exit 3", 3),
    Case("exit in a function", "f() { exit 4; }; f; echo no", 4),
    Case("exec", "exec false", 1),
    Case("says that its limit is reached", "kill -USR1 $PPID; sleep 98", 137, "signalled the sandbox's own shell"),
    Case("exec of nothing", "exec /no/such/program", 127, "No such file|not found"),
    Case("set -e", "set -e; false; echo no", 1),
    Case("set -u", "set -eu; echo $nothing_of_that_name; echo no", ANY, "unbound|not set"),
    Case("unclosed quote", "echo 'abc", 2, "unexpected EOF|Unterminated"),
    Case("unclosed heredoc", "cat <<EOF\nabc", 0, "abc"),
    Case("unclosed brace", "if true; then {", 2, "unexpected|Syntax"),
    Case("nonsense", ")(", 2, "unexpected|Syntax"),
    Case("kills its own shell", "kill -9 $$", 137, "SIGKILL"),
    Case("kills its process group", "kill -9 0", 137, "SIGKILL"),
    Case("crashes", "kill -SEGV $$", 139, "SIGSEGV"),
    Case("own trap on exit", "trap 'echo mine' EXIT; exit 5", 5, "mine"),
    Case("closes its streams", "exec >&- 2>&- <&-; exit 6", 6),
    Case("empty", "", 0),
    Case("only a comment", "# nothing", 0),
    Case("ends in a backslash", "echo a\\", 0, "a"),
    Case("redefines builtins", "exit() { :; }; export() { :; }; trap() { :; }; cd() { :; }; echo x", 0, "x"),
    # Wants a person or a terminal
    Case("reads", "read x; echo got=$x", 0, "got=$"),
    Case("cat", "cat", 0),
    Case("python without a script", "python3", 0),
    Case("asks in python", "python3 -c 'input(\"sure? \")'", 1, "EOFError"),
    Case("opens the terminal", "cat </dev/tty", 1, "No such device|not a tty|No such file"),
    Case("changes the terminal", "stty raw -echo", 1, "stty"),
    Case("pager", "seq 300 | ${PAGER:-more} | tail -1", 0, "300"),
    Case("less on a file", "seq 9 >nine; less nine", 0, "9"),
    Case("git log pages", "git init -q p && cd p && git log; echo $?", 0, "128"),
    Case(
        "git commit opens an editor",
        "git init -q q && cd q && git -c user.name=a -c user.email=b commit --allow-empty; echo status=$?",
        0,
        r"no editor[\s\S]*status=1",
    ),
    # Where git has no helper for https, it may be told by a broken pipe.
    Case("git asks for a password", "git ls-remote https://user@localhost:1/x; echo status=$?", 0, "status=(128|141)"),
    # State
    Case("removes its working directory", "mkdir -p gone && cd gone && rm -rf ../gone", 0),
    Case(
        "changes what a shell needs", "export PATH=/nonexistent HOME=/nope PS1=x IFS=, ENV=/x BASH_ENV=/x; umask 777", 0
    ),
    Case("sets limits for itself", "ulimit -n 8; ulimit -t 1; echo set", 0, "set"),
    Case("readonly state", "readonly PWD 2>/dev/null; export -n HOME 2>/dev/null; echo x", 0, "x"),
    Case("strange names", 'touch -- -rf "$(printf \'a\\nb\')" "$(printf \'\\377\')" "\'" ; ls | wc -l', 0, r"\d"),
    Case("a name of 255 bytes", "n=$(printf '%0255d' 1); touch $n && rm $n && echo ok", 0, "ok"),
    Case("command with a NUL", "echo a\0b", 0, "ab"),
    Case("command of 200 kilobytes", "true " + "x" * 200_000 + "; echo ok", 0, "ok"),
    Case("command that is not ASCII", "echo 'ünï→ \U0001f600'", 0, "ünï→ \U0001f600"),
    Case("huge variable", "export BIG=$(head -c 60000 /dev/zero | tr '\\0' x); echo ${#BIG}; unset BIG", 0, "60000"),
    # Attacks on the sandbox
    Case("kills everything", "kill -9 -1; sleep 98", ANY, limit=LIMIT, not_in={"local": SHARED}),
    Case("kills process 1", "kill -9 1; kill -TERM 1; echo alive", ANY, not_in={"local": SHARED}),
    Case("kills the supervisor", "kill -9 $PPID; sleep 98", ANY, limit=LIMIT),
    Case("fork bomb", "b() { b | b & }; b; sleep 98", ANY, not_in={"local": UNBOUNDED}, limit=2),
    Case(
        "threads without end",
        "python3 -c 'import threading,time\nwhile 1: threading.Thread(target=time.sleep,args=(9,)).start()'",
        ANY,
        not_in={"local": UNBOUNDED},
        limit=2,
    ),
    Case(
        "memory without end",
        "python3 -c 'x=b\"x\"*(1<<30)'",
        ANY,
        "[Mm]emory|Killed",
        limit=8,
        not_in={"local": UNBOUNDED},
    ),
    Case("a file without end", "cat /dev/zero >huge; s=$?; rm -f huge; exit $s", 153),
    Case(
        "fills the disk",
        "for i in 1 2 3 4 5 6; do head -c 60000000 /dev/zero >f$i; done; sleep 98",
        ENDED,
        "disk is over",
        limit=12,
        not_in={"local": UNBOUNDED, "bubblewrap": "it would fill the machine's disk, which is polled for Docker only"},
    ),
    Case("cleans up after that", "rm -f f1 f2 f3 f4 f5 f6 huge", 0),
    Case(
        "mounts",
        "mount -t tmpfs x /tmp",
        ANY,
        "permission denied|Operation not permitted|must be superuser|does not exist",
        not_in={"local": SHARED},
    ),
    Case("makes a device", "mknod a-device b 8 0", 1, "not permitted", not_in={"local": SHARED}),
    Case("sysrq", "echo b >/proc/sysrq-trigger", 1, "denied|Read-only|No such file", not_in={"local": SHARED}),
    Case(
        "reads the supervisor",
        "cat /proc/1/environ /proc/1/mem /proc/1/fd/0 >/dev/null",
        1,
        "Permission denied",
        not_in={"local": OPEN},
    ),
    Case("writes into the channel", "echo 'x c - exit' >/proc/1/fd/0", 1, "denied|No such", not_in={"local": OPEN}),
    Case(
        "connects out",
        "python3 -c 'import socket; socket.create_connection((\"192.0.2.1\", 80), 5)'",
        1,
        "unreachable",
        not_in={"local": OPEN},
    ),
    Case(
        "looks for a key",
        "env | grep -c canary-; cat /proc/[0-9]*/environ 2>/dev/null | grep -ac canary-",
        1,
        r"^0\n0",
        not_in={"local": OPEN},
    ),
    Case("looks for a key in its own variables", "env | grep canary-", 1, "^$"),
    Case("engine's socket", "ls /var/run/docker.sock", 2, "No such file", not_in={"local": OPEN}),
    Case(
        "removes the carried state",
        "rm -rf /run/fix-issue/* /tmp/fix-issue; echo done",
        0,
        "done",
        not_in={"local": SHARED},
    ),
    Case(
        "corrupts the carried state",
        "for f in /run/fix-issue/*; do head -c 100 /dev/urandom >$f; done; echo done",
        ANY,
        not_in={"local": SHARED},
    ),
    Case(
        "fills the state's disk",
        "cat /dev/zero >/run/fix-issue/full; echo filled",
        0,
        "filled",
        limit=4,
        not_in={"local": SHARED},
    ),
]
KINDS = [pytest.param("docker", marks=pytest.mark.docker), "bubblewrap", "local"]


@pytest.fixture(scope="module", params=KINDS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    kind = request.param
    if kind == "bubblewrap" and not probe(kind).works:
        pytest.skip(probe(kind).problem)
    image = request.getfixturevalue("offline_image") if kind == "docker" else None
    os.environ["HOSTILE_API_KEY"] = "canary-8d2f6c"
    settings = SandboxSettings(kind=kind, image=image, memory="256m", pids=128, disk="128m", output=2000)
    with open_sandbox(settings, run_id="hostile", image=image) as opened:
        yield opened
    del os.environ["HOSTILE_API_KEY"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_ends_in_time_and_tells_the_truth(sandbox: Sandbox, case: Case) -> None:
    kind = sandbox.info.kind
    if kind in case.not_in:
        pytest.skip(case.not_in[kind])
    limit = case.limit or (LIMIT if case.exit_code is ENDED else ENOUGH)
    mark = f"HOSTILE_{uuid.uuid4().hex}"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.monotonic()

    done = sandbox.run(case.command, timeout=limit, env={mark: "1"})

    assert time.monotonic() - start < limit + 2 + SCHEDULING
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < HOST_GROWTH
    assert len(done.output) < 3000
    told = done.output + "".join(f"\n[{note}]" for note in done.notes)
    if case.exit_code != ANY:
        assert done.exit_code == case.exit_code, told
    if case.exit_code is ENDED:
        assert done.timed_out or "disk is over" in told
    assert re.search(case.says, told), told
    survivors = sandbox.run(f"grep -alz {mark}= /proc/[0-9]*/environ", fresh=True, timeout=30)
    assert survivors.exit_code != 0, survivors.output
    after = sandbox.run('cd "$PWD"; PATH=$PATH:/usr/bin:/bin; umask 022; echo alive $((6 * 7))', timeout=30)
    assert (after.output, after.exit_code) == ("alive 42\n", 0), (told, after)
    clean = f"export PATH=/usr/local/bin:/usr/bin:/bin; unset ENV BASH_ENV; cd {sandbox.workdir}"
    assert sandbox.run(clean, timeout=30).exit_code == 0


THIEF = r"""
import glob, os, re, select
pipes = {}
open("thief.pid", "w").write(str(os.getpid()))
while True:
    for name in glob.glob("/proc/[0-9]*/fd/1"):
        try:
            place = os.readlink(name)
            if place.startswith("pipe:") and place not in pipes:
                pipes[place] = os.open(name, os.O_RDWR | os.O_NONBLOCK)
        except OSError:
            pass
    for pipe in select.select(list(pipes.values()), [], [], 0)[0]:
        try:
            data = os.read(pipe, 65536)
        except OSError:
            continue
        os.write(pipe, re.sub(rb"(\x1e[0-9a-f]{32}) 9 ", rb"\1 0 ", data))
"""


def test_who_reads_the_commands_pipe_cannot_say_how_a_command_ended(sandbox: Sandbox) -> None:
    """The thief is a background job, which may outlive commands; nothing else can be there to steal."""
    if sandbox.info.kind == "local":
        pytest.skip(SHARED)
    sandbox.write("thief.py", THIEF.encode())
    sandbox.run("exec python3 thief.py", background=True)
    assert sandbox.run("until [ -s thief.pid ]; do :; done", timeout=60).exit_code == 0
    codes = {sandbox.run("exit 9", timeout=2).exit_code for _ in range(5)}
    assert codes <= {9, None}
    sandbox.run("kill $(cat thief.pid)", timeout=60)


@pytest.mark.docker
def test_removing_everything_gives_the_first_state_back_and_says_so(offline_image: str) -> None:
    settings = SandboxSettings(kind="docker", image=offline_image, output=2000)
    with open_sandbox(settings, run_id="hostile") as sandbox:
        done = sandbox.run("rm -rf / --no-preserve-root", timeout=60)
        assert any("ALL changes are lost" in note for note in done.notes)
        assert sandbox.run("echo alive").output == "alive\n"


@pytest.mark.docker
def test_what_an_image_held_before_its_tree_was_replaced_does_not_come_back(offline_image: str) -> None:
    settings = SandboxSettings(kind="docker", image=offline_image, output=2000)
    empty_archive = b"\0" * 10240
    with open_sandbox(settings, run_id="hostile") as sandbox:
        sandbox.put_tree(empty_archive, sandbox.workdir)
        with pytest.raises(SandboxError, match="removed the programs"):
            sandbox.run("rm -rf /usr --no-preserve-root", timeout=60)


@pytest.mark.parametrize("kind", KINDS)
def test_two_hundred_commands_leak_nothing(kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "bubblewrap" and not probe(kind).works:
        pytest.skip(probe(kind).problem)
    image = request.getfixturevalue("offline_image") if kind == "docker" else None
    with open_sandbox(SandboxSettings(kind=kind, image=image, output=500), run_id="hostile") as sandbox:  # type: ignore[arg-type]
        for _ in range(5):
            sandbox.run("seq 9999")
        descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
        for number in range(200):
            done = sandbox.run("seq 9999; true &" if number % 50 == 0 else f"echo {number}")
            assert done.exit_code == 0
        assert len(os.listdir("/proc/self/fd")) <= descriptors
        assert threading.active_count() <= threads
        assert sandbox.run("ls $PWD | wc -l; ls /tmp/fix-issue 2>/dev/null | wc -l").exit_code == 0
