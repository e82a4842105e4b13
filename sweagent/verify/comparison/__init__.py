"""The existing tests of both sides: what is run, for how long, and what came of it."""
