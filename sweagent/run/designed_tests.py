"""Have tests designed by somebody who never sees a patch."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from sweagent.frozen import Frozen
from sweagent.run.repository_texts import Place, code_of, example_test, likely_places
from sweagent.run.role_prompts import role_prompt
from sweagent.trajectory import Reproduction

if TYPE_CHECKING:
    from sweagent.run.run import Run

MOST = 3
"""Tests of one answer."""

ENOUGH = 2
"""So many designed tests, each seen to show the issue, have to fail before they take a verdict: one may be wrong."""


def _relative(path: str) -> str:
    pure = PurePosixPath(path)
    if not path.strip() or pure.is_absolute() or ".." in pure.parts or "\n" in path:
        raise ValueError("give a path of a new file, relative to the repository's root")
    return str(pure)


class DesignedTest(Frozen):
    """A test in a file of its own."""

    path: Annotated[str, AfterValidator(_relative)] = Field(
        description="of a new file, relative to the root, where and as the project names its tests"
    )
    content: str = Field(description="the whole file")


class DesignedTests(Frozen):
    """The tests."""

    tests: tuple[DesignedTest, ...] = Field(min_length=1, max_length=MOST)


def design_tests(
    run: "Run",
    places: Sequence[Place] = (),
    *,
    samples: int = 1,
    each: int = MOST,
    role: str = "tester",
    **settings: Any,
) -> tuple[Reproduction, ...]:
    """Ask for tests of what the issue demands; the one who is asked sees the issue and the base, and never a patch.

    Whether they show the issue is seen when they are verified. After S. Holt et al. and D. Huang et al., "AgentCoder:
    Multi-Agent-based Code Generation with Iterative Testing and Optimisation" (2024, arXiv:2312.13010).

    Args:
        run: whose issue it is.
        places: what is shown of the base; none for what a search ranks first.
        samples: how many are asked independently of each other.
        each: tests of one answer, at the most.
        role: in the report of what was spent.
        settings: of the question, nested as the settings are.

    Returns:
        The tests, those of the same text once.
    """
    shown = list(places) or likely_places(run)
    prompt = role_prompt(
        run,
        "tester",
        code=code_of(run, shown),
        tests=example_test(run, shown),
        test_command=run.test_command,
        count=each,
    )
    answers = run.ask(prompt, DesignedTests, samples, role=role, **settings)
    tests = (test for answer in answers for test in answer.tests[:each])
    return tuple({test.content: as_reproduction(run, test) for test in tests}.values())


def as_reproduction(run: "Run", test: DesignedTest) -> Reproduction:
    """A designed test as a reproduction, under a name that no file of the base has."""
    path, number = PurePosixPath(test.path), 1
    while str(path) in run.index.entries:
        number += 1
        path = PurePosixPath(test.path).with_stem(f"{PurePosixPath(test.path).stem}_{number}")
    return run.reproduction(test.content, str(path))
