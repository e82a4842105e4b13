import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweagent.batch.data.instances import Instance, load_instances, select
from sweagent.errors import UsageError

Make = Callable[..., dict[str, Any]]


def ids(instances: tuple[Instance, ...]) -> list[str]:
    return [instance.instance_id for instance in instances]


def write_jsonl(path: Path, records: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return str(path)


def test_old_form_is_read_with_its_lists_of_tests(record: Make) -> None:
    instance = Instance.from_record(record())

    assert instance.fail_to_pass == ("test_tool.py::test_new[a-1]",)
    assert instance.pass_to_pass == ("test_tool.py::test_old",)
    assert (instance.image, instance.eval_script, instance.log_parser) == ("", "", "")


def test_new_form_is_read_with_image_and_script(record: Make) -> None:
    instance = Instance.from_record(
        record(
            FAIL_TO_PASS=["a", "b"],
            image="swebench/x:latest",
            eval_script="#!/bin/bash\npytest\n",
            log_parser="parse_log_pytest",
            eval_type="pass_and_fail",
            image_assets='{"test_patch": []}',
            unknown_field={"kept": False},
        )
    )

    assert instance.fail_to_pass == ("a", "b")
    assert instance.image == "swebench/x:latest"
    assert instance.eval_script.endswith("pytest\n")
    assert instance.image_assets == {"test_patch": []}


def test_record_goes_out_in_the_official_form_and_comes_back(record: Make) -> None:
    instance = Instance.from_record(record(image="i:1", log_parser="p"))

    official = instance.to_record()

    assert json.loads(official["FAIL_TO_PASS"]) == ["test_tool.py::test_new[a-1]"]
    assert Instance.from_record(official) == instance


def test_what_the_agent_must_not_know_is_not_in_the_instances_text_for_people(record: Make) -> None:
    shown = repr(Instance.from_record(record()))

    assert "look at tool.py" not in shown
    assert "test_new" not in shown
    assert "diff --git" not in shown


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"instance_id": "../../etc/passwd"}, "cannot be an instance_id"),
        ({"instance_id": ".hidden"}, "cannot be an instance_id"),
        ({"instance_id": "a\nb"}, "cannot be an instance_id"),
        ({"repo": None}, "repo"),
        ({"base_commit": None}, "nothing to solve"),
        ({"problem_statement": ""}, "nothing to solve"),
        ({"FAIL_TO_PASS": "not json"}, "fail_to_pass"),
        ({"FAIL_TO_PASS": "[1, 2]"}, "fail_to_pass"),
        ({"patch": 5}, "patch"),
    ],
)
def test_record_that_cannot_be_used_is_refused_in_words(record: Make, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Instance.from_record(record(**changes))


@pytest.mark.parametrize("kind", ["jsonl", "json list", "json by id", "parquet", "folder"])
def test_every_kind_of_file_gives_the_same_instances(kind: str, record: Make, tmp_path: Path) -> None:
    records = [record("a__b-1", image=""), record("a__b-2", image="x:1")]
    path = tmp_path / {"jsonl": "d.jsonl", "parquet": "d.parquet", "folder": "data/test-0.parquet"}.get(kind, "d.json")
    path.parent.mkdir(exist_ok=True)
    match kind:
        case "jsonl":
            write_jsonl(path, records)
        case "json list":
            path.write_text(json.dumps(records))
        case "json by id":
            path.write_text(json.dumps({item["instance_id"]: item for item in records}))
        case _:
            write_parquet(path, records)

    found = load_instances(str(tmp_path if kind == "folder" else path))

    assert found == tuple(Instance.from_record(item) for item in records)


def write_parquet(path: Path, records: list[dict[str, Any]]) -> None:
    from pyarrow import Table
    from pyarrow.parquet import write_table

    write_table(Table.from_pylist(records), path)


def test_pairs_of_repository_and_issue_get_stable_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("# mine\npsf/requests 2674\n\n/home/me/tool\tThe report is empty\nhttps://h.org/o/n.git #7\n")

    found = load_instances(str(path))

    assert [(item.repo, item.issue) for item in found] == [
        ("psf/requests", "2674"),
        ("/home/me/tool", "The report is empty"),
        ("https://h.org/o/n.git", "#7"),
    ]
    assert ids(found)[0] == "psf__requests-2674"
    assert re.fullmatch(r"tool-the-report-is-empty-[0-9a-f]{6}", ids(found)[1])
    assert ids(found)[2] == "o__n-7"
    assert ids(found) == ids(load_instances(str(path)))


def test_pairs_come_from_csv_and_from_jsonl_too(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text('repo,issue\npsf/requests,"Fails, and says nothing"\n')
    lines = write_jsonl(tmp_path / "mine.jsonl", [{"repo": "psf/requests", "issue": "Fails, and says nothing"}])

    assert load_instances(str(table)) == load_instances(lines)


def test_separators_of_unicode_byte_order_marks_and_numbers_are_no_obstacle(record: Make, tmp_path: Path) -> None:
    odd = record(problem_statement="one\u2028two\x85three", version=3.1)
    path = tmp_path / "d.jsonl"
    path.write_text("\ufeff" + json.dumps(odd, ensure_ascii=False) + "\r\n", encoding="utf-8", newline="")
    pairs = tmp_path / "pairs.csv"
    pairs.write_text('repo,issue\na/b,"It breaks\nsince yesterday"\n')

    (instance,) = load_instances(str(path))
    (pair,) = load_instances(str(pairs))
    numbered = Instance.from_record({"instance_id": "x", "repo": "a/b", "issue": 7})

    assert (instance.problem_statement, instance.version) == ("one\u2028two\x85three", "3.1")
    assert pair.issue == "It breaks\nsince yesterday"
    assert numbered.issue == "7"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("d.jsonl", '{"torn": ', "cannot read"),
        ("d.json", "3", "not a list of records"),
        ("d.jsonl", "[1]\n", "not a list of records"),
        ("d.parquet", "no parquet", "cannot read"),
        ("d.txt", "only-a-repository\n", "^pair 1 of .* is not a repository and an issue"),
        ("d.txt", "a/b 1\na/b 1\n", "twice"),
        ("d.json", b"\xff\xfe", "cannot read"),
    ],
)
def test_file_that_is_no_data_set_is_refused(name: str, content: str | bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)

    with pytest.raises(UsageError, match=said):
        load_instances(str(path))


