"""Both sides of a connection that has fallen silent stop at the same time."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

from sweagent import __version__
from sweagent.batch.drive.outcomes import Outcome
from sweagent.batch.drive.solve_service import SolveOptions, SolveService
from sweagent.batch.nodes.messages import Ended, Ready, Setup, Work, as_line, read_report
from sweagent.batch.nodes.pipe import PipeExecutor

sys.path.append(str(Path(__file__).parents[2] / "support"))

from node_world import instances, node_command, run, script, settings

SILENT = "read -r setup; echo '{}'; echo '{}'; exec sleep 600"


def test_instance_of_a_silent_node_goes_on_elsewhere_and_its_old_epoch_is_not_heard(tmp_path: Path) -> None:
    ready = Ready(host="silent", slots=1).model_dump_json()
    # It says that the job has ended, in an epoch that is not the one in which it is given it.
    early = Ended(name="acme__shapes-0", epoch=0, payload={}).model_dump_json()
    silent = shlex.join(["sh", "-c", SILENT.format(ready, early)])
    notes: list[str] = []

    (result,) = run(
        tmp_path / "out",
        instances(tmp_path, 1),
        settings("", policy=script(tmp_path)),
        PipeExecutor([silent, node_command(tmp_path, "--slots", "1")]),
        notes=notes,
        silence=5.0,
    ).values()

    assert (result.outcome, result.steps) == (Outcome.UNGRADED, 3)
    assert any("has said nothing for 5 s" in note for note in notes)
    assert any("goes on elsewhere" in note for note in notes)


def test_node_that_hears_nothing_ends_itself(tmp_path: Path) -> None:
    payload = SolveService.payload(settings("", policy=script(tmp_path)), SolveOptions())
    setup = Setup(work=Work.SOLVE, version=__version__, silence=1.0, payload=payload)
    node = subprocess.Popen(
        shlex.split(node_command(tmp_path)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert node.stdin is not None
    node.stdin.write(as_line(setup))
    node.stdin.flush()

    assert node.stdout is not None
    assert isinstance(read_report(node.stdout.readline()), Ready)
    # Its input stays open, and nothing comes.
    node.stdout.read()
    assert node.wait(60) == 1
    assert node.stderr is not None
    assert b"has said nothing for 1 s" in node.stderr.read()


def test_node_of_another_version_refuses(tmp_path: Path) -> None:
    setup = Setup(work=Work.SOLVE, version="0.0.0", silence=1.0, payload={})

    done = subprocess.run(
        shlex.split(node_command(tmp_path)), input=as_line(setup), capture_output=True, timeout=120, check=False
    )

    said = json.loads(done.stdout)
    assert said["type"] == "refused"
    assert "0.0.0" in said["hint"]
    assert done.returncode == 2
