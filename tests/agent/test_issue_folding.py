"""What an issue holds beside prose, code and traces is folded; those stay word for word."""

import pytest

from sweagent.agent.issue_folding import fold_issue

WHERE = "whole.md"
PIP = "\n".join(f"package-{number}          1.{number}.0" for number in range(30))
CONDA = "\n".join(f"lib{number}   {number}.2   py37_0    conda-forge" for number in range(30))
FREEZE = "\n".join(f"package_{number}==1.{number}" for number in range(30))
SHOWN = "\n".join(f"name{number}: 0.{number}.3" if number % 3 else f"name{number}: None" for number in range(30))


@pytest.mark.parametrize("listed", [PIP, CONDA, FREEZE, SHOWN])
def test_a_list_of_versions_is_folded(listed: str) -> None:
    text = f"It crashes\n\nSee:\n{listed}\n\nThanks"
    folded = fold_issue(text, WHERE)
    first = listed.split("\n")
    assert folded == (
        f"It crashes\n\nSee:\n{first[0]}\n{first[1]}\n[… 28 lines: versions; the whole text: {WHERE}]\n\nThanks"
    )


CODE = "\n".join(f"value_{number} = compute({number})" for number in range(80))
TRACE = "Traceback (most recent call last):\n" + "\n".join(
    f'  File "a{number}.py", line {number}, in f\n    call({number})' for number in range(60)
)
IPYTHON = "\n".join(f"----> {number} call({number})\n      other" for number in range(50))
PROSE = "\n".join(
    f"In step {number} of what I did the window of the program was not to be seen." for number in range(90)
)
SESSION = "\n".join(f"In [{number}]: f({number})\nOut[{number}]: {number * 7}" for number in range(60))


@pytest.mark.parametrize("part", [CODE, TRACE, IPYTHON, PROSE, SESSION, "python: 3.8.2\nOS: Linux\nnumpy: 1.2.3"])
@pytest.mark.parametrize("fence", ["```\n{}\n```", "{}"])
def test_prose_code_and_traces_stay(part: str, fence: str) -> None:
    text = "Title\n\n" + fence.format(part)
    assert fold_issue(text, WHERE) == text


def test_the_middle_of_a_long_log_is_folded_and_its_errors_stay() -> None:
    lines = [f"[INFO] copying build/lib/{number}.txt -> dist" for number in range(200)]
    lines[90] = "error: command 'gcc' failed"
    folded = fold_issue("Title\n\n```\n" + "\n".join(lines) + "\n```\nEnd", WHERE)
    assert lines[0] in folded
    assert lines[199] in folded
    assert lines[90] in folded
    assert lines[50] not in folded
    assert lines[150] not in folded
    assert folded.count("of the log") == 2
    assert folded.count(WHERE) == 1


def test_what_stands_there_twice_is_folded_the_second_time() -> None:
    part = "\n".join(f"line {number} of the description of what happens" for number in range(20))
    folded = fold_issue(f"Title\n\n{part}\n\nTitle\n\n{part}\nEnd", WHERE)
    assert folded.count("line 7 of the description") == 1
    assert folded.endswith("]\nEnd")


def test_a_line_without_end_is_cut() -> None:
    data = "iVBORw0KGgo" * 500
    folded = fold_issue(f"Title\n\n![x](data:image/png;base64,{data})\nEnd", WHERE)
    assert len(folded) < 800
    assert "characters; the whole text: whole.md]" in folded
    assert fold_issue("word " * 1000, WHERE) == "word " * 1000
