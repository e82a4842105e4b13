"""Commands run on one side of the comparison, and what they came to."""
