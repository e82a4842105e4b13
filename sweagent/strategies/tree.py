"""Search a tree of attempts that fork at decision points.

After A. Zhou et al., "Language Agent Tree Search" (2023, arXiv:2310.04406), and A. Antoniades et al., "SWE-Search:
Enhancing Software Agents with Monte Carlo Tree Search" (2024, arXiv:2410.20285).
"""

from pydantic import Field

from sweagent.run import (
    Choice,
    Frozen,
    Node,
    Run,
    agreement,
    diff_of,
    evidence_value,
    proof_of,
    role_prompt,
    role_text,
)


class Parameters(Frozen):
    """What it takes."""

    nodes: int = Field(default=8, ge=1, le=64)
    """Forks at the most; each has an equal share of what is left."""
    steps: int = Field(default=6, ge=1)
    """Replies from one decision point to the next."""
    width: int = Field(default=2, ge=1)
    """Forks of one node."""
    exploration: float = Field(default=0.5, ge=0)
    model_value: float = Field(default=0.3, ge=0, le=1)
    """How much the model's opinion counts beside the evidence; 0 does not ask for it."""


class Value(Frozen):
    """How likely it is that the work leads to a right fix."""

    reasons: str
    percent: int = Field(ge=0, le=100)


def run(run: Run, parameters: Parameters) -> Choice:
    """Fork the node that UCT picks until a candidate is verified, or nodes or budget are used up."""
    root = Node(run.attempt(share=1 / (parameters.nodes + 1)))
    _grow(run, root, parameters)
    for number in range(parameters.nodes):
        if run.evidence.verified or not run.left.enough:
            break
        parent = root.pick(parameters.width, parameters.exploration)
        child = Node(run.fork(parent.attempt, share=1 / (parameters.nodes - number)), parent)
        if parent.attempt.ending and parent.attempt.ending.status.submitted:
            child.attempt.say(proof_of(parent.attempt.take()))
        for sibling in parent.children:
            child.attempt.say(role_text(run, "other_way", diff=diff_of(sibling.attempt.take())))
        parent.children.append(child)
        _grow(run, child, parameters)
    return run.choose(agreement, run.evidence if run.evidence.verified else run.compare())


def _grow(run: Run, node: Node, parameters: Parameters) -> None:
    """Let a node work to its next decision point, and value what it has."""
    node.attempt.work(steps=parameters.steps, rounds=0)
    candidate = run.verify([node.attempt.take()]).items[0].candidate
    value = evidence_value(run, candidate)
    if parameters.model_value and value < 1:
        prompt = role_prompt(run, "valuer", diff=diff_of(candidate), proof=proof_of(candidate))
        for answer in run.ask(prompt, Value, role="valuer"):
            value += parameters.model_value * (answer.percent / 100 - value)
    node.add(value)
