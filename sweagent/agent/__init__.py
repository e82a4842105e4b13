"""The ReAct loop, the state of a run, and the view."""