def test_ids_that_differ_only_in_case_are_twins(record: Make, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="twice"):
        load_instances(write_jsonl(tmp_path / "d.jsonl", [record("Acme__a-1"), record("acme__A-1")]))


@pytest.fixture
def many(record: Make) -> tuple[Instance, ...]:
    return tuple(Instance.from_record(record(f"{project}-{number}")) for project in "ab" for number in range(5))


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ({"slice": "2"}, ["a-0", "a-1"]),
        ({"slice": "-1:"}, ["b-4"]),
        ({"slice": "::5"}, ["a-0", "b-0"]),
        ({"slice": ""}, [f"{project}-{number}" for project in "ab" for number in range(5)]),
        ({"pattern": "b-[12]"}, ["b-1", "b-2"]),
        ({"pattern": "b", "slice": ":1"}, ["b-0"]),
        ({"ids": ["b-3", "a-1"]}, ["a-1", "b-3"]),
    ],
)
def test_choices(many: tuple[Instance, ...], choice: dict[str, Any], wanted: list[str]) -> None:
    assert ids(select(many, **choice)) == wanted


@pytest.mark.parametrize("choice", [{"slice": "a"}, {"slice": "1:2:3:4"}, {"slice": "::0"}, {"pattern": "("}])
def test_choice_that_cannot_be_understood_is_refused(many: tuple[Instance, ...], choice: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        select(many, **choice)  # type: ignore[arg-type]


def test_id_that_is_not_there_is_named(many: tuple[Instance, ...]) -> None:
    with pytest.raises(UsageError, match="c-9"):
        select(many, ids=["a-1", "c-9"])


def test_same_seed_gives_the_same_order_whatever_the_order_of_the_data(many: tuple[Instance, ...]) -> None:
    shuffled = ids(select(many, shuffle_seed=7))

    assert shuffled == ids(select(tuple(reversed(many)), shuffle_seed=7))
    assert sorted(shuffled) == sorted(ids(many))
    assert shuffled not in (ids(many), ids(select(many, shuffle_seed=8)))


@given(st.lists(st.integers(0, 30), unique=True, max_size=30), st.integers(1, 5))
def test_slices_that_follow_each_other_cover_everything_once(numbers: list[int], size: int) -> None:
    plain = {"repo": "a/b", "base_commit": "1", "problem_statement": "x"}
    instances = tuple(Instance(instance_id=f"a-{number}", **plain) for number in numbers)  # type: ignore[arg-type]

    parts = [select(instances, slice=f"{start}:{start + size}") for start in range(0, len(instances), size)]

    assert [instance for part in parts for instance in part] == list(instances)


@contextmanager
def hub(files: dict[str, bytes], asked: list[str]) -> Iterator[str]:
    """A server that answers as Hugging Face's hub does for one data set."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            name = self.path.rsplit("/", 1)[-1]
            if self.path == "/api/datasets/acme/bench/parquet":
                here = f"http://127.0.0.1:{self.server.server_address[1]}"  # type: ignore[index]
                urls = [f"{here}/files/{number}" for number in range(len(files))]
                self._answer(200, json.dumps({"default": {"test": urls}}).encode())
            elif self.path.startswith("/files/") and self.headers.get("If-None-Match") == f'"{name}"':
                self._answer(304, b"")
            elif self.path.startswith("/files/"):
                self._answer(200, files[name], f'"{name}"')
            else:
                self._answer(404, b"{}")

        def _answer(self, status: int, body: bytes, tag: str = "") -> None:
            self.send_response(status)
            if tag:
                self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def parts(record: Make, tmp_path: Path) -> dict[str, bytes]:
    files = {}
    for number in range(2):
        write_parquet(tmp_path / "part.parquet", [record(f"a__b-{number}")])
        files[str(number)] = (tmp_path / "part.parquet").read_bytes()
    return files


def test_data_set_of_the_hub_is_fetched_once_and_read_without_the_hub_later(
    parts: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    with hub(parts, asked) as url:
        monkeypatch.setenv("HF_ENDPOINT", url)
        first = load_instances("acme/bench")
        again = load_instances("acme/bench")
    later = load_instances("acme/bench")

    assert ids(first) == ["a__b-0", "a__b-1"]
    assert first == again == later


def test_unknown_name_or_split_at_the_hub_is_said_to_be_unknown(
    parts: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub(parts, []) as url:
        monkeypatch.setenv("HF_ENDPOINT", url)
        with pytest.raises(UsageError, match="no data set acme/other"):
            load_instances("acme/other")
        with pytest.raises(UsageError, match="no split dev"):
            load_instances("acme/bench", split="dev")


def test_hub_out_of_reach_and_nothing_kept_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(UsageError, match="cannot be had"):
        load_instances("acme/bench")


def test_name_that_is_neither_file_nor_data_set_is_refused() -> None:
    with pytest.raises(UsageError, match="no data set"):
        load_instances("nonsense")
