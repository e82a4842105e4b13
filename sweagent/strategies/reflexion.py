"""Attempts that learn from the failed ones before them.

After N. Shinn et al., "Reflexion: Language Agents with Verbal Reinforcement Learning" (2023, arXiv:2303.11366), and
X. Chen et al., "Teaching Large Language Models to Self-Debug" (2023, arXiv:2304.05128): the failed run is explained
before a lesson is drawn. What was tried and what came of it are the harness's facts.
"""

from typing import Any

from pydantic import Field

from sweagent.run import (
    Candidate,
    Choice,
    Frozen,
    Run,
    account_of,
    agreement,
    is_repeated,
    role_prompt,
    role_text,
    short,
)


class Parameters(Frozen):
    """What it takes."""

    attempts: int = Field(default=3, ge=1, le=8)
    """At the most; another begins only when none is verified."""
    reflector: dict[str, Any] = {}
    """Settings of the one who draws lessons: another model, say."""


class Lesson(Frozen):
    """What a failed attempt teaches."""

    explanation: str = Field(description="what the change does, step by step, and why the run came out as it did")
    lesson: str = Field(description="what to do otherwise, and where; at most 60 words")


def run(run: Run, parameters: Parameters) -> Choice:
    """Let each attempt know what the ones before it tried, what the verifier said, and what was learned."""
    run.check(**parameters.reflector)
    accounts: list[str] = []
    for number in range(parameters.attempts):
        attempt = run.attempt(share=1 / (parameters.attempts - number))
        if accounts:
            attempt.say(role_text(run, "earlier_attempts", attempts=accounts))
        attempt.work()
        earlier = [candidate for other in run.attempts[:-1] for candidate in other.candidates]
        if is_repeated(run, attempt.take(), earlier):
            attempt.say(role_text(run, "repeated"))
            attempt.work()
        if run.evidence.verified or not run.left.enough or number + 1 == parameters.attempts:
            break
        accounts.append(account_of(attempt.take(), _lesson(run, attempt.take(), parameters)))
    return run.choose(agreement, run.evidence if run.evidence.verified else run.compare())


def _lesson(run: Run, failed: Candidate, parameters: Parameters) -> str:
    prompt = role_prompt(run, "reflector", tried=account_of(failed))
    answers = run.ask(prompt, Lesson, role="reflector", **parameters.reflector)
    lesson = short(answers[0].lesson) if answers else ""
    run.lessons += [lesson] if lesson else []
    return lesson
