"""The ReAct loop."""
