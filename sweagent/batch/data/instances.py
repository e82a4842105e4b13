"""Instances of SWE-bench's data sets or of one's own list."""

import json
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from pydantic import Field, ValidationError

from sweagent.errors import UsageError
from sweagent.frozen import Frozen

SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,199}")
"""What an id may be, which also names a folder."""

_JSON_FIELDS = {"fail_to_pass": "FAIL_TO_PASS", "pass_to_pass": "PASS_TO_PASS"}
_IMAGE_FIELDS = ("image", "image_name", "docker_image")
_OFTEN_NUMBERS = ("version", "created_at", "issue")


class Instance(Frozen):
    """One task of a data set in SWE-bench's format (4.x or 5.x), or one pair of a repository and an issue.

    Only `repo`, `base_commit`, `problem_statement` and `issue` may reach the agent; all else belongs to the evaluation.
    """

    instance_id: str
    """Unique in a data set, and safe as the name of a folder."""
    repo: str
    """As `owner/name`; in a pair also a path or a git URL."""
    base_commit: str = ""
    """Empty in a pair that starts from the repository's HEAD."""
    problem_statement: str = ""
    issue: str = ""
    """In a pair: the issue's number, URL, file or text, read when the instance is run."""
    version: str = ""
    created_at: str = ""
    environment_setup_commit: str = ""
    hints_text: str = Field(default="", repr=False)
    patch: str = Field(default="", repr=False)
    """The gold patch."""
    test_patch: str = Field(default="", repr=False)
    fail_to_pass: tuple[str, ...] = Field(default=(), repr=False)
    pass_to_pass: tuple[str, ...] = Field(default=(), repr=False)
    image: str = ""
    """5.x: the image's name; empty in the 4.x form, where the name follows from the id."""
    eval_script: str = Field(default="", repr=False)
    """5.x: the script that runs the tests."""
    log_parser: str = ""
    """5.x: the name of the function that reads the script's output."""
    eval_type: str = ""
    image_assets: dict[str, Any] = Field(default={}, repr=False)
    """5.x, multimodal: binary files that a text patch cannot carry."""

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read one record of a data set; fields that are not known are left out.

        Raises:
            UsageError: a field is missing or has the wrong type.
        """
        values = {name: record[name] for name in cls.model_fields if record.get(name) is not None}
        for name, official in _JSON_FIELDS.items():
            values[name] = _list(record.get(official, values.get(name)))
        values["image"] = next((str(record[name]) for name in _IMAGE_FIELDS if record.get(name)), "")
        values["image_assets"] = _mapping(values.get("image_assets"))
        values |= {field: str(values[field]) for field in _OFTEN_NUMBERS if field in values}
        name = str(record.get("instance_id", "without instance_id"))
        try:
            instance = cls.model_validate(values)
        except ValidationError as error:
            item = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in item["loc"])
            raise UsageError(
                f"the record {name[:80]!r} cannot be used: {place}: {item['msg']}",
                "a record needs instance_id, repo, base_commit and problem_statement, or repo and issue",
            ) from error
        if not SAFE_ID.fullmatch(instance.instance_id):
            raise UsageError(
                f"{instance.instance_id[:80]!r} cannot be an instance_id",
                "use letters, digits and the characters _ . + -",
            )
        if not (instance.issue or (instance.problem_statement and instance.base_commit)):
            raise UsageError(
                f"the record {name[:80]!r} has nothing to solve", "give problem_statement and base_commit, or issue"
            )
        return instance

    def without_oracle(self) -> "Instance":
        """What a run needs of it: of very many instances, the rest would take much memory, and no run may see it."""
        keep = {"instance_id", "repo", "base_commit", "problem_statement", "issue", "version", "image"}
        return Instance.model_construct(**{name: getattr(self, name) for name in keep})

    def to_record(self) -> dict[str, Any]:
        """The record as the official data sets have it: the lists of tests are JSON in a string."""
        record = self.model_dump(mode="json", exclude={"issue", *_JSON_FIELDS})
        return record | {official: json.dumps(getattr(self, name)) for name, official in _JSON_FIELDS.items()}


def load_instances(
    spec: str,
    *,
    split: str = "test",
    slice: str = "",  # noqa: A002 - what users of the other tools call it
    pattern: str = "",
    shuffle_seed: int | None = None,
    ids: Iterable[str] = (),
    oracle: bool = True,
) -> tuple[Instance, ...]:
    """Read a data set and choose from it.

    The order of the choices is: ids, shuffle, pattern, slice.

    Args:
        spec: `verified`, `lite`, `full`, `multilingual` or `multimodal`; any name of a data set at Hugging Face; a
            local .json, .jsonl or .parquet file or a folder of parquet files; or a text file with a pair
            `REPOSITORY ISSUE` a line.
        split: which part of a data set at Hugging Face or of a folder.
        slice: as Python has it: `10`, `5:10`, `::2`.
        pattern: a regular expression that ids must match from their start.
        shuffle_seed: shuffle with this seed; the same seed gives the same order, whatever the order of the data.
        ids: keep only these.
        oracle: keep also what belongs to the evaluation.

    Raises:
        UsageError: the data set cannot be read, or an id is not in it or in it twice.
    """
    from sweagent.batch.data.sources import read_records

    read = (Instance.from_record(record) for record in read_records(spec, split))
    instances = tuple(instance if oracle else instance.without_oracle() for instance in read)
    _refuse_twins(instances, spec)
    return select(instances, slice=slice, pattern=pattern, shuffle_seed=shuffle_seed, ids=ids)


def select(
    instances: Sequence[Instance],
    *,
    slice: str = "",  # noqa: A002
    pattern: str = "",
    shuffle_seed: int | None = None,
    ids: Iterable[str] = (),
) -> tuple[Instance, ...]:
    """Choose instances; see `load_instances`."""
    chosen = list(instances)
    wanted = set(ids)
    missing = wanted - {instance.instance_id for instance in chosen}
    if missing:
        raise UsageError(f"not in the data set: {', '.join(sorted(missing)[:5])}", "check the ids and the split")
    if wanted:
        chosen = [instance for instance in chosen if instance.instance_id in wanted]
    if shuffle_seed is not None:
        chosen.sort(key=lambda instance: instance.instance_id)
        random.Random(shuffle_seed).shuffle(chosen)  # noqa: S311 - an order, not a secret
    if pattern:
        try:
            expression = re.compile(pattern)
        except re.error as error:
            raise UsageError(f"{pattern!r} is not a regular expression: {error}", "correct --filter") from error
        chosen = [instance for instance in chosen if expression.match(instance.instance_id)]
    return tuple(chosen[_slice(slice)])


def _slice(text: str) -> slice:
    parts = text.split(":")
    try:
        numbers = [int(part) if part.strip() else None for part in parts]
        return slice(*numbers) if len(numbers) <= 3 and 0 not in numbers[2:] else slice(int(text))
    except ValueError:
        raise UsageError(f"{text!r} is not a slice", "write 10, 5:10 or ::2") from None


def _refuse_twins(instances: Iterable[Instance], spec: str) -> None:
    seen: set[str] = set()
    for instance in instances:
        # Folders on some systems do not tell upper from lower case.
        key = instance.instance_id.lower()
        if key in seen:
            raise UsageError(f"{instance.instance_id} is in {spec} twice", "give each instance an id of its own")
        seen.add(key)


def _list(value: Any) -> Any:
    """A list of tests, which the data sets hold as a list or as JSON in a string."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return list(value)


def _mapping(value: Any) -> Any:
    if isinstance(value, str) and value:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value or {}
