"""Compare the existing tests of both sides."""
