import json
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweagent.batch.data.predictions import Layout, Prediction, read_predictions, write_layout, write_predictions
from sweagent.errors import UsageError

TWO = {
    "a__b-1": Prediction(instance_id="a__b-1", model_name_or_path="m", model_patch="diff --git a/x b/x\n"),
    "a__b-2": Prediction(instance_id="a__b-2", model_name_or_path="m"),
}


@pytest.mark.parametrize("name", ["preds.json", "preds.jsonl"])
def test_what_is_written_is_read_back(name: str, tmp_path: Path) -> None:
    write_predictions(tmp_path / name, TWO.values())

    assert read_predictions(tmp_path / name) == TWO


def test_json_lines_have_exactly_the_official_fields(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p.jsonl", TWO.values())

    lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]

    assert [sorted(line) for line in lines] == [["instance_id", "model_name_or_path", "model_patch"]] * 2


@pytest.mark.parametrize("layout", get_args(Layout))
def test_layouts_of_other_tools_are_written_and_read(layout: Layout, tmp_path: Path) -> None:
    write_layout(tmp_path, TWO, layout)

    source = tmp_path / "preds.jsonl" if layout == "official" else tmp_path
    assert read_predictions(source) == TWO


def test_folder_of_swe_agent_is_read_without_its_merged_file(tmp_path: Path) -> None:
    write_layout(tmp_path, TWO, "swe-agent")
    (tmp_path / "preds.json").unlink()

    assert read_predictions(tmp_path) == TWO


def test_missing_patch_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "preds.json"
    path.write_text(json.dumps({"a-1": {"instance_id": "a-1", "model_patch": None, "extra": 1}}))

    assert read_predictions(path) == {"a-1": Prediction(instance_id="a-1")}


@given(st.text(st.characters(codec=None)))
def test_any_text_of_a_patch_survives(tmp_path_factory: pytest.TempPathFactory, patch: str) -> None:
    path = tmp_path_factory.mktemp("p") / "preds.jsonl"
    prediction = Prediction(instance_id="a-1", model_patch=patch)

    write_predictions(path, [prediction])

    assert read_predictions(path) == {"a-1": prediction}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "7",
        "[7]",
        '{"a": "diff"}',
        '[{"model_patch": ""}]',
        '[{"instance_id": "a", "model_patch": 7}]',
        '[{"instance_id": 7}]',
        '[{"instance_id": "../a", "model_patch": ""}]',
        '[{"instance_id": "a/b", "model_patch": ""}]',
    ],
)
def test_what_is_no_predictions_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "preds.json"
    path.write_text(content)

    with pytest.raises(UsageError):
        read_predictions(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.json", '{"a-1": {"model_patch": "x\u2028y", "model_name_or_path": "m"}}'),
        ("p.json", '{"instance_id": "a-1", "model_patch": "x\u2028y", "model_name_or_path": "m"}'),
        ("p.jsonl", '\ufeff{"instance_id": "a-1", "model_patch": "x\u2028y", "model_name_or_path": "m"}\r\n\n'),
        ("a-1.pred", '{"instance_id": "a-1", "model_patch": "x\u2028y", "model_name_or_path": "m"}'),
    ],
)
def test_forms_that_other_programs_write(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")

    wanted = Prediction(instance_id="a-1", model_name_or_path="m", model_patch="x\u2028y")
    assert read_predictions(tmp_path / name) == {"a-1": wanted}


def test_torn_file_of_swe_agent_is_named(tmp_path: Path) -> None:
    (tmp_path / "a-1").mkdir()
    (tmp_path / "a-1" / "a-1.pred").write_text("{")

    with pytest.raises(UsageError, match=r"a-1\.pred is not JSON"):
        read_predictions(tmp_path)


def test_instance_with_two_predictions_is_refused(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [{"instance_id": "a-1", "model_patch": patch} for patch in ("x", "y")]
    path = tmp_path / "p.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))

    with pytest.raises(UsageError, match="two predictions for a-1"):
        read_predictions(path)


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_place_without_predictions_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read_predictions(tmp_path / name)


def test_command_converts_from_one_layout_to_another(tmp_path: Path) -> None:
    from sweagent.cli.app import run

    write_layout(tmp_path / "theirs", TWO, "swe-agent")

    assert run(["predictions", str(tmp_path / "theirs"), str(tmp_path / "mine")]) == 0
    assert read_predictions(tmp_path / "mine" / "preds.jsonl") == TWO
    assert run(["predictions", str(tmp_path / "theirs"), str(tmp_path / "mine"), "--layout", "other"]) == 2
