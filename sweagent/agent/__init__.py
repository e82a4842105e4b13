"""The ReAct loop, the state of a run, and what the policy is shown of it."""
