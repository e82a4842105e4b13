"""What carries over from one command to the next, what does not, and what an observation says."""

import re
import threading

import pytest

from sweagent.config import SandboxSettings
from sweagent.sandbox import Sandbox, open_sandbox


def test_folder_and_exported_variables_carry_over(sandbox: Sandbox) -> None:
    sandbox.run("mkdir -p 'a b' && cd 'a b' && export CARRIED=$'x \\'y\\n' LOCAL_TO_IT; OTHER=1")
    done = sandbox.run('pwd; printf "%s|%s|" "$CARRIED" "$OTHER"')
    assert done.output == f"{sandbox.workdir}/a b\nx 'y\n||"
    assert sandbox.run("cd - >/dev/null; pwd").output == f"{sandbox.workdir}\n"


def test_the_local_sandbox_puts_its_own_folder_in_the_place_of_the_work_tree_of_others() -> None:
    env = {"PLACES": "/testbed/src:/testbed:/testbed-2"}
    with open_sandbox(SandboxSettings(kind="local"), workdir="/testbed", env=env) as sandbox:
        top = sandbox.workdir
        assert sandbox.run('echo "$PLACES"').output == f"{top}/src:{top}:/testbed-2\n"


def test_an_unset_variable_stays_unset(sandbox: Sandbox) -> None:
    sandbox.run("export GONE=1")
    sandbox.run("unset GONE PAGER")
    assert sandbox.run('echo "[$GONE$PAGER]"').output == "[]\n"
    sandbox.run("export PAGER=cat")


def test_variables_of_a_call_hold_for_it_alone(sandbox: Sandbox) -> None:
    sandbox.run("export OLD=old")
    assert sandbox.run('echo "$OLD $NEW"', env={"OLD": "it's", "NEW": "a\nb"}).output == "it's a\nb\n"
    assert sandbox.run('echo "$OLD ${NEW-unset}"').output == "old unset\n"
    with pytest.raises(ValueError, match="not a name"):
        sandbox.run("true", env={"A-B": "x"})


def test_a_fresh_command_sees_the_first_state_and_leaves_the_carried_one(sandbox: Sandbox) -> None:
    sandbox.run("cd /tmp; export CARRIED=1")
    assert (
        sandbox.run('pwd; echo "[$CARRIED]"; cd /; export CARRIED=2', fresh=True).output == f"{sandbox.workdir}\n[]\n"
    )
    assert sandbox.run('pwd; echo "$CARRIED"').output == "/tmp\n1\n"


def test_output_is_in_order_and_exit_codes_are_those_of_bash(sandbox: Sandbox) -> None:
    done = sandbox.run("echo 1; echo 2 >&2; echo 3; false | true; echo $?; false")
    assert (done.output, done.exit_code) == ("1\n2\n3\n0\n", 1)
    assert sandbox.run("set -o pipefail; false | true").exit_code == 1


def test_a_long_output_is_cut_at_lines_and_kept_in_a_file(sandbox: Sandbox) -> None:
    done = sandbox.run("seq 100000", output_limit=1000)
    assert done.truncated
    assert done.total_bytes == 588895
    assert done.output.startswith("1\n2\n")
    assert done.output.endswith("\n99999\n100000\n")
    assert len(done.output) < 1200
    notice = re.search(r"\n\[… ([\d,]+) bytes left out; see (\S+) …\]\n", done.output)
    assert notice is not None
    assert done.full_output == notice[2]
    assert sandbox.run(f"sed -n '54321p' {done.full_output}").output == "54321\n"


def test_an_output_a_little_over_the_limit_is_kept_whole(sandbox: Sandbox) -> None:
    done = sandbox.run("head -c 1100 /dev/zero | tr '\\0' x", output_limit=1000)
    assert (done.output, done.truncated, done.full_output) == ("x" * 1100, False, None)


def test_a_background_job_goes_on_while_others_come_and_go(sandbox: Sandbox) -> None:
    job = sandbox.run("echo begun; while [ ! -e stop ]; do sleep 0.05; done; echo over", background=True)
    assert job.exit_code == 0
    assert sandbox.run("sleep 60 & echo x").exit_code == 0
    assert sandbox.run("sleep 60", timeout=0.5).timed_out
    wait = f"touch stop; until grep -q ended {job.full_output}; do sleep 0.05; done; cat {job.full_output}"
    assert sandbox.run(wait, timeout=20).output == "begun\nover\n[the background job ended with exit code 0]\n"


def test_a_background_job_keeps_programs_without_variables_and_nobody_else_does(sandbox: Sandbox) -> None:
    job = sandbox.run("env -i sleep 1; echo over $?", background=True)
    # Such a program looks like one that is just being started.
    assert sandbox.run("env -i sleep 6173 & echo x").output.startswith("x\n")
    assert "sleep 6173" not in sandbox.run("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").output
    wait = f"until grep -q ended {job.full_output}; do sleep 0.05; done; cat {job.full_output}"
    assert sandbox.run(wait, timeout=20).output == "over 0\n[the background job ended with exit code 0]\n"


def test_a_test_of_interrupts_works(sandbox: Sandbox) -> None:
    code = "import os,signal\ntry:\n os.kill(os.getpid(), signal.SIGINT)\nexcept KeyboardInterrupt: print('caught')"
    assert sandbox.run(f'python3 -c "{code}"').output == "caught\n"
    assert sandbox.run("yes | head -1; exit ${PIPESTATUS[0]}").exit_code == 141


def test_commands_of_several_threads_do_not_mix(sandbox: Sandbox) -> None:
    outputs: dict[int, str] = {}

    def ask(number: int) -> None:
        outputs[number] = sandbox.run(f"echo {number}; echo {number}").output

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outputs == {number: f"{number}\n{number}\n" for number in range(8)}
